"""Which types hold what a new resource does not bring back."""

from __future__ import annotations

STATEFUL_TYPES = frozenset(
    {
        # Databases and search
        "aws_db_instance",
        "aws_db_snapshot",
        "aws_docdb_cluster",
        "aws_dynamodb_global_table",
        "aws_dynamodb_table",
        "aws_elasticache_cluster",
        "aws_elasticache_replication_group",
        "aws_elasticache_serverless_cache",
        "aws_elasticsearch_domain",
        "aws_keyspaces_table",
        "aws_memorydb_cluster",
        "aws_neptune_cluster",
        "aws_opensearch_domain",
        "aws_opensearchserverless_collection",
        "aws_qldb_ledger",
        "aws_rds_cluster",
        "aws_rds_global_cluster",
        "aws_redshift_cluster",
        "aws_timestreamwrite_database",
        "aws_timestreamwrite_table",
        # Files, volumes, images
        "aws_ami",
        "aws_backup_vault",
        "aws_ebs_snapshot",
        "aws_ebs_volume",
        "aws_ecr_repository",
        "aws_ecrpublic_repository",
        "aws_efs_file_system",
        "aws_fsx_lustre_file_system",
        "aws_fsx_ontap_file_system",
        "aws_fsx_openzfs_file_system",
        "aws_fsx_windows_file_system",
        "aws_glacier_vault",
        "aws_s3_bucket",
        "aws_s3_directory_bucket",
        # Machines with a disk of their own
        "aws_autoscaling_group",
        "aws_eks_cluster",
        "aws_instance",
        "aws_lightsail_instance",
        "aws_spot_instance_request",
        # Queues and streams
        "aws_cloudwatch_log_group",
        "aws_kinesis_stream",
        "aws_mq_broker",
        "aws_msk_cluster",
        "aws_sqs_queue",
        # What others rely on, and cannot be made the same again
        "aws_cognito_user_pool",
        "aws_kms_key",
        "aws_route53_zone",
        "aws_secretsmanager_secret",
        # Not AWS
        "kubernetes_persistent_volume",
        "kubernetes_persistent_volume_claim",
    }
)
"""Types whose destruction loses data, or an address or name that others rely on. From the AWS provider's list of resources."""

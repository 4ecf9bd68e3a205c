"""Collisions of services that have one such type each: tables, queues, functions, repositories, secrets, ..."""

from __future__ import annotations

from checks.apply.forecast.collisions.kind import (
    CollisionKind,
    CollisionQuery,
    ExistingResource,
    describe_by_name,
    find_in_listing,
)
from checks.aws.errors import is_not_found

_SQS_ATTRIBUTES = {
    "delay_seconds": "DelaySeconds",
    "max_message_size": "MaximumMessageSize",
    "message_retention_seconds": "MessageRetentionPeriod",
    "receive_wait_time_seconds": "ReceiveMessageWaitTimeSeconds",
    "visibility_timeout_seconds": "VisibilityTimeout",
    "policy": "Policy",
    "redrive_policy": "RedrivePolicy",
    "kms_master_key_id": "KmsMasterKeyId",
}
"""Terraform's name to SQS's. A CreateQueue with the same attributes gets the existing queue; any other is refused."""


def _find_queue(query: CollisionQuery) -> ExistingResource | None:
    try:
        url = query.client.get_queue_url(QueueName=query.name)["QueueUrl"]
    except Exception as error:
        if is_not_found(error):
            return None
        raise
    current = query.client.get_queue_attributes(QueueUrl=url, AttributeNames=["All"]).get("Attributes", {})
    planned = query.planned.after
    different = sorted(
        sqs_name
        for attribute, sqs_name in _SQS_ATTRIBUTES.items()
        if planned.get(attribute) is not None and str(planned[attribute]) != current.get(sqs_name, "")
    )
    if not different:
        return None
    return ExistingResource(id=f"{current.get('QueueArn', url)}, with another {', '.join(different)}", import_id=url)


def _find_secret(query: CollisionQuery) -> ExistingResource | None:
    # A deleted secret keeps its name for 7 to 30 days; describe_secret finds it, and so does the creation.
    try:
        found = query.client.describe_secret(SecretId=query.name)
    except Exception as error:
        if is_not_found(error):
            return None
        raise
    if not found.get("DeletedDate"):
        return ExistingResource(id=found["ARN"], import_id=found["ARN"])
    return ExistingResource(
        id=f"{found['ARN']} (scheduled for deletion)",
        import_id="",
        restore=("aws", "secretsmanager", "restore-secret", "--secret-id", query.name),
    )


def _find_codebuild_project(query: CollisionQuery) -> ExistingResource | None:
    names = query.list_items("list_projects", "projects")
    return ExistingResource(id=query.name, import_id=query.name) if query.name in names else None


KINDS = (
    CollisionKind(
        "aws_backup_vault",
        # By listing: Describe answers AccessDenied for a vault that does not exist.
        find_in_listing(
            "list_backup_vaults", "BackupVaultList", "BackupVaultName", "BackupVaultArn", "BackupVaultName"
        ),
        "backup:ListBackupVaults",
        "backup",
    ),
    CollisionKind(
        "aws_cloudformation_stack",
        describe_by_name("describe_stacks", "StackName", "Stacks.StackId", "ValidationError"),
        "cloudformation:DescribeStacks",
        "cloudformation",
    ),
    CollisionKind(
        "aws_cloudtrail",
        describe_by_name("describe_trails", "trailNameList", "trailList.TrailARN", import_path="trailList.TrailARN"),
        "cloudtrail:DescribeTrails",
        "cloudtrail",
    ),
    CollisionKind("aws_codebuild_project", _find_codebuild_project, "codebuild:ListProjects", "codebuild"),
    CollisionKind(
        "aws_dynamodb_table",
        describe_by_name("describe_table", "TableName", "Table.TableArn"),
        "dynamodb:DescribeTable",
        "dynamodb",
    ),
    CollisionKind(
        "aws_ecr_repository",
        describe_by_name("describe_repositories", "repositoryNames", "repositories.repositoryArn"),
        "ecr:DescribeRepositories",
        "ecr",
    ),
    CollisionKind(
        "aws_efs_file_system",
        describe_by_name(
            "describe_file_systems",
            "CreationToken",
            "FileSystems.FileSystemArn",
            import_path="FileSystems.FileSystemId",
        ),
        "elasticfilesystem:DescribeFileSystems",
        "efs",
        attribute="creation_token",
    ),
    CollisionKind(
        "aws_kinesis_stream",
        describe_by_name("describe_stream_summary", "StreamName", "StreamDescriptionSummary.StreamARN"),
        "kinesis:DescribeStreamSummary",
        "kinesis",
    ),
    CollisionKind(
        "aws_lambda_function",
        describe_by_name("get_function_configuration", "FunctionName", "FunctionArn"),
        "lambda:GetFunctionConfiguration",
        "lambda",
        attribute="function_name",
    ),
    CollisionKind(
        "aws_opensearch_domain",
        describe_by_name("describe_domain", "DomainName", "DomainStatus.ARN"),
        "es:DescribeDomain",
        "opensearch",
        attribute="domain_name",
    ),
    CollisionKind("aws_secretsmanager_secret", _find_secret, "secretsmanager:DescribeSecret", "secretsmanager"),
    CollisionKind(
        "aws_sfn_state_machine",
        find_in_listing("list_state_machines", "stateMachines", "name", "stateMachineArn", "stateMachineArn"),
        "states:ListStateMachines",
        "stepfunctions",
    ),
    CollisionKind("aws_sqs_queue", _find_queue, "sqs:GetQueueUrl", "sqs"),
)

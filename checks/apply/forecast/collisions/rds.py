"""Names of databases and caches: RDS, ElastiCache."""

from __future__ import annotations

from checks.apply.forecast.collisions.kind import CollisionKind, describe_by_name

KINDS = tuple(
    CollisionKind(
        type=f"aws_{type_}",
        find_existing=describe_by_name(service, operation, parameter, path),
        action=f"{service}:{action}",
        service=service,
        attribute=attribute,
        ignores_case=True,  # both services keep these names in lower case
    )
    for type_, attribute, service, operation, action, parameter, path in (
        (
            "db_instance",
            "identifier",
            "rds",
            "describe_db_instances",
            "DescribeDBInstances",
            "DBInstanceIdentifier",
            "DBInstances.DBInstanceArn",
        ),
        (
            "rds_cluster",
            "cluster_identifier",
            "rds",
            "describe_db_clusters",
            "DescribeDBClusters",
            "DBClusterIdentifier",
            "DBClusters.DBClusterArn",
        ),
        (
            "db_subnet_group",
            "name",
            "rds",
            "describe_db_subnet_groups",
            "DescribeDBSubnetGroups",
            "DBSubnetGroupName",
            "DBSubnetGroups.DBSubnetGroupArn",
        ),
        (
            "db_parameter_group",
            "name",
            "rds",
            "describe_db_parameter_groups",
            "DescribeDBParameterGroups",
            "DBParameterGroupName",
            "DBParameterGroups.DBParameterGroupArn",
        ),
        (
            "rds_cluster_parameter_group",
            "name",
            "rds",
            "describe_db_cluster_parameter_groups",
            "DescribeDBClusterParameterGroups",
            "DBClusterParameterGroupName",
            "DBClusterParameterGroups.DBClusterParameterGroupArn",
        ),
        (
            "db_option_group",
            "name",
            "rds",
            "describe_option_groups",
            "DescribeOptionGroups",
            "OptionGroupName",
            "OptionGroupsList.OptionGroupArn",
        ),
        (
            "elasticache_cluster",
            "cluster_id",
            "elasticache",
            "describe_cache_clusters",
            "DescribeCacheClusters",
            "CacheClusterId",
            "CacheClusters.ARN",
        ),
        (
            "elasticache_replication_group",
            "replication_group_id",
            "elasticache",
            "describe_replication_groups",
            "DescribeReplicationGroups",
            "ReplicationGroupId",
            "ReplicationGroups.ARN",
        ),
        (
            "elasticache_subnet_group",
            "name",
            "elasticache",
            "describe_cache_subnet_groups",
            "DescribeCacheSubnetGroups",
            "CacheSubnetGroupName",
            "CacheSubnetGroups.ARN",
        ),
        (
            "elasticache_parameter_group",
            "name",
            "elasticache",
            "describe_cache_parameter_groups",
            "DescribeCacheParameterGroups",
            "CacheParameterGroupName",
            "CacheParameterGroups.ARN",
        ),
    )
)

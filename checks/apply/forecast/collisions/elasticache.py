"""Collisions of ElastiCache. It keeps names in lower case, so that their case does not matter."""

from __future__ import annotations

from checks.apply.forecast.collisions.kind import CollisionKind, describe_by_name


def _elasticache_kind(
    type_: str, attribute: str, operation: str, action: str, parameter: str, path: str
) -> CollisionKind:
    return CollisionKind(
        type_,
        describe_by_name(operation, parameter, path),
        f"elasticache:{action}",
        "elasticache",
        attribute=attribute,
        ignores_case=True,
    )


KINDS = (
    _elasticache_kind(
        "aws_elasticache_cluster", "cluster_id", "describe_cache_clusters", "DescribeCacheClusters",
        "CacheClusterId", "CacheClusters.ARN",
    ),
    _elasticache_kind(
        "aws_elasticache_replication_group", "replication_group_id",
        "describe_replication_groups", "DescribeReplicationGroups",
        "ReplicationGroupId", "ReplicationGroups.ARN",
    ),
    _elasticache_kind(
        "aws_elasticache_subnet_group", "name", "describe_cache_subnet_groups", "DescribeCacheSubnetGroups",
        "CacheSubnetGroupName", "CacheSubnetGroups.ARN",
    ),
    _elasticache_kind(
        "aws_elasticache_parameter_group", "name",
        "describe_cache_parameter_groups", "DescribeCacheParameterGroups",
        "CacheParameterGroupName", "CacheParameterGroups.ARN",
    ),
)  # fmt: skip

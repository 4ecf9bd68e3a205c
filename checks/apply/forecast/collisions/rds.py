"""Collisions of RDS. It keeps names in lower case, so that their case does not matter."""

from __future__ import annotations

from checks.apply.forecast.collisions.kind import CollisionKind, describe_by_name


def _rds_kind(type_: str, attribute: str, operation: str, action: str, parameter: str, path: str) -> CollisionKind:
    return CollisionKind(
        type_,
        describe_by_name(operation, parameter, path),
        f"rds:{action}",
        "rds",
        attribute=attribute,
        ignores_case=True,
    )


KINDS = (
    _rds_kind(
        "aws_db_instance", "identifier", "describe_db_instances", "DescribeDBInstances",
        "DBInstanceIdentifier", "DBInstances.DBInstanceArn",
    ),
    _rds_kind(
        "aws_rds_cluster", "cluster_identifier", "describe_db_clusters", "DescribeDBClusters",
        "DBClusterIdentifier", "DBClusters.DBClusterArn",
    ),
    _rds_kind(
        "aws_db_subnet_group", "name", "describe_db_subnet_groups", "DescribeDBSubnetGroups",
        "DBSubnetGroupName", "DBSubnetGroups.DBSubnetGroupArn",
    ),
    _rds_kind(
        "aws_db_parameter_group", "name", "describe_db_parameter_groups", "DescribeDBParameterGroups",
        "DBParameterGroupName", "DBParameterGroups.DBParameterGroupArn",
    ),
    _rds_kind(
        "aws_rds_cluster_parameter_group", "name",
        "describe_db_cluster_parameter_groups", "DescribeDBClusterParameterGroups",
        "DBClusterParameterGroupName", "DBClusterParameterGroups.DBClusterParameterGroupArn",
    ),
    _rds_kind(
        "aws_db_option_group", "name", "describe_option_groups", "DescribeOptionGroups",
        "OptionGroupName", "OptionGroupsList.OptionGroupArn",
    ),
)  # fmt: skip

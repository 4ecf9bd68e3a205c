"""Collisions of EKS: clusters in a region, node groups and add-ons in a cluster."""

from __future__ import annotations

from checks.apply.forecast.collisions.kind import (
    CollisionKind,
    CollisionQuery,
    ExistingResource,
    Finder,
    describe_by_name,
)
from checks.aws.errors import is_not_found


def _find_in_cluster(operation: str, parameter: str, key: str, arn_field: str) -> Finder:
    def find(query: CollisionQuery) -> ExistingResource | None:
        cluster = query.planned.known_text("cluster_name")
        if cluster is None:
            return None
        try:
            found = getattr(query.client, operation)(clusterName=cluster, **{parameter: query.name})[key]
        except Exception as error:
            if is_not_found(error):
                return None
            raise
        return ExistingResource(id=found.get(arn_field, query.name), import_id=f"{cluster}:{query.name}")

    return find


KINDS = (
    CollisionKind(
        "aws_eks_cluster",
        describe_by_name("describe_cluster", "name", "cluster.arn"),
        "eks:DescribeCluster",
        "eks",
    ),
    CollisionKind(
        "aws_eks_node_group",
        _find_in_cluster("describe_nodegroup", "nodegroupName", "nodegroup", "nodegroupArn"),
        "eks:DescribeNodegroup",
        "eks",
        attribute="node_group_name",
        scope=("cluster_name", "aws_eks_cluster"),
    ),
    CollisionKind(
        "aws_eks_addon",
        _find_in_cluster("describe_addon", "addonName", "addon", "addonArn"),
        "eks:DescribeAddon",
        "eks",
        attribute="addon_name",
        scope=("cluster_name", "aws_eks_cluster"),
    ),
)

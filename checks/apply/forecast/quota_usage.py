"""Quotas of which every resource takes one: how they are called, and how the account's own are counted.

Codes and names: AWS Service Quotas, of the service that each row names.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from checks.apply.plan.model import PlannedChange

if TYPE_CHECKING:
    from checks.aws.session import AwsSession


@dataclass(frozen=True)
class CountedQuota:
    types: tuple[str, ...]
    service: str
    code: str
    title: str
    action: str
    client_name: str
    operation: str
    result_key: str
    item_filter: Callable[[dict[str, Any]], bool] | None = None
    """Which of the account's take part; all, when there is none."""
    planned_filter: Callable[[PlannedChange], bool] | None = None
    """The same, for the planned ones."""
    is_global: bool = False

    def applies_to(self, change: PlannedChange) -> bool:
        return change.type in self.types and (self.planned_filter is None or self.planned_filter(change))

    def count_in_use(self, aws: AwsSession, region: str) -> int:
        """How many there are now. Raises botocore's errors."""
        items = aws.paginate(self.client_name, self.operation, self.result_key, region=region or None)
        return sum(1 for item in items if self.item_filter is None or self.item_filter(item))


def _load_balancer_filters(kind: str) -> tuple[Callable[[dict[str, Any]], bool], Callable[[PlannedChange], bool]]:
    return (
        lambda item: item.get("Type") == kind,
        lambda one: (one.known_text("load_balancer_type") or "application") == kind,
    )


def _load_balancer_quota(kind: str, code: str, title: str) -> CountedQuota:
    counts, takes = _load_balancer_filters(kind)
    return CountedQuota(
        ("aws_lb", "aws_alb"),
        "elasticloadbalancing",
        code,
        title,
        "elasticloadbalancing:DescribeLoadBalancers",
        "elbv2",
        "describe_load_balancers",
        "LoadBalancers",
        counts,
        takes,
    )


def _ec2_quota(
    type_: str, code: str, title: str, action: str, operation: str, key: str, service: str = "vpc"
) -> CountedQuota:
    return CountedQuota((type_,), service, code, title, f"ec2:{action}", "ec2", operation, key)


COUNTED_QUOTAS = (
    CountedQuota(
        ("aws_eip",),
        "ec2",
        "L-0263D0A3",
        "Elastic IPs",
        "ec2:DescribeAddresses",
        "ec2",
        "describe_addresses",
        "Addresses",
        # Addresses that the customer brought do not count.
        lambda item: item.get("PublicIpv4Pool", "amazon") == "amazon",
        lambda one: not one.known_text("public_ipv4_pool") or one.known_text("public_ipv4_pool") == "amazon",
    ),
    _ec2_quota("aws_vpc", "L-F678F1CE", "VPCs per region", "DescribeVpcs", "describe_vpcs", "Vpcs"),
    _ec2_quota(
        "aws_internet_gateway",
        "L-A4707A72",
        "Internet gateways per region",
        "DescribeInternetGateways",
        "describe_internet_gateways",
        "InternetGateways",
    ),
    _ec2_quota(
        "aws_egress_only_internet_gateway",
        "L-45FE3B85",
        "Egress-only internet gateways per region",
        "DescribeEgressOnlyInternetGateways",
        "describe_egress_only_internet_gateways",
        "EgressOnlyInternetGateways",
    ),
    _ec2_quota(
        "aws_security_group",
        "L-E79EC296",
        "Security groups per region",
        "DescribeSecurityGroups",
        "describe_security_groups",
        "SecurityGroups",
    ),
    _load_balancer_quota("application", "L-53DA6B97", "Application Load Balancers per region"),
    _load_balancer_quota("network", "L-69A177A2", "Network Load Balancers per region"),
    CountedQuota(
        ("aws_elb",),
        "elasticloadbalancing",
        "L-E9E9831D",
        "Classic Load Balancers per region",
        "elasticloadbalancing:DescribeLoadBalancers",
        "elb",
        "describe_load_balancers",
        "LoadBalancerDescriptions",
    ),
    CountedQuota(
        ("aws_autoscaling_group",),
        "autoscaling",
        "L-CDE20ADC",
        "Auto Scaling groups per region",
        "autoscaling:DescribeAutoScalingGroups",
        "autoscaling",
        "describe_auto_scaling_groups",
        "AutoScalingGroups",
    ),
    CountedQuota(
        ("aws_eks_cluster",),
        "eks",
        "L-1194D53C",
        "EKS clusters per region",
        "eks:ListClusters",
        "eks",
        "list_clusters",
        "clusters",
    ),
    CountedQuota(
        ("aws_db_instance", "aws_rds_cluster_instance"),
        "rds",
        "L-7B6409FD",
        "RDS instances per region",
        "rds:DescribeDBInstances",
        "rds",
        "describe_db_instances",
        "DBInstances",
    ),
    CountedQuota(
        ("aws_cloudfront_distribution",),
        "cloudfront",
        "L-24B04930",
        "CloudFront distributions",
        "cloudfront:ListDistributions",
        "cloudfront",
        "list_distributions",
        "DistributionList.Items",
        is_global=True,
    ),
)

IAM_QUOTAS = {
    "aws_iam_role": ("L-FE177D64", "IAM roles", "Roles"),
    "aws_iam_policy": ("L-E95E4862", "IAM customer managed policies", "Policies"),
    "aws_iam_instance_profile": ("L-6E65F664", "IAM instance profiles", "InstanceProfiles"),
    "aws_iam_user": ("L-F55AF5E4", "IAM users", "Users"),
    "aws_iam_group": ("L-F4A5425F", "IAM groups", "Groups"),
}
"""Type to quota code, title and key of GetAccountSummary, which knows the limit as well (`RolesQuota`)."""
HOSTED_ZONE_QUOTA = ("L-4EA4796A", "Hosted zones")
"""Route53 tells limit and use of its zones itself (GetAccountLimit)."""

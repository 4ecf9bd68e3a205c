"""Quotas of which every resource takes one: how they are called, and how the account's own are counted.

Codes and names: AWS Service Quotas, of the service that each row names.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from checks.apply.plan.model import Planned

if TYPE_CHECKING:
    from checks.aws.session import Aws


@dataclass(frozen=True)
class Counted:
    types: tuple[str, ...]
    service: str
    code: str
    title: str
    action: str
    client: str
    operation: str
    key: str
    counts: Callable[[dict[str, Any]], bool] | None = None
    """Which of the account's take part; all, when there is none."""
    takes: Callable[[Planned], bool] | None = None
    """The same, for the planned ones."""
    worldwide: bool = False

    def mine(self, one: Planned) -> bool:
        return one.type in self.types and (self.takes is None or self.takes(one))

    def count(self, aws: Aws, region: str) -> int:
        """How many there are now. Raises botocore's errors."""
        items = aws.paginate(self.client, self.operation, self.key, region=region or None)
        return sum(1 for item in items if self.counts is None or self.counts(item))


def _of_kind(kind: str) -> tuple[Callable[[dict[str, Any]], bool], Callable[[Planned], bool]]:
    return (
        lambda item: item.get("Type") == kind,
        lambda one: (one.value("load_balancer_type") or "application") == kind,
    )


def _load_balancers(kind: str, code: str, title: str) -> Counted:
    counts, takes = _of_kind(kind)
    return Counted(
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


def _ec2(
    type_: str, code: str, title: str, action: str, operation: str, key: str, service: str = "vpc"
) -> Counted:
    return Counted((type_,), service, code, title, f"ec2:{action}", "ec2", operation, key)


COUNTED = (
    Counted(
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
        lambda one: not one.value("public_ipv4_pool") or one.value("public_ipv4_pool") == "amazon",
    ),
    _ec2("aws_vpc", "L-F678F1CE", "VPCs per region", "DescribeVpcs", "describe_vpcs", "Vpcs"),
    _ec2(
        "aws_internet_gateway",
        "L-A4707A72",
        "Internet gateways per region",
        "DescribeInternetGateways",
        "describe_internet_gateways",
        "InternetGateways",
    ),
    _ec2(
        "aws_egress_only_internet_gateway",
        "L-45FE3B85",
        "Egress-only internet gateways per region",
        "DescribeEgressOnlyInternetGateways",
        "describe_egress_only_internet_gateways",
        "EgressOnlyInternetGateways",
    ),
    _ec2(
        "aws_security_group",
        "L-E79EC296",
        "Security groups per region",
        "DescribeSecurityGroups",
        "describe_security_groups",
        "SecurityGroups",
    ),
    _load_balancers("application", "L-53DA6B97", "Application Load Balancers per region"),
    _load_balancers("network", "L-69A177A2", "Network Load Balancers per region"),
    Counted(
        ("aws_elb",),
        "elasticloadbalancing",
        "L-E9E9831D",
        "Classic Load Balancers per region",
        "elasticloadbalancing:DescribeLoadBalancers",
        "elb",
        "describe_load_balancers",
        "LoadBalancerDescriptions",
    ),
    Counted(
        ("aws_autoscaling_group",),
        "autoscaling",
        "L-CDE20ADC",
        "Auto Scaling groups per region",
        "autoscaling:DescribeAutoScalingGroups",
        "autoscaling",
        "describe_auto_scaling_groups",
        "AutoScalingGroups",
    ),
    Counted(
        ("aws_eks_cluster",),
        "eks",
        "L-1194D53C",
        "EKS clusters per region",
        "eks:ListClusters",
        "eks",
        "list_clusters",
        "clusters",
    ),
    Counted(
        ("aws_db_instance", "aws_rds_cluster_instance"),
        "rds",
        "L-7B6409FD",
        "RDS instances per region",
        "rds:DescribeDBInstances",
        "rds",
        "describe_db_instances",
        "DBInstances",
    ),
    Counted(
        ("aws_cloudfront_distribution",),
        "cloudfront",
        "L-24B04930",
        "CloudFront distributions",
        "cloudfront:ListDistributions",
        "cloudfront",
        "list_distributions",
        "DistributionList.Items",
        worldwide=True,
    ),
)

OF_IAM = {
    "aws_iam_role": ("L-FE177D64", "IAM roles", "Roles"),
    "aws_iam_policy": ("L-E95E4862", "IAM customer managed policies", "Policies"),
    "aws_iam_instance_profile": ("L-6E65F664", "IAM instance profiles", "InstanceProfiles"),
    "aws_iam_user": ("L-F55AF5E4", "IAM users", "Users"),
    "aws_iam_group": ("L-F4A5425F", "IAM groups", "Groups"),
}
"""Type to quota code, title and key of GetAccountSummary, which knows the limit as well (`RolesQuota`)."""
OF_ZONES = ("L-4EA4796A", "Hosted zones")
"""Route53 tells limit and use of its zones itself (GetAccountLimit)."""

"""The kinds of leftovers. A new kind is one module, and one line here.

A module has `find(asking) -> Iterable[Seen]`, `again(asking, id, region) -> Seen | None` (the same resource as it is now)
and `delete(asking, seen, task)`, which may be called any number of times, raises `NotYet` while AWS makes it wait and
`Refused` when it cannot go.
"""

from __future__ import annotations

import importlib
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Protocol, cast

from checks.cleanup.aws_query import Asking
from checks.cleanup.model import Seen


def _say_nothing(message: str) -> None:
    pass


@dataclass(frozen=True)
class Task:
    """What a deletion may tell, and when it has to stop."""

    say: Callable[[str], None] = _say_nothing
    stopping: threading.Event = field(default_factory=threading.Event)


class Handler(Protocol):
    def find(self, asking: Asking) -> Iterable[Seen]: ...

    def again(self, asking: Asking, id: str, region: str) -> Seen | None: ...

    def delete(self, asking: Asking, seen: Seen, task: Task) -> None: ...


@dataclass(frozen=True)
class Kind:
    id: str
    one: str
    """What a person calls it: `IAM policy`."""
    many: str
    module: str
    action: str
    """What its deletion does, as `Leftover.action`."""
    lists: str
    """The IAM action that finding it needs first."""
    terraform: tuple[str, ...]
    """Resource types of terraform that manage it."""
    guide: tuple[str, ...] = ()

    @property
    def handler(self) -> Handler:
        return cast(Handler, importlib.import_module(f"checks.cleanup.kinds.{self.module}"))


KINDS = (
    Kind("cloudfront", "CloudFront distribution", "CloudFront distributions", "distribution", "disable+delete",
         "cloudfront:ListDistributions", ("aws_cloudfront_distribution",), ("6.2",)),
    Kind("cloudfront-oai", "origin access identity", "origin access identities", "origin_access_identity", "delete",
         "cloudfront:ListCloudFrontOriginAccessIdentities", ("aws_cloudfront_origin_access_identity",), ("6.2",)),
    Kind("cloudfront-oac", "origin access control", "origin access controls", "origin_access_control", "delete",
         "cloudfront:ListOriginAccessControls", ("aws_cloudfront_origin_access_control",)),
    Kind("load-balancer", "load balancer", "load balancers", "load_balancer", "delete",
         "elasticloadbalancing:DescribeLoadBalancers", ("aws_lb", "aws_alb")),
    Kind("classic-load-balancer", "classic load balancer", "classic load balancers", "classic_load_balancer", "delete",
         "elasticloadbalancing:DescribeLoadBalancers", ("aws_elb",)),
    Kind("target-group", "target group", "target groups", "target_group", "delete",
         "elasticloadbalancing:DescribeTargetGroups", ("aws_lb_target_group", "aws_alb_target_group")),
    Kind("ec2-instance", "EC2 instance", "EC2 instances", "instance", "terminate",
         "ec2:DescribeInstances", ("aws_instance",)),
    Kind("instance-profile", "instance profile", "instance profiles", "instance_profile", "delete",
         "iam:ListInstanceProfiles", ("aws_iam_instance_profile",), ("2.1",)),
    Kind("iam-role", "IAM role", "IAM roles", "iam_role", "detach+delete",
         "iam:ListRoles", ("aws_iam_role",), ("2.1",)),
    Kind("iam-policy", "IAM policy", "IAM policies", "iam_policy", "detach+delete",
         "iam:ListPolicies", ("aws_iam_policy",), ("2.1",)),
    Kind("oidc-provider", "OIDC provider", "OIDC providers", "oidc_provider", "delete",
         "iam:ListOpenIDConnectProviders", ("aws_iam_openid_connect_provider",)),
    Kind("launch-template", "launch template", "launch templates", "launch_template", "delete",
         "ec2:DescribeLaunchTemplates", ("aws_launch_template",)),
    Kind("placement-group", "placement group", "placement groups", "placement_group", "delete",
         "ec2:DescribePlacementGroups", ("aws_placement_group",)),
    Kind("key-pair", "key pair", "key pairs", "key_pair", "delete",
         "ec2:DescribeKeyPairs", ("aws_key_pair",), ("4.1",)),
    Kind("nat-gateway", "NAT gateway", "NAT gateways", "nat_gateway", "delete",
         "ec2:DescribeNatGateways", ("aws_nat_gateway",)),
    Kind("vpc-endpoint", "VPC endpoint", "VPC endpoints", "vpc_endpoint", "delete",
         "ec2:DescribeVpcEndpoints", ("aws_vpc_endpoint",)),
    Kind("vpc-peering", "VPC peering connection", "VPC peering connections", "vpc_peering", "delete",
         "ec2:DescribeVpcPeeringConnections",
         ("aws_vpc_peering_connection", "aws_vpc_peering_connection_accepter")),
    Kind("network-interface", "network interface", "network interfaces", "network_interface", "delete",
         "ec2:DescribeNetworkInterfaces", ("aws_network_interface",)),
    Kind("elastic-ip", "Elastic IP", "Elastic IPs", "elastic_ip", "release",
         "ec2:DescribeAddresses", ("aws_eip",)),
    Kind("volume", "EBS volume", "EBS volumes", "volume", "delete",
         "ec2:DescribeVolumes", ("aws_ebs_volume",)),
    Kind("security-group", "security group", "security groups", "security_group", "delete",
         "ec2:DescribeSecurityGroups", ("aws_security_group", "aws_default_security_group")),
    Kind("subnet", "subnet", "subnets", "subnet", "delete",
         "ec2:DescribeSubnets", ("aws_subnet", "aws_default_subnet")),
    Kind("route-table", "route table", "route tables", "route_table", "delete",
         "ec2:DescribeRouteTables", ("aws_route_table", "aws_default_route_table")),
    Kind("network-acl", "network ACL", "network ACLs", "network_acl", "delete",
         "ec2:DescribeNetworkAcls", ("aws_network_acl", "aws_default_network_acl")),
    Kind("internet-gateway", "internet gateway", "internet gateways", "internet_gateway", "detach+delete",
         "ec2:DescribeInternetGateways", ("aws_internet_gateway",)),
    Kind("egress-gateway", "egress-only internet gateway", "egress-only internet gateways", "egress_gateway", "delete",
         "ec2:DescribeEgressOnlyInternetGateways", ("aws_egress_only_internet_gateway",)),
    Kind("vpn-connection", "VPN connection", "VPN connections", "vpn_connection", "delete",
         "ec2:DescribeVpnConnections", ("aws_vpn_connection",)),
    Kind("vpn-gateway", "VPN gateway", "VPN gateways", "vpn_gateway", "detach+delete",
         "ec2:DescribeVpnGateways", ("aws_vpn_gateway",)),
    Kind("customer-gateway", "customer gateway", "customer gateways", "customer_gateway", "delete",
         "ec2:DescribeCustomerGateways", ("aws_customer_gateway",)),
    Kind("vpc", "VPC", "VPCs", "vpc", "delete",
         "ec2:DescribeVpcs", ("aws_vpc", "aws_default_vpc")),
    Kind("s3-bucket", "S3 bucket", "S3 buckets", "s3_bucket", "empty+delete",
         "s3:ListAllMyBuckets", ("aws_s3_bucket",), ("4.2",)),
    Kind("route53-record", "Route53 record", "Route53 records", "route53_record", "delete",
         "route53:ListHostedZones", ("aws_route53_record",), ("6.2",)),
    Kind("route53-zone", "Route53 zone", "Route53 zones", "route53_zone", "delete",
         "route53:ListHostedZones", ("aws_route53_zone",)),
    Kind("acm-certificate", "ACM certificate", "ACM certificates", "certificate", "delete",
         "acm:ListCertificates", ("aws_acm_certificate",)),
    Kind("log-group", "log group", "log groups", "log_group", "delete",
         "logs:DescribeLogGroups", ("aws_cloudwatch_log_group",)),
    Kind("ssm-parameter", "SSM parameter", "SSM parameters", "ssm_parameter", "delete",
         "ssm:DescribeParameters", ("aws_ssm_parameter",)),
)  # fmt: skip
"""In the order in which they are listed among equals; what blocks what decides before that."""

BY_ID = {kind.id: kind for kind in KINDS}

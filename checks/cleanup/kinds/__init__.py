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

from checks.cleanup.aws_query import AwsQuery
from checks.cleanup.model import AwsResource


def _ignore_message(message: str) -> None:
    pass


@dataclass(frozen=True)
class DeletionTask:
    """What a deletion may tell, and when it has to stop."""

    report_progress: Callable[[str], None] = _ignore_message
    stop_event: threading.Event = field(default_factory=threading.Event)


class KindHandler(Protocol):
    def list_resources(self, query: AwsQuery) -> Iterable[AwsResource]: ...

    def read_resource(self, query: AwsQuery, id: str, region: str) -> AwsResource | None: ...

    def delete(self, query: AwsQuery, resource: AwsResource, task: DeletionTask) -> None: ...


@dataclass(frozen=True)
class LeftoverKind:
    id: str
    singular: str
    """What a person calls it: `IAM policy`."""
    plural: str
    module: str
    action: str
    """What its deletion does, as `Leftover.action`."""
    list_permission: str
    """The IAM action that finding it needs first."""
    terraform_types: tuple[str, ...]
    """Resource types of terraform that manage it."""
    guide: tuple[str, ...] = ()

    @property
    def handler(self) -> KindHandler:
        return cast(KindHandler, importlib.import_module(f"checks.cleanup.kinds.{self.module}"))


KINDS = (
    LeftoverKind("cloudfront", "CloudFront distribution", "CloudFront distributions", "cloudfront", "disable+delete",
         "cloudfront:ListDistributions", ("aws_cloudfront_distribution",), ("6.2",)),
    LeftoverKind("cloudfront-oai", "origin access identity", "origin access identities", "origin_access_identity", "delete",
         "cloudfront:ListCloudFrontOriginAccessIdentities", ("aws_cloudfront_origin_access_identity",), ("6.2",)),
    LeftoverKind("cloudfront-oac", "origin access control", "origin access controls", "origin_access_control", "delete",
         "cloudfront:ListOriginAccessControls", ("aws_cloudfront_origin_access_control",)),
    LeftoverKind("load-balancer", "load balancer", "load balancers", "elb", "delete",
         "elasticloadbalancing:DescribeLoadBalancers", ("aws_lb", "aws_alb")),
    LeftoverKind("classic-load-balancer", "classic load balancer", "classic load balancers", "classic_load_balancer", "delete",
         "elasticloadbalancing:DescribeLoadBalancers", ("aws_elb",)),
    LeftoverKind("target-group", "target group", "target groups", "target_group", "delete",
         "elasticloadbalancing:DescribeTargetGroups", ("aws_lb_target_group", "aws_alb_target_group")),
    LeftoverKind("ec2-instance", "EC2 instance", "EC2 instances", "ec2", "terminate",
         "ec2:DescribeInstances", ("aws_instance",)),
    LeftoverKind("instance-profile", "instance profile", "instance profiles", "instance_profile", "delete",
         "iam:ListInstanceProfiles", ("aws_iam_instance_profile",), ("2.1",)),
    LeftoverKind("iam-role", "IAM role", "IAM roles", "iam_role", "detach+delete",
         "iam:ListRoles", ("aws_iam_role",), ("2.1",)),
    LeftoverKind("iam-policy", "IAM policy", "IAM policies", "iam", "detach+delete",
         "iam:ListPolicies", ("aws_iam_policy",), ("2.1",)),
    LeftoverKind("oidc-provider", "OIDC provider", "OIDC providers", "oidc_provider", "delete",
         "iam:ListOpenIDConnectProviders", ("aws_iam_openid_connect_provider",)),
    LeftoverKind("launch-template", "launch template", "launch templates", "launch_template", "delete",
         "ec2:DescribeLaunchTemplates", ("aws_launch_template",)),
    LeftoverKind("placement-group", "placement group", "placement groups", "placement_group", "delete",
         "ec2:DescribePlacementGroups", ("aws_placement_group",)),
    LeftoverKind("key-pair", "key pair", "key pairs", "key_pair", "delete",
         "ec2:DescribeKeyPairs", ("aws_key_pair",), ("4.1",)),
    LeftoverKind("nat-gateway", "NAT gateway", "NAT gateways", "gateways", "delete",
         "ec2:DescribeNatGateways", ("aws_nat_gateway",)),
    LeftoverKind("vpc-endpoint", "VPC endpoint", "VPC endpoints", "vpc_endpoint", "delete",
         "ec2:DescribeVpcEndpoints", ("aws_vpc_endpoint",)),
    LeftoverKind("vpc-peering", "VPC peering connection", "VPC peering connections", "vpc_peering", "delete",
         "ec2:DescribeVpcPeeringConnections",
         ("aws_vpc_peering_connection", "aws_vpc_peering_connection_accepter")),
    LeftoverKind("network-interface", "network interface", "network interfaces", "network_interfaces", "delete",
         "ec2:DescribeNetworkInterfaces", ("aws_network_interface",)),
    LeftoverKind("elastic-ip", "Elastic IP", "Elastic IPs", "elastic_ip", "release",
         "ec2:DescribeAddresses", ("aws_eip",)),
    LeftoverKind("volume", "EBS volume", "EBS volumes", "volume", "delete",
         "ec2:DescribeVolumes", ("aws_ebs_volume",)),
    LeftoverKind("security-group", "security group", "security groups", "security_group", "delete",
         "ec2:DescribeSecurityGroups", ("aws_security_group", "aws_default_security_group")),
    LeftoverKind("subnet", "subnet", "subnets", "subnet", "delete",
         "ec2:DescribeSubnets", ("aws_subnet", "aws_default_subnet")),
    LeftoverKind("route-table", "route table", "route tables", "route_table", "delete",
         "ec2:DescribeRouteTables", ("aws_route_table", "aws_default_route_table")),
    LeftoverKind("network-acl", "network ACL", "network ACLs", "network_acl", "delete",
         "ec2:DescribeNetworkAcls", ("aws_network_acl", "aws_default_network_acl")),
    LeftoverKind("internet-gateway", "internet gateway", "internet gateways", "internet_gateway", "detach+delete",
         "ec2:DescribeInternetGateways", ("aws_internet_gateway",)),
    LeftoverKind("egress-gateway", "egress-only internet gateway", "egress-only internet gateways", "egress_gateway", "delete",
         "ec2:DescribeEgressOnlyInternetGateways", ("aws_egress_only_internet_gateway",)),
    LeftoverKind("vpn-connection", "VPN connection", "VPN connections", "vpn_connection", "delete",
         "ec2:DescribeVpnConnections", ("aws_vpn_connection",)),
    LeftoverKind("vpn-gateway", "VPN gateway", "VPN gateways", "vpn", "detach+delete",
         "ec2:DescribeVpnGateways", ("aws_vpn_gateway",)),
    LeftoverKind("customer-gateway", "customer gateway", "customer gateways", "customer_gateway", "delete",
         "ec2:DescribeCustomerGateways", ("aws_customer_gateway",)),
    LeftoverKind("vpc", "VPC", "VPCs", "vpc", "delete",
         "ec2:DescribeVpcs", ("aws_vpc", "aws_default_vpc")),
    LeftoverKind("s3-bucket", "S3 bucket", "S3 buckets", "s3", "empty+delete",
         "s3:ListAllMyBuckets", ("aws_s3_bucket",), ("4.2",)),
    LeftoverKind("route53-record", "Route53 record", "Route53 records", "route53", "delete",
         "route53:ListHostedZones", ("aws_route53_record",), ("6.2",)),
    LeftoverKind("route53-zone", "Route53 zone", "Route53 zones", "route53_zone", "delete",
         "route53:ListHostedZones", ("aws_route53_zone",)),
    LeftoverKind("acm-certificate", "ACM certificate", "ACM certificates", "acm", "delete",
         "acm:ListCertificates", ("aws_acm_certificate",)),
    LeftoverKind("log-group", "log group", "log groups", "logs", "delete",
         "logs:DescribeLogGroups", ("aws_cloudwatch_log_group",)),
    LeftoverKind("ssm-parameter", "SSM parameter", "SSM parameters", "ssm", "delete",
         "ssm:DescribeParameters", ("aws_ssm_parameter",)),
)  # fmt: skip
"""In the order in which they are listed among equals; what blocks what decides before that."""

KINDS_BY_ID = {kind.id: kind for kind in KINDS}

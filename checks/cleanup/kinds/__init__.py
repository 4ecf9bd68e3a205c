"""The kinds of leftovers, a module for each of AWS's services. A new kind is one row in its module, and a test."""

from __future__ import annotations

from checks.cleanup.kinds import (
    acm,
    cloudfront,
    ec2,
    elb,
    gateways,
    iam,
    logs,
    network_interfaces,
    route53,
    s3,
    ssm,
    vpc,
    vpn,
)
from checks.cleanup.leftover_kind import LeftoverKind

KINDS: tuple[LeftoverKind, ...] = (
    *cloudfront.KINDS,
    *elb.KINDS,
    *iam.KINDS,
    *ec2.KINDS,
    *network_interfaces.KINDS,
    *gateways.KINDS,
    *vpn.KINDS,
    *vpc.KINDS,
    *s3.KINDS,
    *route53.KINDS,
    *acm.KINDS,
    *logs.KINDS,
    *ssm.KINDS,
)
"""In the order in which they are listed among equals; what blocks what decides before that."""

KINDS_BY_ID = {kind.id: kind for kind in KINDS}

"""How long terraform usually takes for a resource: its median in earlier applies, its type's, or an estimate. Pure."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from checks.apply.plan.configuration import strip_instance_keys
from checks.finding import FrozenStruct
from checks.text import plural

CREATE_ESTIMATES = {
    "aws_acm_certificate": 8.0,
    "aws_acm_certificate_validation": 180.0,
    "aws_alb": 170.0,
    "aws_autoscaling_group": 60.0,
    "aws_cloudfront_distribution": 300.0,
    "aws_db_instance": 420.0,
    "aws_default_vpc": 20.0,
    "aws_efs_mount_target": 90.0,
    "aws_eks_addon": 60.0,
    "aws_eks_cluster": 600.0,
    "aws_eks_node_group": 150.0,
    "aws_elasticache_cluster": 360.0,
    "aws_elasticache_replication_group": 600.0,
    "aws_iam_instance_profile": 8.0,
    "aws_iam_role": 2.0,
    "aws_instance": 25.0,
    "aws_internet_gateway": 2.0,
    "aws_lb": 170.0,
    "aws_msk_cluster": 1800.0,
    "aws_nat_gateway": 110.0,
    "aws_opensearch_domain": 1200.0,
    "aws_rds_cluster": 60.0,
    "aws_rds_cluster_instance": 420.0,
    "aws_route53_record": 35.0,
    "aws_route53_zone": 40.0,
    "aws_spot_instance_request": 25.0,
    "aws_vpc": 15.0,
    "aws_vpc_endpoint": 60.0,
}
"""Seconds to create one, where no apply was recorded yet; shown as estimates.

Load balancers (2:54), VPCs (0:21): "Creation complete after" lines in public applies (DataBiosphere/azul pull request
5780, DevopsArtFactory/terraform-provisioning pull request 11). EKS clusters: "10 to 15 minutes" in the EKS user guide.
CloudFront: the lower end of the 5 to 15 minutes of the guide's chapter 6. Certificates: ACM checks the record every few
minutes. The others are typical of such lines; the first recorded apply replaces them.
"""
DEFAULT_ESTIMATE = 3.0
"""Seconds to create or delete any other type: one call, and one that reads it back."""
DELETE_ESTIMATES = {
    "aws_cloudfront_distribution": 300.0,
    "aws_eks_cluster": 150.0,
    "aws_instance": 40.0,
    "aws_internet_gateway": 30.0,
    "aws_lb": 15.0,
    "aws_nat_gateway": 55.0,
}
"""Seconds to delete one, of what takes longer than a moment; by the same kind of lines."""


class TypicalDuration(FrozenStruct, frozen=True):
    """How long an operation on a resource usually takes."""

    seconds: float
    sample_count: int = 0
    """How many durations it is the median of; 0 for an estimate."""
    is_same_address: bool = False
    """Of this address, not only of its type."""

    @property
    def basis(self) -> str:
        """What it is based on, in words."""
        if not self.sample_count:
            return "estimate"
        return plural(self.sample_count, "run") if self.is_same_address else f"{self.sample_count} of this type"

    @property
    def short_basis(self) -> str:
        """The same for a narrow screen."""
        if not self.sample_count:
            return "estimate"
        return f"{self.sample_count}×" if self.is_same_address else f"{self.sample_count} similar"


class DurationStats(FrozenStruct, frozen=True):
    """The medians of earlier applies; small enough for one line of a stream."""

    addresses: dict[str, tuple[float, int]] = {}  # noqa: RUF012 - msgspec copies it for each instance
    """`create aws_vpc.main` to its median in seconds and how many it is of."""
    types: dict[str, tuple[float, int]] = {}  # noqa: RUF012 - as above
    """`create aws_vpc`, likewise."""
    runs: int = 0
    parallelism: int = 10
    """How many operations terraform does at once; 10 is its default."""

    def typical_duration(self, address: str, action: str) -> TypicalDuration:
        """The median of its address, else of its type, else an estimate."""
        if known := self.addresses.get(f"{action} {address}"):
            return TypicalDuration(seconds=known[0], sample_count=known[1], is_same_address=known[1] > 0)
        type_ = parse_resource_type(address)
        if known := self.types.get(f"{action} {type_}"):
            return TypicalDuration(seconds=known[0], sample_count=known[1])
        estimates = CREATE_ESTIMATES if action == "create" else DELETE_ESTIMATES
        if action not in ("create", "delete") and "cloudfront" not in type_:  # a distribution is deployed again
            return TypicalDuration(seconds=DEFAULT_ESTIMATE)
        return TypicalDuration(seconds=estimates.get(type_, DEFAULT_ESTIMATE))


NO_WAIT_ESTIMATE = 6.0
"""Seconds for a distribution with `wait_for_deployment = false`: the call alone."""


def add_no_wait_estimates(stats: DurationStats, addresses: Iterable[str]) -> DurationStats:
    """The same, where terraform does not wait for these addresses; a recorded duration goes before the estimate."""
    known = dict(stats.addresses)
    for address in addresses:
        for action in ("create", "update"):
            known.setdefault(f"{action} {address}", (NO_WAIT_ESTIMATE, 0))
    return msgspec.structs.replace(stats, addresses=known)


def parse_resource_type(address: str) -> str:
    """`aws_instance` of `module.a["x"].aws_instance.b[0]`; empty for what is no address."""
    words = strip_instance_keys(address).split(".")
    return words[-2] if len(words) > 1 else ""

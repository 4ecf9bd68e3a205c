"""Quotas that a plan uses up: creates minus destroys, against the limit and the use of the live account."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from checks.apply.forecast.aws_calls import failed_check
from checks.apply.forecast.model import ForecastWarning, NotChecked, QuotaNeed
from checks.apply.forecast.vcpus import InstanceBatch, UnresolvedBatch, instance_batches
from checks.apply.plan.configuration import strip_instance_keys
from checks.apply.plan.model import PlannedChange
from checks.aws.vcpu_families import vcpu_quota_for
from checks.finding import CheckState
from checks.quota import usage as quota_usage

if TYPE_CHECKING:
    from checks.aws.session import AwsSession

MAX_PARALLEL_QUOTAS = 4
"""Quotas that are fetched at once: Service Quotas throttles more of them, and then all wait."""
_AWS_SIZED_TYPES = frozenset({"aws_ec2_fleet", "aws_spot_fleet_request", "aws_batch_compute_environment"})
"""Types for which AWS decides how many instances start."""


@dataclass(frozen=True)
class CountedQuota:
    """A quota of which every resource takes one."""

    types: tuple[str, ...]
    service: str
    """As Service Quotas calls it."""
    code: str
    title: str
    action: str
    """The IAM action that counting needs."""
    client_name: str
    operation: str
    result_key: str
    item_filter: Callable[[dict[str, Any]], bool] = lambda item: True
    """Which of the account's count."""
    planned_filter: Callable[[PlannedChange], bool] = lambda change: True
    """Which of the planned ones count."""
    is_global: bool = False

    def applies_to(self, change: PlannedChange) -> bool:
        return change.type in self.types and self.planned_filter(change)

    def count_in_use(self, aws: AwsSession, region: str) -> int:
        """How many there are now. Raises botocore's errors."""
        items = aws.paginate(self.client_name, self.operation, self.result_key, region=region or None)
        return sum(1 for item in items if self.item_filter(item))


def _ec2_quota(type_: str, code: str, title: str, action: str, operation: str, key: str) -> CountedQuota:
    return CountedQuota((type_,), "vpc", code, title, f"ec2:{action}", "ec2", operation, key)


def _load_balancer_quota(kind: str, code: str, title: str) -> CountedQuota:
    return CountedQuota(
        ("aws_lb", "aws_alb"), "elasticloadbalancing", code, title,
        "elasticloadbalancing:DescribeLoadBalancers", "elbv2", "describe_load_balancers", "LoadBalancers",
        lambda item: item.get("Type") == kind,
        lambda one: (one.known_text("load_balancer_type") or "application") == kind,
    )  # fmt: skip


COUNTED_QUOTAS = (
    CountedQuota(
        ("aws_eip",), "ec2", "L-0263D0A3", "Elastic IPs",
        "ec2:DescribeAddresses", "ec2", "describe_addresses", "Addresses",
        # Addresses that the customer brought do not count.
        lambda item: item.get("PublicIpv4Pool", "amazon") == "amazon",
        lambda one: not one.known_text("public_ipv4_pool") or one.known_text("public_ipv4_pool") == "amazon",
    ),
    _ec2_quota("aws_vpc", "L-F678F1CE", "VPCs per region", "DescribeVpcs", "describe_vpcs", "Vpcs"),
    _ec2_quota(
        "aws_internet_gateway", "L-A4707A72", "Internet gateways per region",
        "DescribeInternetGateways", "describe_internet_gateways", "InternetGateways",
    ),
    _ec2_quota(
        "aws_egress_only_internet_gateway", "L-45FE3B85", "Egress-only internet gateways per region",
        "DescribeEgressOnlyInternetGateways", "describe_egress_only_internet_gateways", "EgressOnlyInternetGateways",
    ),
    _ec2_quota(
        "aws_security_group", "L-E79EC296", "Security groups per region",
        "DescribeSecurityGroups", "describe_security_groups", "SecurityGroups",
    ),
    _load_balancer_quota("application", "L-53DA6B97", "Application Load Balancers per region"),
    _load_balancer_quota("network", "L-69A177A2", "Network Load Balancers per region"),
    CountedQuota(
        ("aws_elb",), "elasticloadbalancing", "L-E9E9831D", "Classic Load Balancers per region",
        "elasticloadbalancing:DescribeLoadBalancers", "elb", "describe_load_balancers", "LoadBalancerDescriptions",
    ),
    CountedQuota(
        ("aws_autoscaling_group",), "autoscaling", "L-CDE20ADC", "Auto Scaling groups per region",
        "autoscaling:DescribeAutoScalingGroups", "autoscaling", "describe_auto_scaling_groups", "AutoScalingGroups",
    ),
    CountedQuota(
        ("aws_eks_cluster",), "eks", "L-1194D53C", "EKS clusters per region",
        "eks:ListClusters", "eks", "list_clusters", "clusters",
    ),
    CountedQuota(
        ("aws_db_instance", "aws_rds_cluster_instance"), "rds", "L-7B6409FD", "RDS instances per region",
        "rds:DescribeDBInstances", "rds", "describe_db_instances", "DBInstances",
    ),
    CountedQuota(
        ("aws_cloudfront_distribution",), "cloudfront", "L-24B04930", "CloudFront distributions",
        "cloudfront:ListDistributions", "cloudfront", "list_distributions", "DistributionList.Items", is_global=True,
    ),
)  # fmt: skip
"""Codes and titles: AWS Service Quotas."""

IAM_QUOTAS = {
    "aws_iam_role": ("L-FE177D64", "IAM roles", "Roles"),
    "aws_iam_policy": ("L-E95E4862", "IAM customer managed policies", "Policies"),
    "aws_iam_instance_profile": ("L-6E65F664", "IAM instance profiles", "InstanceProfiles"),
    "aws_iam_user": ("L-F55AF5E4", "IAM users", "Users"),
    "aws_iam_group": ("L-F4A5425F", "IAM groups", "Groups"),
}
"""Type to quota code, title and key of GetAccountSummary, which has the limit as well (`RolesQuota`)."""
HOSTED_ZONE_QUOTA = ("L-4EA4796A", "Hosted zones")
"""Route53 has limit and use of its zones itself (GetAccountLimit)."""
NAT_GATEWAY_QUOTA = ("L-FE5A380F", "NAT gateways per Availability Zone")


@dataclass(frozen=True)
class _QuotaDemand:
    """What the plan takes of one quota."""

    required: float
    """Created, less what a replacement itself frees before."""
    freed: float = 0.0
    """Freed by what the plan destroys elsewhere, in no order that can be relied on."""

    @property
    def net(self) -> float:
        return self.required - self.freed


class _QuotaResults:
    """Collects what the plan needs of quotas, what could not be checked, and what fits only just."""

    def __init__(self, aws: AwsSession) -> None:
        self.aws = aws
        self.needs: list[QuotaNeed] = []
        self.not_checked: list[NotChecked] = []
        self.warnings: list[ForecastWarning] = []

    def add_failure(self, error: BaseException, what: str, action: str) -> None:
        self.not_checked.append(failed_check(self.aws, error, what, action))

    def count_in_use(self, what: str, action: str, count: Callable[[], float]) -> float | None:
        try:
            return float(count())
        except Exception as error:  # noqa: BLE001 - whatever AWS answers, it is reported
            self.add_failure(error, f"{what} in use", action)
            return None

    def fetch_limit(self, service: str, code: str, title: str, region: str) -> float | None:
        try:
            value = quota_usage.fetch_applied_quota(self.aws, service, code, region).value
        except Exception as error:  # noqa: BLE001 - as above
            self.add_failure(error, f"the limit of {title}", "servicequotas:GetServiceQuota")
            return None
        if value is None:
            self.not_checked.append(
                NotChecked(what=f"the limit of {title}", why="AWS gave no value for it", failed=True)
            )
        return value

    def add_need(
        self,
        service: str,
        code: str,
        title: str,
        region: str,
        demand: _QuotaDemand,
        used: float | None,
        limit: float | None,
    ) -> None:
        needed = demand.net
        if limit is None or used is None:
            state = CheckState.BLOCKED if limit is not None and needed > limit else CheckState.UNKNOWN
        else:
            state = CheckState.OK if used + needed <= limit else CheckState.BLOCKED
            if state is CheckState.OK and used + demand.required > limit:
                self.warnings.append(
                    ForecastWarning(
                        what=f"{title} ({code})",
                        why=f"{demand.required:g} more fit only once the {demand.freed:g} that this plan destroys are gone, "
                        f"and terraform does both at once; limit {limit:g}, in use {used:g}",
                        guide=("3.1",) if "vCPU" in title else (),
                    )
                )
        need = QuotaNeed(
            code=code, service=service, title=title, region=region, limit=limit, used=used, needed=needed, state=state
        )
        self.needs.append(need)


def check_quota_needs(
    aws: AwsSession, planned: Sequence[PlannedChange], on_progress: Callable[[str], None] = lambda text: None
) -> tuple[list[QuotaNeed], list[NotChecked], list[ForecastWarning]]:
    """Every quota that the plan touches, what could not be checked, and what fits only just. Raises nothing.

    `on_progress` gets how far it is, where that takes long: Service Quotas answers few requests at a time.
    """
    rows = [row for row in COUNTED_QUOTAS if any(one.creates and row.applies_to(one) for one in planned)]
    checks: list[Callable[[_QuotaResults, Sequence[PlannedChange]], None]] = [
        _check_instances,
        *(partial(_check_counted_quota, quota=row) for row in rows),
        _check_nat_gateways,
        _check_iam,
        _check_hosted_zones,
    ]
    count = quota_usage.QuotaQueryProgress(len(checks), on_progress)
    regions = {"us-east-1" if row.is_global else one.region for row in rows for one in planned if row.applies_to(one)}

    def run_check(quota_check: Callable[[_QuotaResults, Sequence[PlannedChange]], None]) -> _QuotaResults:
        results = _QuotaResults(aws)
        quota_check(results, planned)
        count.record_answer()
        return results

    with ExitStack() as stack:
        with suppress(Exception):  # no credentials, no region: each of the checks reports it
            stack.enter_context(quota_usage.watch_throttling(aws, sorted(regions), count))
        pool = stack.enter_context(ThreadPoolExecutor(max_workers=MAX_PARALLEL_QUOTAS, thread_name_prefix="needs"))
        all_results = list(pool.map(run_check, checks))
    return (
        [one for results in all_results for one in results.needs],
        [one for results in all_results for one in results.not_checked],
        [one for results in all_results for one in results.warnings],
    )


def _demand_by_region(planned: Iterable[PlannedChange]) -> dict[str, _QuotaDemand]:
    """By region: what is created and destroyed of one kind."""
    required: Counter[str] = Counter()
    freed: Counter[str] = Counter()
    for one in planned:
        if one.actions in (("create",), ("create", "delete")):
            required[one.region] += 1
        elif one.actions == ("delete",):
            freed[one.region] += 1
    return {region: _QuotaDemand(count, freed[region]) for region, count in required.items()}


def _check_counted_quota(results: _QuotaResults, planned: Sequence[PlannedChange], quota: CountedQuota) -> None:
    for region, demand in sorted(_demand_by_region(one for one in planned if quota.applies_to(one)).items()):
        if demand.required <= 0:
            continue
        where = "us-east-1" if quota.is_global else region
        used = results.count_in_use(quota.title, quota.action, partial(quota.count_in_use, results.aws, where))
        limit = results.fetch_limit(quota.service, quota.code, quota.title, where)
        results.add_need(quota.service, quota.code, quota.title, region, demand, used, limit)


def _check_instances(results: _QuotaResults, planned: Sequence[PlannedChange]) -> None:
    found, pending, late = instance_batches(planned)
    results.not_checked += [NotChecked(address=one.address, type=one.type, what="vCPUs", why=why) for one, why in late]
    results.not_checked += [
        NotChecked(
            address=one.address,
            type=one.type,
            what="vCPUs",
            why="how many instances it starts is up to AWS; not counted",
        )
        for one in planned
        if one.creates and one.type in _AWS_SIZED_TYPES
    ]
    for one in pending:
        _resolve_launch_template(results, one, found)
    for region in sorted({one.region for one in found if one.count > 0}):
        _check_vcpus(results, region, [one for one in found if one.region == region])


def _resolve_launch_template(
    results: _QuotaResults, unresolved: UnresolvedBatch, resolved: list[InstanceBatch]
) -> None:
    """The instance type of a launch template that is in the account."""
    batch, template = unresolved.batch, unresolved.template
    which = {"LaunchTemplateId": template.id} if template.id else {"LaunchTemplateName": template.name}
    try:
        answer = results.aws.client("ec2", batch.region or None).describe_launch_template_versions(
            **which, Versions=[template.version]
        )
        data = answer["LaunchTemplateVersions"][0]["LaunchTemplateData"]
    except Exception as error:  # noqa: BLE001 - as above
        results.add_failure(error, f"vCPUs of {batch.address}", "ec2:DescribeLaunchTemplateVersions")
        return
    kind = data.get("InstanceType")
    spot = batch.is_spot or data.get("InstanceMarketOptions", {}).get("MarketType") == "spot"
    if kind:
        resolved.append(InstanceBatch(batch.address, batch.region, (kind,), batch.count, spot))
    else:
        results.not_checked.append(
            NotChecked(address=batch.address, what="vCPUs", why="its launch template names no instance type")
        )


def _check_vcpus(results: _QuotaResults, region: str, needed_batches: Sequence[InstanceBatch]) -> None:
    running: Counter[tuple[str, bool]] | None
    try:
        running = _count_running_instances(results.aws, region)
    except Exception as error:  # noqa: BLE001 - as above
        running = None
        results.add_failure(error, "vCPUs in use", "ec2:DescribeInstances")
    types = {kind for one in needed_batches for kind in one.types}
    try:
        sizes = quota_usage.fetch_vcpus_by_type(results.aws, types | {kind for kind, _ in running or ()}, region)
    except Exception as error:  # noqa: BLE001 - as above
        results.add_failure(error, "vCPUs of the instance types", "ec2:DescribeInstanceTypes")
        return
    for kind in sorted(types - set(sizes)):
        results.not_checked.append(
            NotChecked(type="aws_instance", what="vCPUs", why=f"EC2 does not know the instance type {kind} here")
        )
    required: Counter[tuple[str, str]] = Counter()
    freed: Counter[tuple[str, str]] = Counter()
    for one in needed_batches:
        known = [kind for kind in one.types if kind in sizes]
        if known:
            kind = max(known, key=lambda each: sizes[each])
            (freed if one.is_credit else required)[vcpu_quota_for(kind, spot=one.is_spot)] += (
                abs(one.count) * sizes[kind] * (-1 if one.count < 0 and not one.is_credit else 1)
            )
    for code, title in sorted(required):
        demand = _QuotaDemand(float(required[code, title]), float(freed[code, title]))
        if demand.net <= 0:
            continue
        used = None
        if running is not None:
            used = float(
                sum(
                    number * sizes.get(kind, 0)
                    for (kind, spot), number in running.items()
                    if vcpu_quota_for(kind, spot=spot)[0] == code
                )
            )
        results.add_need("ec2", code, title, region, demand, used, results.fetch_limit("ec2", code, title, region))


def _count_running_instances(aws: AwsSession, region: str) -> Counter[tuple[str, bool]]:
    """Instances that count against the quotas, by type and whether they are spot."""
    states = [{"Name": "instance-state-name", "Values": ["pending", "running"]}]
    counts: Counter[tuple[str, bool]] = Counter()
    for reservation in aws.paginate("ec2", "describe_instances", "Reservations", region=region or None, Filters=states):
        for instance in reservation["Instances"]:
            if instance.get("Placement", {}).get("Tenancy") != "host":
                counts[instance["InstanceType"], instance.get("InstanceLifecycle") == "spot"] += 1
    return counts


def _check_nat_gateways(results: _QuotaResults, planned: Sequence[PlannedChange]) -> None:
    """NAT gateways are counted by Availability Zone; where a new one goes is known only with its subnet."""
    code, title = NAT_GATEWAY_QUOTA
    for region, demand in sorted(_demand_by_region(one for one in planned if one.type == "aws_nat_gateway").items()):
        try:
            used = _count_nat_gateways_by_zone(results.aws, region)
        except Exception as error:  # noqa: BLE001 - as above
            results.add_failure(error, f"{title} in use", "ec2:DescribeNatGateways")
            used = None
        limit = results.fetch_limit("vpc", code, title, region)
        most = max(used.values(), default=0) if used is not None else None
        # When all of them fit into the fullest zone, they fit anywhere.
        fits = most is not None and limit is not None and most + demand.required <= limit
        zones = _planned_nat_gateways_by_zone(planned, region)
        if not fits and zones and used is not None and limit is not None:
            fullest = max(zones, key=lambda zone: used[zone] + zones[zone])
            most, demand = used[fullest], _QuotaDemand(float(zones[fullest]))
            title = f"{title} ({fullest})"
        results.add_need("vpc", code, title, region, demand, None if most is None else float(most), limit)


def _count_nat_gateways_by_zone(aws: AwsSession, region: str) -> Counter[str]:
    where = region or None
    zones = {
        one["SubnetId"]: one["AvailabilityZone"]
        for one in aws.paginate("ec2", "describe_subnets", "Subnets", region=where)
    }
    counts: Counter[str] = Counter()
    for one in aws.paginate("ec2", "describe_nat_gateways", "NatGateways", region=where):
        if one.get("State") in ("pending", "available", "deleting"):
            counts[zones.get(one.get("SubnetId", ""), "")] += 1
    return counts


def _planned_nat_gateways_by_zone(planned: Sequence[PlannedChange], region: str) -> Counter[str]:
    """New NAT gateways by zone, where this plan creates the subnet of each in one known zone; else nothing."""
    zones: dict[str, set[str]] = {}
    for one in planned:
        if one.type == "aws_subnet" and one.creates:
            zones.setdefault(strip_instance_keys(one.address), set()).add(one.known_text("availability_zone") or "")
    counts: Counter[str] = Counter()
    for one in planned:
        if one.type == "aws_nat_gateway" and one.creates and one.region == region:
            sources = one.sources("subnet_id") if one.sources else frozenset()
            among = {zone for source in sources for zone in zones.get(source, ())}
            if len(among) != 1 or "" in among:
                return Counter()
            counts[among.pop()] += 1
    return counts


def _check_iam(results: _QuotaResults, planned: Sequence[PlannedChange]) -> None:
    demands_by_type = {type_: _demand_by_region(one for one in planned if one.type == type_) for type_ in IAM_QUOTAS}
    if not any(demands_by_type.values()):
        return
    try:
        summary: dict[str, Any] = results.aws.client("iam").get_account_summary().get("SummaryMap", {})
    except Exception as error:  # noqa: BLE001 - as above
        results.add_failure(error, "quotas of IAM", "iam:GetAccountSummary")
        return
    for type_, demands in demands_by_type.items():
        code, title, key = IAM_QUOTAS[type_]
        required = sum(demand.required for demand in demands.values())
        freed = sum(demand.freed for demand in demands.values())
        used, limit = summary.get(key), summary.get(f"{key}Quota")
        if required and limit is not None and used is not None:
            results.add_need("iam", code, title, "", _QuotaDemand(required, freed), float(used), float(limit))


def _check_hosted_zones(results: _QuotaResults, planned: Sequence[PlannedChange]) -> None:
    required = sum(
        demand.required
        for demand in _demand_by_region(one for one in planned if one.type == "aws_route53_zone").values()
    )
    if not required:
        return
    code, title = HOSTED_ZONE_QUOTA
    try:
        answer = results.aws.client("route53").get_account_limit(Type="MAX_HOSTED_ZONES_BY_OWNER")
    except Exception as error:  # noqa: BLE001 - as above
        results.add_failure(error, title, "route53:GetAccountLimit")
        return
    limit = answer.get("Limit", {}).get("Value")
    if limit is not None:
        results.add_need(
            "route53", code, title, "", _QuotaDemand(required), float(answer.get("Count", 0)), float(limit)
        )

"""What a plan takes out of the account's quotas: creates minus destroys. Limit and use come from the live account."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from checks.apply.forecast.model import ForecastWarning, NotChecked, QuotaNeed
from checks.apply.forecast.quota_usage import COUNTED_QUOTAS, HOSTED_ZONE_QUOTA, IAM_QUOTAS, CountedQuota
from checks.apply.forecast.vcpus import InstanceBatch, UnresolvedBatch, instance_batches
from checks.apply.plan.model import PlannedChange
from checks.aws.vcpu_families import vcpu_quota_for
from checks.finding import CheckState
from checks.quota import usage as quota_usage

if TYPE_CHECKING:
    from checks.aws.session import AwsSession

MAX_PARALLEL_QUOTAS = 4
"""Quotas that are asked for at once: Service Quotas throttles more of them, and then all wait."""
_AWS_SIZED_TYPES = frozenset({"aws_ec2_fleet", "aws_spot_fleet_request", "aws_batch_compute_environment"})
"""Types that start as many instances as AWS finds right."""


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
    """Collects what is found, what could not be looked at, and what fits only just."""

    def __init__(self, aws: AwsSession) -> None:
        self.aws = aws
        self.needs: list[QuotaNeed] = []
        self.not_checked: list[NotChecked] = []
        self.warnings: list[ForecastWarning] = []

    def add_failure(self, error: BaseException, what: str, action: str) -> None:
        trouble = self.aws.explain(error, action)
        self.not_checked.append(NotChecked(what=what, why=trouble.summary, denied=trouble.denied, failed=True))

    def count_in_use(self, what: str, action: str, count: Callable[[], float]) -> float | None:
        try:
            return float(count())
        except Exception as error:  # noqa: BLE001 - whatever AWS answers, it is said and goes no further
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
        self.needs.append(
            QuotaNeed(
                code=code,
                service=service,
                title=title,
                region=region,
                limit=limit,
                used=used,
                needed=needed,
                state=state,
            )
        )


def check_quota_needs(
    aws: AwsSession, planned: Sequence[PlannedChange], on_progress: Callable[[str], None] = lambda text: None
) -> tuple[list[QuotaNeed], list[NotChecked], list[ForecastWarning]]:
    """Every quota that the plan touches, what could not be looked at, and what fits only just. Raises nothing.

    `say` is told how far it is, where that takes long: Service Quotas lets few questions through at a time.
    """
    rows = [row for row in COUNTED_QUOTAS if any(one.creates and row.applies_to(one) for one in planned)]
    questions: list[Callable[[_QuotaResults, Sequence[PlannedChange]], None]] = [
        _check_instances,
        *(partial(_check_counted_quota, quota=row) for row in rows),
        _check_nat_gateways,
        _check_iam,
        _check_hosted_zones,
    ]
    count = quota_usage.QuotaQueryProgress(len(questions), on_progress)
    regions = {"us-east-1" if row.is_global else one.region for row in rows for one in planned if row.applies_to(one)}

    def answer(question: Callable[[_QuotaResults, Sequence[PlannedChange]], None]) -> _QuotaResults:
        books = _QuotaResults(aws)
        question(books, planned)
        count.record_answer()
        return books

    with ExitStack() as stack:
        with suppress(Exception):  # no credentials, no region: each of the questions says so itself
            stack.enter_context(quota_usage.watch_throttling(aws, sorted(regions), count))
        pool = stack.enter_context(ThreadPoolExecutor(max_workers=MAX_PARALLEL_QUOTAS, thread_name_prefix="needs"))
        all_of_them = list(pool.map(answer, questions))
    return (
        [one for books in all_of_them for one in books.needs],
        [one for books in all_of_them for one in books.not_checked],
        [one for books in all_of_them for one in books.warnings],
    )


def _demand_by_region(planned: Iterable[PlannedChange]) -> dict[str, _QuotaDemand]:
    """By region: what is created and destroyed of one kind."""
    firm: Counter[str] = Counter()
    credit: Counter[str] = Counter()
    for one in planned:
        if one.actions in (("create",), ("create", "delete")):
            firm[one.region] += 1
        elif one.actions == ("delete",):
            credit[one.region] += 1
    return {region: _QuotaDemand(count, credit[region]) for region, count in firm.items()}


def _check_counted_quota(results: _QuotaResults, planned: Sequence[PlannedChange], quota: CountedQuota) -> None:
    for region, want in sorted(_demand_by_region(one for one in planned if quota.applies_to(one)).items()):
        if want.required <= 0:
            continue
        where = "us-east-1" if quota.is_global else region
        used = results.count_in_use(quota.title, quota.action, partial(quota.count_in_use, results.aws, where))
        limit = results.fetch_limit(quota.service, quota.code, quota.title, where)
        results.add_need(quota.service, quota.code, quota.title, region, want, used, limit)


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
    firm: Counter[tuple[str, str]] = Counter()
    credit: Counter[tuple[str, str]] = Counter()
    for one in needed_batches:
        known = [kind for kind in one.types if kind in sizes]
        if known:
            kind = max(known, key=lambda each: sizes[each])
            (credit if one.is_credit else firm)[vcpu_quota_for(kind, spot=one.is_spot)] += (
                abs(one.count) * sizes[kind] * (-1 if one.count < 0 and not one.is_credit else 1)
            )
    for code, title in sorted(firm):
        want = _QuotaDemand(float(firm[code, title]), float(credit[code, title]))
        if want.net <= 0:
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
        results.add_need("ec2", code, title, region, want, used, results.fetch_limit("ec2", code, title, region))


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
    title, code = "NAT gateways per Availability Zone", "L-FE5A380F"
    for region, want in sorted(_demand_by_region(one for one in planned if one.type == "aws_nat_gateway").items()):
        try:
            used = _count_nat_gateways_by_zone(results.aws, region)
        except Exception as error:  # noqa: BLE001 - as above
            results.add_failure(error, f"{title} in use", "ec2:DescribeNatGateways")
            used = None
        limit = results.fetch_limit("vpc", code, title, region)
        most = max(used.values(), default=0) if used is not None else None
        # Not told apart by zone: when all of them fit into the fullest one, they fit anywhere.
        fits = most is not None and limit is not None and most + want.required <= limit
        zones = _planned_nat_gateways_by_zone(planned, region)
        if not fits and zones and used is not None and limit is not None:
            fullest = max(zones, key=lambda zone: used[zone] + zones[zone])
            most, want = used[fullest], _QuotaDemand(float(zones[fullest]))
            title = f"{title} ({fullest})"
        results.add_need("vpc", code, title, region, want, None if most is None else float(most), limit)


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
    """New NAT gateways by zone, where each one's subnet is made by this plan in a single zone; else nothing."""
    from checks.apply.plan.configuration import strip_instance_keys

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
    wanted = {type_: _demand_by_region(one for one in planned if one.type == type_) for type_ in IAM_QUOTAS}
    if not any(wanted.values()):
        return
    try:
        summary: dict[str, Any] = results.aws.client("iam").get_account_summary().get("SummaryMap", {})
    except Exception as error:  # noqa: BLE001 - as above
        results.add_failure(error, "quotas of IAM", "iam:GetAccountSummary")
        return
    for type_, wants in wanted.items():
        code, title, key = IAM_QUOTAS[type_]
        firm = sum(want.required for want in wants.values())
        credit = sum(want.freed for want in wants.values())
        used, limit = summary.get(key), summary.get(f"{key}Quota")
        if firm and limit is not None and used is not None:
            results.add_need("iam", code, title, "", _QuotaDemand(firm, credit), float(used), float(limit))


def _check_hosted_zones(results: _QuotaResults, planned: Sequence[PlannedChange]) -> None:
    firm = sum(
        want.required for want in _demand_by_region(one for one in planned if one.type == "aws_route53_zone").values()
    )
    if not firm:
        return
    code, title = HOSTED_ZONE_QUOTA
    try:
        answer = results.aws.client("route53").get_account_limit(Type="MAX_HOSTED_ZONES_BY_OWNER")
    except Exception as error:  # noqa: BLE001 - as above
        results.add_failure(error, title, "route53:GetAccountLimit")
        return
    limit = answer.get("Limit", {}).get("Value")
    if limit is not None:
        results.add_need("route53", code, title, "", _QuotaDemand(firm), float(answer.get("Count", 0)), float(limit))

"""What a plan takes out of the account's quotas: creates minus destroys. Limit and use come from the live account."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from checks.apply.forecast.model import QuotaNeed, Unknown, Warned
from checks.apply.forecast.quota_usage import COUNTED, OF_IAM, OF_ZONES, Counted
from checks.apply.forecast.vcpus import Batch, Pending, batches, quota_of
from checks.apply.plan.model import Planned
from checks.finding import State
from checks.quota import usage as quota_usage

if TYPE_CHECKING:
    from checks.aws.session import Aws

WIDTH = 4
"""Quotas that are asked for at once: Service Quotas throttles more of them, and then all wait."""
_OPAQUE = frozenset({"aws_ec2_fleet", "aws_spot_fleet_request", "aws_batch_compute_environment"})
"""Types that start as many instances as AWS finds right."""


@dataclass(frozen=True)
class _Want:
    """What the plan takes of one quota."""

    firm: float
    """Created, less what a replacement itself frees before."""
    credit: float = 0.0
    """Freed by what the plan destroys elsewhere, in no order that can be relied on."""

    @property
    def net(self) -> float:
        return self.firm - self.credit


class _Books:
    """Collects what is found, what could not be looked at, and what fits only just."""

    def __init__(self, aws: Aws) -> None:
        self.aws = aws
        self.found: list[QuotaNeed] = []
        self.unknown: list[Unknown] = []
        self.tight: list[Warned] = []

    def failed(self, error: BaseException, what: str, action: str) -> None:
        trouble = self.aws.explain(error, action)
        self.unknown.append(Unknown(what=what, why=trouble.summary, denied=trouble.denied, failed=True))

    def used(self, what: str, action: str, count: Callable[[], float]) -> float | None:
        try:
            return float(count())
        except Exception as error:  # noqa: BLE001 - whatever AWS answers, it is said and goes no further
            self.failed(error, f"{what} in use", action)
            return None

    def limit(self, service: str, code: str, title: str, region: str) -> float | None:
        try:
            value = quota_usage.limit(self.aws, service, code, region).value
        except Exception as error:  # noqa: BLE001 - as above
            self.failed(error, f"the limit of {title}", "servicequotas:GetServiceQuota")
            return None
        if value is None:
            self.unknown.append(
                Unknown(what=f"the limit of {title}", why="AWS gave no value for it", failed=True)
            )
        return value

    def add(
        self,
        service: str,
        code: str,
        title: str,
        region: str,
        want: _Want,
        used: float | None,
        limit: float | None,
    ) -> None:
        needed = want.net
        if limit is None or used is None:
            state = State.BLOCKED if limit is not None and needed > limit else State.UNKNOWN
        else:
            state = State.OK if used + needed <= limit else State.BLOCKED
            if state is State.OK and used + want.firm > limit:
                self.tight.append(
                    Warned(
                        what=f"{title} ({code})",
                        why=f"{want.firm:g} more fit only once the {want.credit:g} that this plan destroys are gone, "
                        f"and terraform does both at once; limit {limit:g}, in use {used:g}",
                        guide=("3.1",) if "vCPU" in title else (),
                    )
                )
        self.found.append(
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


def quotas(
    aws: Aws, planned: Sequence[Planned], say: Callable[[str], None] = lambda text: None
) -> tuple[list[QuotaNeed], list[Unknown], list[Warned]]:
    """Every quota that the plan touches, what could not be looked at, and what fits only just. Raises nothing.

    `say` is told how far it is, where that takes long: Service Quotas lets few questions through at a time.
    """
    rows = [row for row in COUNTED if any(one.creates and row.mine(one) for one in planned)]
    questions: list[Callable[[_Books, Sequence[Planned]], None]] = [
        _instances,
        *(partial(_counted, row=row) for row in rows),
        _nat_gateways,
        _iam,
        _zones,
    ]
    count = quota_usage.Count(len(questions), say)
    regions = {
        "us-east-1" if row.worldwide else one.region for row in rows for one in planned if row.mine(one)
    }

    def answer(question: Callable[[_Books, Sequence[Planned]], None]) -> _Books:
        books = _Books(aws)
        question(books, planned)
        count.answered()
        return books

    with ExitStack() as stack:
        with suppress(Exception):  # no credentials, no region: each of the questions says so itself
            stack.enter_context(quota_usage.counting(aws, sorted(regions), count))
        pool = stack.enter_context(ThreadPoolExecutor(max_workers=WIDTH, thread_name_prefix="needs"))
        all_of_them = list(pool.map(answer, questions))
    return (
        [one for books in all_of_them for one in books.found],
        [one for books in all_of_them for one in books.unknown],
        [one for books in all_of_them for one in books.tight],
    )


def _want(planned: Iterable[Planned]) -> dict[str, _Want]:
    """By region: what is created and destroyed of one kind."""
    firm: Counter[str] = Counter()
    credit: Counter[str] = Counter()
    for one in planned:
        if one.actions in (("create",), ("create", "delete")):
            firm[one.region] += 1
        elif one.actions == ("delete",):
            credit[one.region] += 1
    return {region: _Want(count, credit[region]) for region, count in firm.items()}


def _counted(books: _Books, planned: Sequence[Planned], row: Counted) -> None:
    for region, want in sorted(_want(one for one in planned if row.mine(one)).items()):
        if want.firm <= 0:
            continue
        where = "us-east-1" if row.worldwide else region
        used = books.used(row.title, row.action, partial(row.count, books.aws, where))
        limit = books.limit(row.service, row.code, row.title, where)
        books.add(row.service, row.code, row.title, region, want, used, limit)


def _instances(books: _Books, planned: Sequence[Planned]) -> None:
    found, pending, late = batches(planned)
    books.unknown += [Unknown(address=one.address, type=one.type, what="vCPUs", why=why) for one, why in late]
    books.unknown += [
        Unknown(
            address=one.address,
            type=one.type,
            what="vCPUs",
            why="how many instances it starts is up to AWS; not counted",
        )
        for one in planned
        if one.creates and one.type in _OPAQUE
    ]
    for one in pending:
        _look_up(books, one, found)
    for region in sorted({one.region for one in found if one.number > 0}):
        _vcpus(books, region, [one for one in found if one.region == region])


def _look_up(books: _Books, pending: Pending, found: list[Batch]) -> None:
    """The instance type of a launch template that is in the account."""
    batch, template = pending.batch, pending.template
    which = {"LaunchTemplateId": template.id} if template.id else {"LaunchTemplateName": template.name}
    try:
        answer = books.aws.client("ec2", batch.region or None).describe_launch_template_versions(
            **which, Versions=[template.version]
        )
        data = answer["LaunchTemplateVersions"][0]["LaunchTemplateData"]
    except Exception as error:  # noqa: BLE001 - as above
        books.failed(error, f"vCPUs of {batch.address}", "ec2:DescribeLaunchTemplateVersions")
        return
    kind = data.get("InstanceType")
    spot = batch.spot or data.get("InstanceMarketOptions", {}).get("MarketType") == "spot"
    if kind:
        found.append(Batch(batch.address, batch.region, (kind,), batch.number, spot))
    else:
        books.unknown.append(
            Unknown(address=batch.address, what="vCPUs", why="its launch template names no instance type")
        )


def _vcpus(books: _Books, region: str, wanted: Sequence[Batch]) -> None:
    running: Counter[tuple[str, bool]] | None
    try:
        running = _running(books.aws, region)
    except Exception as error:  # noqa: BLE001 - as above
        running = None
        books.failed(error, "vCPUs in use", "ec2:DescribeInstances")
    types = {kind for one in wanted for kind in one.types}
    try:
        sizes = quota_usage.vcpus(books.aws, types | {kind for kind, _ in running or ()}, region)
    except Exception as error:  # noqa: BLE001 - as above
        books.failed(error, "vCPUs of the instance types", "ec2:DescribeInstanceTypes")
        return
    for kind in sorted(types - set(sizes)):
        books.unknown.append(
            Unknown(type="aws_instance", what="vCPUs", why=f"EC2 does not know the instance type {kind} here")
        )
    firm: Counter[tuple[str, str]] = Counter()
    credit: Counter[tuple[str, str]] = Counter()
    for one in wanted:
        known = [kind for kind in one.types if kind in sizes]
        if known:
            kind = max(known, key=lambda each: sizes[each])
            (credit if one.credit else firm)[quota_of(kind, one.spot)] += (
                abs(one.number) * sizes[kind] * (-1 if one.number < 0 and not one.credit else 1)
            )
    for code, title in sorted(firm):
        want = _Want(float(firm[code, title]), float(credit[code, title]))
        if want.net <= 0:
            continue
        used = None
        if running is not None:
            used = float(
                sum(
                    number * sizes.get(kind, 0)
                    for (kind, spot), number in running.items()
                    if quota_of(kind, spot)[0] == code
                )
            )
        books.add("ec2", code, title, region, want, used, books.limit("ec2", code, title, region))


def _running(aws: Aws, region: str) -> Counter[tuple[str, bool]]:
    """Instances that count against the quotas, by type and whether they are spot."""
    states = [{"Name": "instance-state-name", "Values": ["pending", "running"]}]
    counts: Counter[tuple[str, bool]] = Counter()
    for reservation in aws.paginate(
        "ec2", "describe_instances", "Reservations", region=region or None, Filters=states
    ):
        for instance in reservation["Instances"]:
            if instance.get("Placement", {}).get("Tenancy") != "host":
                counts[instance["InstanceType"], instance.get("InstanceLifecycle") == "spot"] += 1
    return counts


def _nat_gateways(books: _Books, planned: Sequence[Planned]) -> None:
    """NAT gateways are counted by Availability Zone; where a new one goes is known only with its subnet."""
    title, code = "NAT gateways per Availability Zone", "L-FE5A380F"
    for region, want in sorted(_want(one for one in planned if one.type == "aws_nat_gateway").items()):
        try:
            used = _nat_by_zone(books.aws, region)
        except Exception as error:  # noqa: BLE001 - as above
            books.failed(error, f"{title} in use", "ec2:DescribeNatGateways")
            used = None
        limit = books.limit("vpc", code, title, region)
        most = max(used.values(), default=0) if used is not None else None
        # Not told apart by zone: when all of them fit into the fullest one, they fit anywhere.
        fits = most is not None and limit is not None and most + want.firm <= limit
        zones = _zones_of(planned, region)
        if not fits and zones and used is not None and limit is not None:
            fullest = max(zones, key=lambda zone: used[zone] + zones[zone])
            most, want = used[fullest], _Want(float(zones[fullest]))
            title = f"{title} ({fullest})"
        books.add("vpc", code, title, region, want, None if most is None else float(most), limit)


def _nat_by_zone(aws: Aws, region: str) -> Counter[str]:
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


def _zones_of(planned: Sequence[Planned], region: str) -> Counter[str]:
    """New NAT gateways by zone, where each one's subnet is made by this plan in a single zone; else nothing."""
    from checks.apply.plan.configuration import without_keys

    zones: dict[str, set[str]] = {}
    for one in planned:
        if one.type == "aws_subnet" and one.creates:
            zones.setdefault(without_keys(one.address), set()).add(one.value("availability_zone") or "")
    counts: Counter[str] = Counter()
    for one in planned:
        if one.type == "aws_nat_gateway" and one.creates and one.region == region:
            sources = one.sources("subnet_id") if one.sources else frozenset()
            among = {zone for source in sources for zone in zones.get(source, ())}
            if len(among) != 1 or "" in among:
                return Counter()
            counts[among.pop()] += 1
    return counts


def _iam(books: _Books, planned: Sequence[Planned]) -> None:
    wanted = {type_: _want(one for one in planned if one.type == type_) for type_ in OF_IAM}
    if not any(wanted.values()):
        return
    try:
        summary: dict[str, Any] = books.aws.client("iam").get_account_summary().get("SummaryMap", {})
    except Exception as error:  # noqa: BLE001 - as above
        books.failed(error, "quotas of IAM", "iam:GetAccountSummary")
        return
    for type_, wants in wanted.items():
        code, title, key = OF_IAM[type_]
        firm = sum(want.firm for want in wants.values())
        credit = sum(want.credit for want in wants.values())
        used, limit = summary.get(key), summary.get(f"{key}Quota")
        if firm and limit is not None and used is not None:
            books.add("iam", code, title, "", _Want(firm, credit), float(used), float(limit))


def _zones(books: _Books, planned: Sequence[Planned]) -> None:
    firm = sum(want.firm for want in _want(one for one in planned if one.type == "aws_route53_zone").values())
    if not firm:
        return
    code, title = OF_ZONES
    try:
        answer = books.aws.client("route53").get_account_limit(Type="MAX_HOSTED_ZONES_BY_OWNER")
    except Exception as error:  # noqa: BLE001 - as above
        books.failed(error, title, "route53:GetAccountLimit")
        return
    limit = answer.get("Limit", {}).get("Value")
    if limit is not None:
        books.add("route53", code, title, "", _Want(firm), float(answer.get("Count", 0)), float(limit))

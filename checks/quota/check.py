"""Step: may the account run what the plan needs? Limit, use, need and open requests of each quota in the settings."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import UTC, datetime
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from msgspec.structs import replace

from checks.aws.errors import Kind, errors
from checks.aws.iam import iam_action
from checks.finding import Fact, Finding, Fix, Look, Report, Risk, Run, State
from checks.quota import sizing
from checks.quota.model import REFUSED, GroupRow, QuotaDetail, QuotaRow, RequestRow, number
from config.model import NodeGroup, QuotaLimit

if TYPE_CHECKING:
    from checks.context import World
    from checks.quota.usage import Answers

STEP = "quota"
VCPU = "L-1216C47A"
_IDS = {VCPU: "quota.vcpu", "L-0263D0A3": "quota.elastic-ip", "L-F678F1CE": "quota.vpc"}
_ALIKE = frozenset(
    {
        Kind.NO_CREDENTIALS,
        Kind.EXPIRED,
        Kind.INVALID,
        Kind.SSO,
        Kind.MFA,
        Kind.CONFIGURATION,
        Kind.NETWORK,
        Kind.TIMEOUT,
    }
)
"""Troubles that are the same for every question: told once, not once a quota."""


def finding_id(code: str) -> str:
    """The stable id of a quota's finding: `quota.vcpu`, else made from the code."""
    return _IDS.get(code, f"quota.{code.lower()}")


def look(world: World) -> Report:
    """Look at every quota of the settings, side by side."""
    begun = Look(STEP)
    return begun.report(*rows(world))


def rows(world: World) -> tuple[tuple[Finding, ...], QuotaDetail]:
    """The findings and the table; the command line wants them as they are."""
    limits = world.settings.quota.limits
    if not limits:
        nothing = Finding(
            id="quota.list",
            step=STEP,
            state=State.SKIPPED,
            title="Quotas",
            summary="The settings name no quotas (quota.limits).",
        )
        return (nothing,), QuotaDetail()
    from checks.quota import usage as quota_usage

    world.say("quotas: limits, use and open requests")
    try:
        answers = quota_usage.ask(
            world.aws,
            [(limit.service, limit.code) for limit in limits],
            {group.instance_type for group in world.settings.nodes.groups},
            world.settings.cleanup.tags,
            world.say,
        )
    except errors() as error:
        return (world.aws.unknown("quota.look", STEP, "Quotas", error),), QuotaDetail()
    together = _one_trouble(world, answers)
    if together is not None:
        return (together,), QuotaDetail(region=world.aws.region)
    judged = [_judge(world, limit, answers) for limit in limits]
    return tuple(finding for finding, _ in judged), QuotaDetail(
        rows=tuple(row for _, row in judged), region=world.aws.region
    )


def _one_trouble(world: World, answers: Answers) -> Finding | None:
    """The finding for all quotas when not one limit came back, for a reason that has nothing to do with quotas."""
    failed = [limit for limit in answers.limits.values() if isinstance(limit, Exception)]
    if len(failed) < len(answers.limits):
        return None
    trouble = world.aws.explain(failed[0])
    if trouble.kind not in _ALIKE:
        return None
    return world.aws.unknown("quota.look", STEP, "Quotas", failed[0], "servicequotas:GetServiceQuota")


def _judge(world: World, limit: QuotaLimit, answers: Answers) -> tuple[Finding, QuotaRow]:
    """One quota: its row, and the verdict on it."""
    from checks.quota import usage as quota_usage
    from checks.quota.usage import Limit

    troubles: list[tuple[Exception, str]] = []
    facts: list[Fact] = []
    allowed = answers.limits[limit.code]
    if isinstance(allowed, Exception):
        troubles.append((allowed, "servicequotas:GetServiceQuota"))
        allowed = Limit(value=None, adjustable=True, default=False, name="")
    asked = answers.requests[limit.code]
    hidden: tuple[str, ...] = ()
    if isinstance(asked, Exception):
        trouble = world.aws.explain(
            asked, iam_action("service-quotas", "ListRequestedServiceQuotaChangeHistoryByQuota")
        )
        facts.append(Fact(label="Requests", value=f"not known: {trouble.summary}"))
        hidden, asked = trouble.denied, ()

    used: float | None = None
    ours = 0.0
    groups: tuple[GroupRow, ...] = ()
    needed = limit.needed
    missing: tuple[str, ...] = ()
    if limit.code in quota_usage.ON_DEMAND:
        used, groups, missing, failures = _vcpus(world, limit.code, answers)
        troubles += failures
        if limit.needed is None and not failures:
            needed = sum(group.needed or 0 for group in groups)
    elif limit.code in answers.used:
        seen = answers.used[limit.code]
        if isinstance(seen, Exception):
            troubles.append((seen, quota_usage.COUNTED[limit.code][0]))
        else:
            used, ours = seen
            if needed is not None and ours:
                facts.append(Fact(label="Ours already", value=f"{number(ours)}, in use and not needed again"))
                needed = max(0.0, needed - ours)
    left = None if allowed.value is None or used is None else allowed.value - used
    row = QuotaRow(
        code=limit.code,
        service=limit.service,
        title=limit.title,
        limit=allowed.value,
        used=used,
        needed=needed,
        left=left,
        adjustable=allowed.adjustable,
        default=allowed.default,
        requests=asked,
        by_group=groups,
    )
    facts = [*_facts(row), *facts]
    if troubles:
        finding = _not_seen(world, row, facts, troubles)
    elif missing:
        finding = _finding(
            row,
            State.BLOCKED,
            f"{world.aws.region} offers no {' and no '.join(missing)}: nodes of that type cannot be started.",
            facts,
        )
    else:
        finding = _verdict(world, limit, row, facts)
    if hidden:
        finding = replace(finding, denied=(*finding.denied, *hidden))
    return finding, replace(row, state=finding.state)


def _vcpus(
    world: World, code: str, answers: Answers
) -> tuple[float | None, tuple[GroupRow, ...], tuple[str, ...], list[tuple[Exception, str]]]:
    """What is used of a vCPU quota, what each group needs, types that are not offered, and what could not be asked."""
    from checks.quota.usage import ON_DEMAND, letters

    groups = [
        group for group in world.settings.nodes.groups if letters(group.instance_type) in ON_DEMAND[code]
    ]
    running, sizes = answers.instances, answers.vcpus
    if isinstance(running, Exception):
        return None, (), (), [(running, "ec2:DescribeInstances")]
    if isinstance(sizes, Exception):
        return None, (), (), [(sizes, "ec2:DescribeInstanceTypes")]
    counted = [item for item in running or () if letters(item.type) in ON_DEMAND[code]]
    # A type that runs but is no longer listed counts by what is usual, rather than for nothing.
    used = float(sum(sizes.get(item.type, 2) for item in counted))
    table = tuple(_group(group, [item.name for item in counted], sizes) for group in groups)
    missing = tuple(sorted({row.type for row in table if row.vcpus is None}))
    return used, table, missing, []


def _group(group: NodeGroup, names: list[str], sizes: Mapping[str, int]) -> GroupRow:
    """What a group still needs: nodes of it that run already are in use, and not needed once more."""
    size = sizes.get(group.instance_type)
    running = min(group.count, sum(fnmatchcase(name, group.pattern) for name in names))
    return GroupRow(
        group=group.name,
        count=group.count,
        type=group.instance_type,
        vcpus=size,
        running=running,
        needed=None if size is None else float(size * (group.count - running)),
    )


def _verdict(world: World, limit: QuotaLimit, row: QuotaRow, facts: list[Fact]) -> Finding:
    """Limit was seen. Is it enough?"""
    if row.limit is None:
        return _finding(row, State.UNKNOWN, "AWS gave no value for this limit.", facts)
    if row.used is None:
        if row.needed is not None and row.needed > row.limit:
            return _short(world, limit, row, facts)
        return _finding(
            row,
            State.UNKNOWN,
            f"{number(row.limit)} allowed, {_need(row)}; how much is in use is not known for this quota.",
            facts,
        )
    left = row.limit - row.used
    numbers = f"{number(row.limit)} allowed, {number(row.used)} in use"
    if row.needed is None:
        state = State.OK if left > 0 else State.WARN
        return _finding(
            row, state, f"{numbers}, {number(left)} left; how many are needed is known after a plan.", facts
        )
    if row.needed <= left:
        return _finding(
            row,
            State.OK,
            f"{numbers}, {number(row.needed)} needed: enough, {number(left - row.needed)} to spare.",
            facts,
        )
    return _short(world, limit, row, facts)


def _short(world: World, limit: QuotaLimit, row: QuotaRow, facts: list[Fact]) -> Finding:
    """The limit is too small: how much is missing, what is asked for already, and every way out."""
    assert row.limit is not None and row.needed is not None
    total = (row.used or 0) + row.needed
    use = "" if row.used is None else f", {number(row.used)} in use"
    summary = (
        f"{number(row.limit)} allowed{use}, {number(row.needed)} needed: {number(total - row.limit)} too few."
    )
    newest = row.requests[0] if row.requests else None
    open_ = next((request for request in row.requests if request.open), None)
    fixes: list[Fix] = []
    # The guide has an entry for vCPUs, and one for a request that is open, whatever it asks for.
    guide: tuple[str, ...] = ("3.1",) if row.code == VCPU else ()
    if open_ is not None:
        guide = ("3.2", *guide)
        summary += f" A request for {number(open_.desired)} is open ({open_.status}: {open_.meaning})."
        fixes.append(_wait(row))
        if open_.desired < total:
            summary += f" That would still be too few: {number(total)} are needed in all."
    elif newest is not None and newest.status == "APPROVED" and newest.desired > row.limit:
        guide = ("3.2", *guide)
        summary += f" A request for {number(newest.desired)} is approved; the limit does not show it yet."
        fixes.append(_wait(row))
    elif not row.adjustable:
        summary += " AWS does not raise this quota on request."
    else:
        if newest is not None and newest.status in REFUSED:
            summary += f" The last request, for {number(newest.desired)}, ended as {newest.status}: {newest.meaning}."
        fixes += _request(world, row, _value(limit, total))
    if row.by_group:
        more, ways = _downsizing(world, row)
        facts = [*facts, *more]
        fixes += ways
    return _finding(row, State.BLOCKED, summary, facts, tuple(fixes), guide)


def _value(limit: QuotaLimit, total: float) -> int:
    """What to ask for: what the settings name, and never less than what is needed in all."""
    return math.ceil(max(limit.desired or 0, total))


def _request(world: World, row: QuotaRow, value: int) -> tuple[Fix, ...]:
    from checks.quota.increase import equivalent

    return (
        Fix(
            id="request",
            title=f"Request an increase to {value}",
            action=Run(argv=("ecotui", "quota", "--request", row.code, "--value", str(value), "--yes")),
            changes=f"AWS gets a request for {value} (usually answered in 15 minutes to 2 hours). The same as: "
            + equivalent(row.service, row.code, value, world.aws.region),
            risk=Risk.CHANGES,
            recommended=True,
        ),
    )


def _wait(row: QuotaRow) -> Fix:
    return Fix(
        id="wait",
        title="Wait for the approval",
        action=Run(argv=("ecotui", "quota", "--wait", row.code)),
        changes="Nothing; it looks again and again until the limit is raised or the request refused.",
        recommended=True,
    )


def _downsizing(world: World, row: QuotaRow) -> tuple[list[Fact], list[Fix]]:
    """Smaller types and fewer nodes, computed from what EC2 offers. What cannot be asked is left out, and said."""
    from checks.quota import usage as quota_usage

    room = (row.limit or 0) - (row.used or 0)
    try:
        sizes = quota_usage.vcpus(world.aws, sizing.families(row.by_group))
        single = quota_usage.single_vcpu_types(world.aws)
    except errors() as error:
        trouble = world.aws.explain(error, "ec2:DescribeInstanceTypes")
        return [Fact(label="Smaller types", value=f"not known: {trouble.summary}")], []
    smaller, smaller_fix = sizing.smaller(row.by_group, sizes, room)
    fewer, fewer_fix = sizing.fewer(row.by_group, room)
    facts = [smaller, sizing.single(single, row.by_group, room), fewer]
    return facts, [fix for fix in (smaller_fix, fewer_fix) if fix is not None]


def _not_seen(
    world: World, row: QuotaRow, facts: list[Fact], troubles: list[tuple[Exception, str]]
) -> Finding:
    """Limit or use could not be looked at: unknown, whatever the rest says."""
    explained = [world.aws.explain(error, action) for error, action in troubles]
    return replace(
        _finding(row, State.UNKNOWN, " ".join(trouble.summary for trouble in explained), facts),
        denied=tuple(dict.fromkeys(action for trouble in explained for action in trouble.denied)),
        raw="\n".join(trouble.raw for trouble in explained),
        fixes=tuple({fix.command: fix for trouble in explained for fix in trouble.fixes}.values()),
    )


def _facts(row: QuotaRow) -> list[Fact]:
    where = f"{row.service} {row.code}" + ("" if row.adjustable else ", not adjustable")
    facts = [
        Fact(label="Quota", value=where),
        Fact(label="Limit", value=number(row.limit) + (" (AWS default)" if row.default else "")),
        Fact(label="In use", value=number(row.used) if row.used is not None else "not known"),
        Fact(label="Needed", value=number(row.needed) if row.needed is not None else "not known yet"),
    ]
    for group in row.by_group:
        size = "not offered here" if group.vcpus is None else f"{group.vcpus} vCPUs each"
        up = f", {group.running} running" if group.running else ""
        facts.append(Fact(label=f"  {group.group}", value=f"{group.count} × {group.type}, {size}{up}"))
    facts += [Fact(label="Request", value=_told(request)) for request in row.requests[:3]]
    return facts


def _told(request: RequestRow) -> str:
    when = (
        datetime.fromtimestamp(request.created, UTC).strftime(" on %Y-%m-%d %H:%M UTC")
        if request.created
        else ""
    )
    return f"for {number(request.desired)}{when}: {request.status}, {request.meaning}"


def _need(row: QuotaRow) -> str:
    return "need not known yet" if row.needed is None else f"{number(row.needed)} needed"


def _finding(
    row: QuotaRow,
    state: State,
    summary: str,
    facts: list[Fact],
    fixes: tuple[Fix, ...] = (),
    guide: tuple[str, ...] = (),
) -> Finding:
    return Finding(
        id=finding_id(row.code),
        step=STEP,
        state=state,
        title=row.title,
        summary=f"{row.title}: {summary}",
        facts=tuple(facts),
        guide=guide,
        fixes=fixes,
    )

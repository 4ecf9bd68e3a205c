"""Step: may the account run what the plan needs? Limit, use, need and open requests of each quota in the settings."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import UTC, datetime
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from msgspec.structs import replace

from checks.aws.errors import AwsErrorKind, aws_error_types
from checks.aws.iam import iam_action
from checks.aws.vcpu_families import VCPU_QUOTA_CODES, vcpu_quota_for
from checks.finding import CheckState, Fact, Finding, Fix, Report, ReportBuilder, Risk, RunCommand
from checks.quota import fixes
from checks.quota.model import (
    REFUSED_STATUSES,
    NodeGroupDemandRow,
    QuotaDetail,
    QuotaRequestRow,
    QuotaRow,
    format_quantity,
)
from config.model import NodeGroupSettings, QuotaLimitSettings

if TYPE_CHECKING:
    from checks.context import CheckContext
    from checks.quota.usage import QuotaSnapshot

STEP = "quota"
VCPU_QUOTA_CODE = "L-1216C47A"
_FINDING_IDS = {VCPU_QUOTA_CODE: "quota.vcpu", "L-0263D0A3": "quota.elastic-ip", "L-F678F1CE": "quota.vpc"}
_ACCOUNT_WIDE_ERRORS = frozenset(
    {
        AwsErrorKind.NO_CREDENTIALS,
        AwsErrorKind.EXPIRED,
        AwsErrorKind.INVALID,
        AwsErrorKind.SSO,
        AwsErrorKind.MFA,
        AwsErrorKind.CONFIGURATION,
        AwsErrorKind.NETWORK,
        AwsErrorKind.TIMEOUT,
    }
)
"""Troubles that are the same for every question: told once, not once a quota."""


def quota_finding_id(code: str) -> str:
    """The stable id of a quota's finding: `quota.vcpu`, else made from the code."""
    return _FINDING_IDS.get(code, f"quota.{code.lower()}")


def check(context: CheckContext) -> Report:
    """Look at every quota of the settings, side by side."""
    begun = ReportBuilder(STEP)
    return begun.build(*check_quotas(context))


def check_quotas(context: CheckContext) -> tuple[tuple[Finding, ...], QuotaDetail]:
    """The findings and the table; the command line wants them as they are."""
    limits = context.settings.quota.limits
    if not limits:
        nothing = Finding(
            id="quota.list",
            step=STEP,
            state=CheckState.SKIPPED,
            title="Quotas",
            summary="The settings name no quotas (quota.limits).",
        )
        return (nothing,), QuotaDetail()
    from checks.quota import usage as quota_usage

    context.on_progress("quotas: limits, use and open requests")
    try:
        answers = quota_usage.fetch_quotas(
            context.aws,
            [(limit.service, limit.code) for limit in limits],
            {group.instance_type for group in context.settings.nodes.groups},
            context.settings.cleanup.tags,
            context.on_progress,
        )
    except aws_error_types() as error:
        return (context.aws.unknown_finding("quota.look", STEP, "Quotas", error),), QuotaDetail()
    together = _common_error_finding(context, answers)
    if together is not None:
        return (together,), QuotaDetail(region=context.aws.region)
    judged = [_check_quota(context, limit, answers) for limit in limits]
    return tuple(finding for finding, _ in judged), QuotaDetail(
        rows=tuple(row for _, row in judged), region=context.aws.region
    )


def _common_error_finding(context: CheckContext, snapshot: QuotaSnapshot) -> Finding | None:
    """The finding for all quotas when not one limit came back, for a reason that has nothing to do with quotas."""
    failed = [limit for limit in snapshot.limits.values() if isinstance(limit, Exception)]
    if len(failed) < len(snapshot.limits):
        return None
    trouble = context.aws.explain(failed[0])
    if trouble.kind not in _ACCOUNT_WIDE_ERRORS:
        return None
    return context.aws.unknown_finding("quota.look", STEP, "Quotas", failed[0], "servicequotas:GetServiceQuota")


def _check_quota(context: CheckContext, limit: QuotaLimitSettings, snapshot: QuotaSnapshot) -> tuple[Finding, QuotaRow]:
    """One quota: its row, and the verdict on it."""
    from checks.quota import usage as quota_usage
    from checks.quota.usage import AppliedQuota

    troubles: list[tuple[Exception, str]] = []
    facts: list[Fact] = []
    allowed = snapshot.limits[limit.code]
    if isinstance(allowed, Exception):
        troubles.append((allowed, "servicequotas:GetServiceQuota"))
        allowed = AppliedQuota(value=None, adjustable=True, is_default=False, name="")
    asked = snapshot.requests[limit.code]
    hidden: tuple[str, ...] = ()
    if isinstance(asked, Exception):
        trouble = context.aws.explain(
            asked, iam_action("service-quotas", "ListRequestedServiceQuotaChangeHistoryByQuota")
        )
        facts.append(Fact(label="Requests", value=f"not known: {trouble.summary}"))
        hidden, asked = trouble.denied, ()

    used: float | None = None
    ours = 0.0
    groups: tuple[NodeGroupDemandRow, ...] = ()
    needed = limit.needed
    missing: tuple[str, ...] = ()
    if limit.code in VCPU_QUOTA_CODES:
        used, groups, missing, failures = _vcpu_usage(context, limit.code, snapshot)
        troubles += failures
        if limit.needed is None and not failures:
            needed = sum(group.needed or 0 for group in groups)
    elif limit.code in snapshot.resource_counts:
        seen = snapshot.resource_counts[limit.code]
        if isinstance(seen, Exception):
            troubles.append((seen, quota_usage.RESOURCE_COUNTERS[limit.code][0]))
        else:
            used, ours = seen
            if needed is not None and ours:
                facts.append(Fact(label="Ours already", value=f"{format_quantity(ours)}, in use and not needed again"))
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
        default=allowed.is_default,
        requests=asked,
        by_group=groups,
    )
    facts = [*_facts(row), *facts]
    if troubles:
        finding = _unknown_finding(context, row, facts, troubles)
    elif missing:
        finding = _finding(
            row,
            CheckState.BLOCKED,
            f"{context.aws.region} offers no {' and no '.join(missing)}: nodes of that type cannot be started.",
            facts,
        )
    else:
        finding = _compare_with_limit(context, limit, row, facts)
    if hidden:
        finding = replace(finding, denied=(*finding.denied, *hidden))
    return finding, replace(row, state=finding.state)


def _vcpu_usage(
    context: CheckContext, code: str, snapshot: QuotaSnapshot
) -> tuple[float | None, tuple[NodeGroupDemandRow, ...], tuple[str, ...], list[tuple[Exception, str]]]:
    """What is used of a vCPU quota, what each group needs, types that are not offered, and what could not be asked."""

    groups = [group for group in context.settings.nodes.groups if vcpu_quota_for(group.instance_type)[0] == code]
    running, sizes = snapshot.instances, snapshot.vcpus_by_type
    if isinstance(running, Exception):
        return None, (), (), [(running, "ec2:DescribeInstances")]
    if isinstance(sizes, Exception):
        return None, (), (), [(sizes, "ec2:DescribeInstanceTypes")]
    counted = [item for item in running or () if vcpu_quota_for(item.type)[0] == code]
    # A type that runs but is no longer listed counts by what is usual, rather than for nothing.
    used = float(sum(sizes.get(item.type, 2) for item in counted))
    table = tuple(_node_group_demand(group, [item.name for item in counted], sizes) for group in groups)
    missing = tuple(sorted({row.type for row in table if row.vcpus is None}))
    return used, table, missing, []


def _node_group_demand(
    group: NodeGroupSettings, running_names: list[str], vcpus_by_type: Mapping[str, int]
) -> NodeGroupDemandRow:
    """What a group still needs: nodes of it that run already are in use, and not needed once more."""
    size = vcpus_by_type.get(group.instance_type)
    running = min(group.count, sum(fnmatchcase(name, group.pattern) for name in running_names))
    return NodeGroupDemandRow(
        group=group.name,
        count=group.count,
        type=group.instance_type,
        vcpus=size,
        running=running,
        needed=None if size is None else float(size * (group.count - running)),
    )


def _compare_with_limit(context: CheckContext, limit: QuotaLimitSettings, row: QuotaRow, facts: list[Fact]) -> Finding:
    """Limit was seen. Is it enough?"""
    if row.limit is None:
        return _finding(row, CheckState.UNKNOWN, "AWS gave no value for this limit.", facts)
    if row.used is None:
        if row.needed is not None and row.needed > row.limit:
            return _insufficient_finding(context, limit, row, facts)
        return _finding(
            row,
            CheckState.UNKNOWN,
            f"{format_quantity(row.limit)} allowed, {_format_need(row)}; how much is in use is not known for this quota.",
            facts,
        )
    left = row.limit - row.used
    numbers = f"{format_quantity(row.limit)} allowed, {format_quantity(row.used)} in use"
    if row.needed is None:
        state = CheckState.OK if left > 0 else CheckState.WARN
        return _finding(
            row, state, f"{numbers}, {format_quantity(left)} left; how many are needed is known after a plan.", facts
        )
    if row.needed <= left:
        return _finding(
            row,
            CheckState.OK,
            f"{numbers}, {format_quantity(row.needed)} needed: enough, {format_quantity(left - row.needed)} to spare.",
            facts,
        )
    return _insufficient_finding(context, limit, row, facts)


def _insufficient_finding(
    context: CheckContext, limit: QuotaLimitSettings, row: QuotaRow, facts: list[Fact]
) -> Finding:
    """The limit is too small: how much is missing, what is asked for already, and every way out."""
    assert row.limit is not None and row.needed is not None
    total = (row.used or 0) + row.needed
    use = "" if row.used is None else f", {format_quantity(row.used)} in use"
    summary = f"{format_quantity(row.limit)} allowed{use}, {format_quantity(row.needed)} needed: {format_quantity(total - row.limit)} too few."
    newest = row.requests[0] if row.requests else None
    open_ = next((request for request in row.requests if request.is_open), None)
    fixes: list[Fix] = []
    # The guide has an entry for vCPUs, and one for a request that is open, whatever it asks for.
    guide: tuple[str, ...] = ("3.1",) if row.code == VCPU_QUOTA_CODE else ()
    if open_ is not None:
        guide = ("3.2", *guide)
        summary += f" A request for {format_quantity(open_.desired)} is open ({open_.status}: {open_.meaning})."
        fixes.append(_wait_fix(row))
        if open_.desired < total:
            summary += f" That would still be too few: {format_quantity(total)} are needed in all."
    elif newest is not None and newest.status == "APPROVED" and newest.desired > row.limit:
        guide = ("3.2", *guide)
        summary += f" A request for {format_quantity(newest.desired)} is approved; the limit does not show it yet."
        fixes.append(_wait_fix(row))
    elif not row.adjustable:
        summary += " AWS does not raise this quota on request."
    else:
        if newest is not None and newest.status in REFUSED_STATUSES:
            summary += (
                f" The last request, for {format_quantity(newest.desired)}, ended as {newest.status}: {newest.meaning}."
            )
        fixes += _request_fixes(context, row, _request_value(limit, total))
    if row.by_group:
        more, ways = _downsize_options(context, row)
        facts = [*facts, *more]
        fixes += ways
    return _finding(row, CheckState.BLOCKED, summary, facts, tuple(fixes), guide)


def _request_value(limit: QuotaLimitSettings, total: float) -> int:
    """What to ask for: what the settings name, and never less than what is needed in all."""
    return math.ceil(max(limit.desired or 0, total))


def _request_fixes(context: CheckContext, row: QuotaRow, value: int) -> tuple[Fix, ...]:
    from checks.quota.increase import increase_cli_command

    return (
        Fix(
            id="request",
            title=f"Request an increase to {value}",
            action=RunCommand(argv=("ecotui", "quota", "--request", row.code, "--value", str(value), "--yes")),
            changes=f"AWS gets a request for {value} (usually answered in 15 minutes to 2 hours). The same as: "
            + increase_cli_command(row.service, row.code, value, context.aws.region),
            risk=Risk.CHANGES,
            recommended=True,
        ),
    )


def _wait_fix(row: QuotaRow) -> Fix:
    return Fix(
        id="wait",
        title="Wait for the approval",
        action=RunCommand(argv=("ecotui", "quota", "--wait", row.code)),
        changes="Nothing; it looks again and again until the limit is raised or the request refused.",
        recommended=True,
    )


def _downsize_options(context: CheckContext, row: QuotaRow) -> tuple[list[Fact], list[Fix]]:
    """Smaller types and fewer nodes, computed from what EC2 offers. What cannot be asked is left out, and said."""
    from checks.quota import usage as quota_usage

    room = (row.limit or 0) - (row.used or 0)
    try:
        sizes = quota_usage.fetch_vcpus_by_type(context.aws, fixes.family_patterns(row.by_group))
        single = quota_usage.fetch_single_vcpu_types(context.aws)
    except aws_error_types() as error:
        trouble = context.aws.explain(error, "ec2:DescribeInstanceTypes")
        return [Fact(label="Smaller types", value=f"not known: {trouble.summary}")], []
    smaller, smaller_fix = fixes.smaller_types_hint(row.by_group, sizes, room)
    fewer, fewer_fix = fixes.fewer_nodes_hint(row.by_group, room)
    facts = [smaller, fixes.single_vcpu_hint(single, row.by_group, room), fewer]
    return facts, [fix for fix in (smaller_fix, fewer_fix) if fix is not None]


def _unknown_finding(
    context: CheckContext, row: QuotaRow, facts: list[Fact], errors_and_actions: list[tuple[Exception, str]]
) -> Finding:
    """Limit or use could not be looked at: unknown, whatever the rest says."""
    explained = [context.aws.explain(error, action) for error, action in errors_and_actions]
    return replace(
        _finding(row, CheckState.UNKNOWN, " ".join(trouble.summary for trouble in explained), facts),
        denied=tuple(dict.fromkeys(action for trouble in explained for action in trouble.denied)),
        raw="\n".join(trouble.raw for trouble in explained),
        fixes=tuple({fix.command: fix for trouble in explained for fix in trouble.fixes}.values()),
    )


def _facts(row: QuotaRow) -> list[Fact]:
    where = f"{row.service} {row.code}" + ("" if row.adjustable else ", not adjustable")
    facts = [
        Fact(label="Quota", value=where),
        Fact(label="Limit", value=format_quantity(row.limit) + (" (AWS default)" if row.default else "")),
        Fact(label="In use", value=format_quantity(row.used) if row.used is not None else "not known"),
        Fact(label="Needed", value=format_quantity(row.needed) if row.needed is not None else "not known yet"),
    ]
    for group in row.by_group:
        size = "not offered here" if group.vcpus is None else f"{group.vcpus} vCPUs each"
        up = f", {group.running} running" if group.running else ""
        facts.append(Fact(label=f"  {group.group}", value=f"{group.count} × {group.type}, {size}{up}"))
    facts += [Fact(label="Request", value=_format_request(request)) for request in row.requests[:3]]
    return facts


def _format_request(request: QuotaRequestRow) -> str:
    when = datetime.fromtimestamp(request.created, UTC).strftime(" on %Y-%m-%d %H:%M UTC") if request.created else ""
    return f"for {format_quantity(request.desired)}{when}: {request.status}, {request.meaning}"


def _format_need(row: QuotaRow) -> str:
    return "need not known yet" if row.needed is None else f"{format_quantity(row.needed)} needed"


def _finding(
    row: QuotaRow,
    state: CheckState,
    summary: str,
    facts: list[Fact],
    fixes: tuple[Fix, ...] = (),
    guide: tuple[str, ...] = (),
) -> Finding:
    return Finding(
        id=quota_finding_id(row.code),
        step=STEP,
        state=state,
        title=row.title,
        summary=f"{row.title}: {summary}",
        facts=tuple(facts),
        guide=guide,
        fixes=fixes,
    )

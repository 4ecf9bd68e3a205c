"""Step 2: do the quotas of the account allow what the plan needs? Limit, use, need and open requests of each."""

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
from checks.finding import CheckState, Fact, Finding, Fix, Report, ReportBuilder, build_finding
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
"""Errors that every request would get: one finding for all quotas."""


def quota_finding_id(code: str) -> str:
    """The stable id of a quota's finding: `quota.vcpu`, or made from the code."""
    return _FINDING_IDS.get(code, f"quota.{code.lower()}")


def check(context: CheckContext) -> Report:
    """Check every quota of the settings, in parallel. Reads only."""
    return ReportBuilder(STEP).build(*check_quotas(context))


def check_quotas(context: CheckContext) -> tuple[tuple[Finding, ...], QuotaDetail]:
    """The findings and the table, as `ecotui quota` prints them."""
    limits = context.settings.quota.limits
    if not limits:
        summary = "The settings name no quotas (quota.limits)."
        return (build_finding(STEP, "list", CheckState.SKIPPED, "Quotas", summary),), QuotaDetail()
    from checks.quota import usage as quota_usage

    context.on_progress("quotas: limits, use and open requests")
    try:
        snapshot = quota_usage.fetch_quotas(
            context.aws,
            [(limit.service, limit.code) for limit in limits],
            {group.instance_type for group in context.settings.nodes.groups},
            context.settings.cleanup.tags,
            context.on_progress,
        )
    except aws_error_types() as error:
        return (context.aws.unknown_finding("quota.look", STEP, "Quotas", error),), QuotaDetail()
    common = _common_error_finding(context, snapshot)
    if common is not None:
        return (common,), QuotaDetail(region=context.aws.region)
    checked = [_check_quota(context, limit, snapshot) for limit in limits]
    detail = QuotaDetail(rows=tuple(row for _, row in checked), region=context.aws.region)
    return tuple(finding for finding, _ in checked), detail


def _common_error_finding(context: CheckContext, snapshot: QuotaSnapshot) -> Finding | None:
    """One finding for all quotas, where no limit could be read because of credentials, settings or the network."""
    failed = [limit for limit in snapshot.limits.values() if isinstance(limit, Exception)]
    if len(failed) < len(snapshot.limits):
        return None
    if context.aws.explain(failed[0]).kind not in _ACCOUNT_WIDE_ERRORS:
        return None
    return context.aws.unknown_finding("quota.look", STEP, "Quotas", failed[0], "servicequotas:GetServiceQuota")


def _check_quota(context: CheckContext, limit: QuotaLimitSettings, snapshot: QuotaSnapshot) -> tuple[Finding, QuotaRow]:
    """The finding on one quota, and its row."""
    errors: list[tuple[Exception, str]] = []
    answer = snapshot.limits[limit.code]
    applied = None if isinstance(answer, Exception) else answer
    if isinstance(answer, Exception):
        errors.append((answer, "servicequotas:GetServiceQuota"))
    requests, request_facts, denied = _increase_requests(context, snapshot.requests[limit.code])
    groups: tuple[NodeGroupDemandRow, ...] = ()
    missing_types: tuple[str, ...] = ()
    used, needed, own = None, limit.needed, 0.0
    if limit.code in VCPU_QUOTA_CODES:
        used, groups, missing_types, usage_errors = _vcpu_usage(context, limit.code, snapshot)
        errors += usage_errors
        if limit.needed is None and not usage_errors:
            needed = sum(group.needed or 0 for group in groups)
    elif isinstance(count := snapshot.resource_counts.get(limit.code), Exception):
        errors.append((count, _counting_action(limit.code)))
    elif count is not None:
        used, own = count
        if needed is not None:
            needed = max(0.0, needed - own)
    row = QuotaRow(
        code=limit.code,
        service=limit.service,
        title=limit.title,
        limit=applied.value if applied else None,
        used=used,
        needed=needed,
        left=None if applied is None or applied.value is None or used is None else applied.value - used,
        adjustable=applied is None or applied.adjustable,
        default=applied is not None and applied.is_default,
        requests=requests,
        by_group=groups,
    )
    facts = [*_facts(row), *request_facts]
    if needed is not None and own:
        facts.append(Fact(label="Ours already", value=f"{format_quantity(own)}, in use and not needed again"))
    if errors:
        finding = _unknown_finding(context, row, facts, errors)
    elif missing_types:
        summary = (
            f"{context.aws.region} offers no {' and no '.join(missing_types)}: nodes of that type cannot be started."
        )
        finding = _finding(row, CheckState.BLOCKED, summary, facts)
    else:
        finding = _compare_with_limit(context, limit, row, facts)
    if denied:
        finding = replace(finding, denied=(*finding.denied, *denied))
    return finding, replace(row, state=finding.state)


def _increase_requests(
    context: CheckContext, answer: tuple[QuotaRequestRow, ...] | Exception
) -> tuple[tuple[QuotaRequestRow, ...], list[Fact], tuple[str, ...]]:
    """The requests; or, where they could not be read, a fact that says so and the missing IAM actions."""
    if not isinstance(answer, Exception):
        return answer, [], ()
    action = iam_action("service-quotas", "ListRequestedServiceQuotaChangeHistoryByQuota")
    explained = context.aws.explain(answer, action)
    return (), [Fact(label="Requests", value=f"not known: {explained.summary}")], explained.denied


def _counting_action(code: str) -> str:
    from checks.quota.usage import RESOURCE_COUNTERS

    return RESOURCE_COUNTERS[code][0]


def _vcpu_usage(
    context: CheckContext, code: str, snapshot: QuotaSnapshot
) -> tuple[float | None, tuple[NodeGroupDemandRow, ...], tuple[str, ...], list[tuple[Exception, str]]]:
    """Use of a vCPU quota, need of each group, types that are not offered, and errors with the IAM action of each."""
    groups = [group for group in context.settings.nodes.groups if vcpu_quota_for(group.instance_type)[0] == code]
    instances, sizes = snapshot.instances, snapshot.vcpus_by_type
    if isinstance(instances, Exception):
        return None, (), (), [(instances, "ec2:DescribeInstances")]
    if isinstance(sizes, Exception):
        return None, (), (), [(sizes, "ec2:DescribeInstanceTypes")]
    counted = [item for item in instances or () if vcpu_quota_for(item.type)[0] == code]
    # A running type that EC2 no longer lists counts as 2 vCPUs, the usual number, not as none.
    used = float(sum(sizes.get(item.type, 2) for item in counted))
    table = tuple(_node_group_demand(group, [item.name for item in counted], sizes) for group in groups)
    missing = tuple(sorted({row.type for row in table if row.vcpus is None}))
    return used, table, missing, []


def _node_group_demand(
    group: NodeGroupSettings, running_names: list[str], vcpus_by_type: Mapping[str, int]
) -> NodeGroupDemandRow:
    """What a group still needs: its nodes that run already count as used, not as needed."""
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
    """The limit is known: is it enough?"""
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
    """The limit is too small: how much is missing, the open request, and the fixes."""
    assert row.limit is not None and row.needed is not None
    total = (row.used or 0) + row.needed
    use = "" if row.used is None else f", {format_quantity(row.used)} in use"
    summary = f"{format_quantity(row.limit)} allowed{use}, {format_quantity(row.needed)} needed: {format_quantity(total - row.limit)} too few."
    newest = row.requests[0] if row.requests else None
    open_ = next((request for request in row.requests if request.is_open), None)
    options: list[Fix] = []
    # The guide has an entry for vCPUs, and one for a request that is open, whatever it asks for.
    guide: tuple[str, ...] = ("3.1",) if row.code == VCPU_QUOTA_CODE else ()
    if open_ is not None:
        guide = ("3.2", *guide)
        summary += f" A request for {format_quantity(open_.desired)} is open ({open_.status}: {open_.meaning})."
        options.append(fixes.wait_fix(row.code))
        if open_.desired < total:
            summary += f" That would still be too few: {format_quantity(total)} are needed in all."
    elif newest is not None and newest.status == "APPROVED" and newest.desired > row.limit:
        guide = ("3.2", *guide)
        summary += f" A request for {format_quantity(newest.desired)} is approved; the limit does not show it yet."
        options.append(fixes.wait_fix(row.code))
    elif not row.adjustable:
        summary += " AWS does not raise this quota on request."
    else:
        if newest is not None and newest.status in REFUSED_STATUSES:
            summary += (
                f" The last request, for {format_quantity(newest.desired)}, ended as {newest.status}: {newest.meaning}."
            )
        options.append(fixes.request_fix(row, _request_value(limit, total), context.aws.region))
    if row.by_group:
        more_facts, more_options = _downsize_options(context, row)
        facts = [*facts, *more_facts]
        options += more_options
    return _finding(row, CheckState.BLOCKED, summary, facts, fixes=tuple(options), guide=guide)


def _request_value(limit: QuotaLimitSettings, total: float) -> int:
    """The value to request: that of the settings, but never less than the total need."""
    return math.ceil(max(limit.desired or 0, total))


def _downsize_options(context: CheckContext, row: QuotaRow) -> tuple[list[Fact], list[Fix]]:
    """Smaller types and fewer nodes, from what EC2 offers; one fact that says so where EC2 could not be asked."""
    from checks.quota import usage as quota_usage

    available = (row.limit or 0) - (row.used or 0)
    try:
        sizes = quota_usage.fetch_vcpus_by_type(context.aws, fixes.family_patterns(row.by_group))
        single = quota_usage.fetch_single_vcpu_types(context.aws)
    except aws_error_types() as error:
        explained = context.aws.explain(error, "ec2:DescribeInstanceTypes")
        return [Fact(label="Smaller types", value=f"not known: {explained.summary}")], []
    smaller, smaller_fix = fixes.smaller_types_hint(row.by_group, sizes, available)
    fewer, fewer_fix = fixes.fewer_nodes_hint(row.by_group, available)
    facts = [smaller, fixes.single_vcpu_hint(single, row.by_group, available), fewer]
    return facts, [fix for fix in (smaller_fix, fewer_fix) if fix is not None]


def _unknown_finding(
    context: CheckContext, row: QuotaRow, facts: list[Fact], errors_and_actions: list[tuple[Exception, str]]
) -> Finding:
    """Limit or use could not be read: unknown, whatever else is known."""
    explained = [context.aws.explain(error, action) for error, action in errors_and_actions]
    return replace(
        _finding(row, CheckState.UNKNOWN, " ".join(one.summary for one in explained), facts),
        denied=tuple(dict.fromkeys(action for one in explained for action in one.denied)),
        raw="\n".join(one.raw for one in explained),
        fixes=tuple({fix.command: fix for one in explained for fix in one.fixes}.values()),
    )


def _facts(row: QuotaRow) -> list[Fact]:
    quota = f"{row.service} {row.code}" + ("" if row.adjustable else ", not adjustable")
    facts = [
        Fact(label="Quota", value=quota),
        Fact(label="Limit", value=format_quantity(row.limit) + (" (AWS default)" if row.default else "")),
        Fact(label="In use", value=format_quantity(row.used) if row.used is not None else "not known"),
        Fact(label="Needed", value=format_quantity(row.needed) if row.needed is not None else "not known yet"),
    ]
    for group in row.by_group:
        size = "not offered here" if group.vcpus is None else f"{group.vcpus} vCPUs each"
        running = f", {group.running} running" if group.running else ""
        facts.append(Fact(label=f"  {group.group}", value=f"{group.count} × {group.type}, {size}{running}"))
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
    *,
    fixes: tuple[Fix, ...] = (),
    guide: tuple[str, ...] = (),
) -> Finding:
    suffix = quota_finding_id(row.code).removeprefix(f"{STEP}.")
    return build_finding(
        STEP, suffix, state, row.title, f"{row.title}: {summary}", facts=tuple(facts), fixes=fixes, guide=guide
    )

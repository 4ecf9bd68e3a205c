"""Step 6: are the project's CloudFront distributions deployed, and does it take longer than usual?

A distribution is the project's when it is in terraform's state, or when the cleanup selectors match it. One that
terraform is still creating is not in the state yet: it counts when it is enabled, InProgress, and the selectors match.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING, Any

import msgspec

from checks.aws.errors import aws_error_types, call_or_error
from checks.cloudfront.model import DEPLOYED_STATUS, CloudFrontDetail, DistributionRow
from checks.finding import CheckState, Fact, Finding, Fix, OpenStep, Report, ReportBuilder, RunCommand
from checks.polling import PollOutcome, PollResult
from checks.sanitize import one_line
from checks.text import plural

if TYPE_CHECKING:
    from checks.cleanup.model import AwsResource
    from checks.cleanup.ownership import KnownResources
    from checks.context import CheckContext

STEP = "cloudfront"


def check(context: CheckContext) -> Report:
    """Check the distributions of the project. Reads only."""
    return ReportBuilder(STEP).build(*check_distributions(context))


def check_distributions(context: CheckContext) -> tuple[tuple[Finding, ...], CloudFrontDetail]:
    """The findings and the table, as `ecotui cloudfront` prints them."""
    context.on_progress("CloudFront distributions")
    detail = CloudFrontDetail(normal_minutes=context.settings.cloudfront.normal_minutes)
    try:
        rows, state_error, tag_errors = find_distributions(context)
    except aws_error_types() as error:
        unknown = context.aws.unknown_finding(
            "cloudfront.list", STEP, "Distributions", error, "cloudfront:ListDistributions"
        )
        return (unknown,), detail
    low, high = detail.normal_minutes
    findings = [_distribution_finding(row, low, high) for row in rows]
    detail = CloudFrontDetail(
        rows=tuple(
            msgspec.structs.replace(row, state=finding.state) for row, finding in zip(rows, findings, strict=True)
        ),
        normal_minutes=detail.normal_minutes,
        state_unread=state_error,
    )
    if tag_errors:
        findings.append(_tags_unknown_finding(context, tag_errors))
    elif all(row.is_leftover for row in rows):
        findings.insert(0, _no_distributions_finding(rows, state_error))
    return tuple(findings), detail


def find_distributions(context: CheckContext) -> tuple[list[DistributionRow], str, list[Exception]]:
    """The project's distributions; why the state was not read; and errors that hid tags, so that some may be missing.

    Raises botocore's errors when they cannot be listed.
    """
    from checks.cleanup.known_resources import read_known_resources
    from checks.cleanup.ownership import decide_ownership

    context.aws.client("cloudfront")
    with ThreadPoolExecutor(max_workers=4, thread_name_prefix="cloudfront") as pool:
        known_future = pool.submit(read_known_resources, context)
        items = list(context.aws.paginate("cloudfront", "list_distributions", "DistributionList.Items"))
        known = known_future.result()
        rows: list[DistributionRow] = []
        tag_futures = []
        for item in items:
            resource = _to_resource(item, {})
            decision = decide_ownership(resource, context.settings.cleanup, known, ("aws_cloudfront_distribution",))
            if decision.is_listed:
                rows.append(_distribution_row(item, known, resource, decision.reason))
            elif context.settings.cleanup.tags:
                tag_futures.append((item, pool.submit(call_or_error, partial(_fetch_tags, context, item["ARN"]))))
        tag_errors: list[Exception] = []
        for item, future in tag_futures:
            tags = future.result()
            if isinstance(tags, Exception):
                tag_errors.append(tags)
                continue
            resource = _to_resource(item, tags)
            decision = decide_ownership(resource, context.settings.cleanup, known)
            if decision.is_listed:
                rows.append(_distribution_row(item, known, resource, decision.reason))
    # Where the state was read, tags would only add leftovers: the project's own are known without them.
    return sorted(rows, key=lambda row: row.name), known.state_error, [] if known.state_read else tag_errors


def poll_distributions(context: CheckContext) -> PollResult:
    """One poll of `cloudfront --wait`: done when no distribution is in progress. Raises botocore's errors."""
    found, _, tag_errors = find_distributions(context)
    if tag_errors:
        raise tag_errors[0]
    low, high = context.settings.cloudfront.normal_minutes
    rows = [row for row in found if not row.is_leftover]
    pending = [row for row in rows if not row.is_deployed]
    data = {"distributions": msgspec.to_builtins(rows)}
    if not rows:
        return PollResult(PollOutcome.DONE, "There is no distribution of the project: nothing to wait for.", "", data)
    if not pending:
        names = ", ".join(row.name for row in rows)
        return PollResult(PollOutcome.DONE, f"{len(rows)} of {len(rows)} deployed: {names}.", DEPLOYED_STATUS, data)
    progress = "; ".join(f"{row.name} {_describe_progress(row, low, high)}" for row in pending)
    done = f"{len(rows) - len(pending)} of {len(rows)} deployed"
    return PollResult(PollOutcome.PENDING, f"{done}; {progress}.", pending[0].status, data)


def _to_resource(item: dict[str, Any], tags: dict[str, str]) -> AwsResource:
    """A listed distribution in the shape that the ownership rules take."""
    from checks.cleanup.model import AwsResource

    aliases = tuple(one_line(name) for name in (item.get("Aliases") or {}).get("Items") or ())
    origins = tuple(one_line(origin["DomainName"]) for origin in (item.get("Origins") or {}).get("Items") or ())
    comment = one_line(item.get("Comment") or "")
    buckets = tuple(name.split(".s3", 1)[0] for name in origins if ".s3" in name)
    address = one_line(item.get("DomainName", ""))
    return AwsResource(
        kind="cloudfront",
        id=item["Id"],
        name=aliases[0] if aliases else comment or address or item["Id"],
        arn=item.get("ARN", ""),
        aliases=(*aliases, *((comment,) if comment else ()), *origins, *buckets, address),
        domains=(*aliases, *origins),
        tags=tags,
    )


def _distribution_row(
    item: dict[str, Any], known_resources: KnownResources, resource: AwsResource, ownership_reason: str
) -> DistributionRow:
    from checks.cleanup.ownership import is_in_state

    changed = item["LastModifiedTime"].timestamp() if item.get("LastModifiedTime") else 0.0
    return DistributionRow(
        id=resource.id,
        name=resource.name,
        domain=one_line(item.get("DomainName", "")),
        aliases=tuple((item.get("Aliases") or {}).get("Items") or ()),
        status=one_line(str(item.get("Status", ""))),
        enabled=bool(item.get("Enabled", True)),
        changed=changed,
        # The clocks of AWS and of this machine differ: a change in the future is a change just now.
        elapsed=max(0.0, time.time() - changed) if changed else 0.0,
        managed=is_in_state(resource, known_resources, ("aws_cloudfront_distribution",))
        if known_resources.state_read
        else None,
        why=ownership_reason,
    )


def _fetch_tags(context: CheckContext, arn: str) -> dict[str, str]:
    answer = context.aws.client("cloudfront").list_tags_for_resource(Resource=arn)
    return {tag["Key"]: tag.get("Value", "") for tag in (answer.get("Tags") or {}).get("Items") or ()}


def _describe_progress(row: DistributionRow, usual_minimum: int, usual_maximum: int) -> str:
    """`in progress for 6 min, usually 5 to 15`, and whether that is too long."""
    minutes = row.elapsed / 60
    verb = "in progress" if row.enabled else "being disabled"
    usual = f"{verb} for {int(minutes)} min, usually {usual_minimum} to {usual_maximum}"
    if minutes > usual_maximum:
        return f"{usual}: longer than usual"
    return usual


def _distribution_finding(row: DistributionRow, usual_minimum: int, usual_maximum: int) -> Finding:
    fixes: tuple[Fix, ...] = ()
    guide: tuple[str, ...] = ()
    if row.is_leftover:
        guide = ("6.2",)
        state = CheckState.SKIPPED
        summary = f"{row.name} is not in terraform's state ({row.why}): the cleanup step decides about it."
        fixes = (
            Fix(
                id="cleanup",
                title="Go to the cleanup step",
                action=OpenStep(step="cleanup", select=(f"cloudfront:{row.id}",)),
                changes="Nothing.",
            ),
        )
    elif not row.is_deployed:
        guide = ("6.1",)
        state = CheckState.WARN
        summary = f"{row.name} is {_describe_progress(row, usual_minimum, usual_maximum)}."
        fixes = (_wait_fix(),)
    elif not row.enabled:
        state = CheckState.WARN
        summary = f"{row.name} is deployed but disabled: it serves nothing."
    else:
        state = CheckState.OK
        summary = f"{row.name} is deployed."
    return Finding(
        id=f"cloudfront.distribution.{row.id}",
        step=STEP,
        state=state,
        title=row.name,
        summary=summary,
        facts=_facts(row),
        guide=guide,
        fixes=fixes,
    )


def _facts(row: DistributionRow) -> tuple[Fact, ...]:
    managed = {True: "yes", False: "no", None: "not known"}[row.managed]
    return (
        Fact(label="Id", value=row.id),
        Fact(label="Address", value=row.domain),
        *((Fact(label="Aliases", value=", ".join(row.aliases)),) if row.aliases else ()),
        Fact(label="Status", value=f"{row.status}, {'enabled' if row.enabled else 'disabled'}"),
        Fact(label="Changed", value=time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime(row.changed))),
        Fact(label="In terraform's state", value=managed),
        Fact(label="Ours because", value=row.why),
    )


def _wait_fix() -> Fix:
    return Fix(
        id="wait",
        title="Wait until it is deployed",
        action=RunCommand(argv=("ecotui", "cloudfront", "--wait")),
        changes="Nothing; checks until it is deployed.",
        recommended=True,
    )


def _no_distributions_finding(leftovers: Sequence[DistributionRow], state_error: str) -> Finding:
    others = f" ({len(leftovers)} of an earlier deployment)" if leftovers else ""
    facts = (Fact(label="terraform's state", value=f"not read: {state_error}"),) if state_error else ()
    return Finding(
        id="cloudfront.list",
        step=STEP,
        state=CheckState.SKIPPED,
        title="Distributions",
        summary=f"There is no distribution yet{others}; terraform makes it in the apply step.",
        facts=facts,
    )


def _tags_unknown_finding(context: CheckContext, tag_errors: Sequence[Exception]) -> Finding:
    finding = context.aws.unknown_finding(
        "cloudfront.tags", STEP, "Tags of distributions", tag_errors[0], "cloudfront:ListTagsForResource"
    )
    return msgspec.structs.replace(
        finding, summary=f"{finding.summary} {plural(len(tag_errors), 'distribution')} may or may not be the project's."
    )

"""Step: are the project's CloudFront distributions deployed, and how long does it take against what is usual?

The project's are those in terraform's state; then those that the cleanup selectors match. A distribution that terraform
is still creating is not in the state yet: one that is enabled and InProgress counts as ours when the selectors match it.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING, Any

import msgspec

from checks.aws.errors import aws_error_types, call_or_error
from checks.finding import CheckState, Fact, Finding, Fix, FrozenStruct, OpenStep, Report, ReportBuilder, RunCommand
from checks.polling import PollOutcome, PollResult
from checks.sanitize import one_line

if TYPE_CHECKING:
    from checks.cleanup.model import AwsResource
    from checks.cleanup.ownership import KnownResources
    from checks.context import CheckContext

STEP = "cloudfront"
DEPLOYED_STATUS = "Deployed"


class DistributionRow(FrozenStruct, frozen=True):
    """One distribution of the project."""

    id: str
    name: str
    """Its first alias, else its comment, else its address."""
    domain: str
    aliases: tuple[str, ...] = ()
    status: str = ""
    enabled: bool = True
    changed: float = 0.0
    """When it was last changed: seconds since the epoch."""
    elapsed: float = 0.0
    """Seconds from the last change to the look; what counts while it is InProgress."""
    state: CheckState = CheckState.UNKNOWN
    managed: bool | None = None
    """In terraform's state; None when the state could not be read."""
    why: str = ""
    """Why it is taken for the project's."""

    @property
    def is_deployed(self) -> bool:
        return self.status == DEPLOYED_STATUS

    @property
    def is_leftover(self) -> bool:
        """Known not to be terraform's, and nothing is on its way with it: of an earlier deployment."""
        return self.managed is False and (self.is_deployed or not self.enabled)


class CloudFrontDetail(FrozenStruct, frozen=True):
    rows: tuple[DistributionRow, ...] = ()
    normal_minutes: tuple[int, int] = (5, 15)
    state_unread: str = ""
    """Why terraform's state could not be read; empty when it was."""


def check(context: CheckContext) -> Report:
    """Look at the distributions of the project."""
    begun = ReportBuilder(STEP)
    return begun.build(*check_distributions(context))


def check_distributions(context: CheckContext) -> tuple[tuple[Finding, ...], CloudFrontDetail]:
    """The findings and the table; the command line wants them as they are."""
    context.on_progress("CloudFront distributions")
    detail = CloudFrontDetail(normal_minutes=context.settings.cloudfront.normal_minutes)
    try:
        found, unread, untagged = find_distributions(context)
    except aws_error_types() as error:
        unknown = context.aws.unknown_finding(
            "cloudfront.list", STEP, "Distributions", error, "cloudfront:ListDistributions"
        )
        return (unknown,), detail
    low, high = detail.normal_minutes
    judged = [_distribution_finding(row, low, high) for row in found]
    detail = CloudFrontDetail(
        rows=tuple(
            msgspec.structs.replace(row, state=finding.state) for row, finding in zip(found, judged, strict=True)
        ),
        normal_minutes=detail.normal_minutes,
        state_unread=unread,
    )
    findings = list(judged)
    if untagged:
        findings.append(_tags_unknown_finding(context, untagged))
    elif all(row.is_leftover for row in found):
        findings.insert(0, _no_distributions_finding(found, unread))
    return tuple(findings), detail


def find_distributions(context: CheckContext) -> tuple[list[DistributionRow], str, list[Exception]]:
    """The project's distributions; why the state was not read; and errors that hid whose some distributions are.

    Raises botocore's errors when they cannot be listed.
    """
    from checks.cleanup.known_resources import read_known_resources as read_known
    from checks.cleanup.ownership import decide_ownership

    context.aws.client("cloudfront")
    with ThreadPoolExecutor(max_workers=4, thread_name_prefix="cloudfront") as pool:
        reading = pool.submit(read_known, context)
        items = list(context.aws.paginate("cloudfront", "list_distributions", "DistributionList.Items"))
        known = reading.result()
        rows: list[DistributionRow] = []
        asked = []
        for item in items:
            seen = _to_resource(item, {})
            verdict = decide_ownership(seen, context.settings.cleanup, known, ("aws_cloudfront_distribution",))
            if verdict.is_listed:
                rows.append(_distribution_row(item, known, seen, verdict.reason))
            elif context.settings.cleanup.tags:
                asked.append((item, pool.submit(call_or_error, partial(_fetch_tags, context, item["ARN"]))))
        hidden: list[Exception] = []
        for item, answer in asked:
            tags = answer.result()
            if isinstance(tags, Exception):
                hidden.append(tags)
                continue
            seen = _to_resource(item, tags)
            verdict = decide_ownership(seen, context.settings.cleanup, known)
            if verdict.is_listed:
                rows.append(_distribution_row(item, known, seen, verdict.reason))
    # With the state read, what is ours is known without tags; what they would add are leftovers only.
    return sorted(rows, key=lambda row: row.name), known.state_error, [] if known.state_read else hidden


def poll_distributions(context: CheckContext) -> PollResult:
    """Where the deployment stands: done when no distribution of the project is in progress. Raises botocore's errors."""
    found, _, hidden = find_distributions(context)
    if hidden:
        raise hidden[0]
    low, high = context.settings.cloudfront.normal_minutes
    mine = [row for row in found if not row.is_leftover]
    going = [row for row in mine if not row.is_deployed]
    data = {"distributions": msgspec.to_builtins(mine)}
    if not mine:
        return PollResult(PollOutcome.DONE, "There is no distribution of the project: nothing to wait for.", "", data)
    if not going:
        names = ", ".join(row.name for row in mine)
        return PollResult(PollOutcome.DONE, f"{len(mine)} of {len(mine)} deployed: {names}.", DEPLOYED_STATUS, data)
    told = "; ".join(f"{row.name} {_describe_progress(row, low, high)}" for row in going)
    done = f"{len(mine) - len(going)} of {len(mine)} deployed"
    return PollResult(PollOutcome.PENDING, f"{done}; {told}.", going[0].status, data)


def _to_resource(item: dict[str, Any], tags: dict[str, str]) -> AwsResource:
    """A listed distribution as the ownership rules want it."""
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
        # The clocks of AWS and of this machine differ; a change in the future was made just now.
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
    """`in progress for 6 min, usually 5 to 15`, and what to make of it."""
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
                title="Look at it in the cleanup step",
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
        changes="Nothing; it looks again and again.",
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
        finding, summary=f"{finding.summary} Whose {len(tag_errors)} of the distributions are is not known."
    )

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

from checks.aws.errors import errors, or_error
from checks.finding import Fact, Finding, Fix, Look, Report, Run, State, Value, Visit
from checks.polling import Sight, Verdict
from checks.sanitize import one_line

if TYPE_CHECKING:
    from checks.cleanup.model import Seen
    from checks.cleanup.ownership import Known
    from checks.context import World

STEP = "cloudfront"
DEPLOYED = "Deployed"


class DistributionRow(Value, frozen=True):
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
    state: State = State.UNKNOWN
    managed: bool | None = None
    """In terraform's state; None when the state could not be read."""
    why: str = ""
    """Why it is taken for the project's."""

    @property
    def deployed(self) -> bool:
        return self.status == DEPLOYED

    @property
    def leftover(self) -> bool:
        """Known not to be terraform's, and nothing is on its way with it: of an earlier deployment."""
        return self.managed is False and (self.deployed or not self.enabled)


class CloudFrontDetail(Value, frozen=True):
    rows: tuple[DistributionRow, ...] = ()
    normal_minutes: tuple[int, int] = (5, 15)
    state_unread: str = ""
    """Why terraform's state could not be read; empty when it was."""


def look(world: World) -> Report:
    """Look at the distributions of the project."""
    begun = Look(STEP)
    return begun.report(*rows(world))


def rows(world: World) -> tuple[tuple[Finding, ...], CloudFrontDetail]:
    """The findings and the table; the command line wants them as they are."""
    world.say("CloudFront distributions")
    detail = CloudFrontDetail(normal_minutes=world.settings.cloudfront.normal_minutes)
    try:
        found, unread, untagged = distributions(world)
    except errors() as error:
        unknown = world.aws.unknown(
            "cloudfront.list", STEP, "Distributions", error, "cloudfront:ListDistributions"
        )
        return (unknown,), detail
    low, high = detail.normal_minutes
    judged = [_judge(row, low, high) for row in found]
    detail = CloudFrontDetail(
        rows=tuple(
            msgspec.structs.replace(row, state=finding.state)
            for row, finding in zip(found, judged, strict=True)
        ),
        normal_minutes=detail.normal_minutes,
        state_unread=unread,
    )
    findings = list(judged)
    if untagged:
        findings.append(_unread_tags(world, untagged))
    elif all(row.leftover for row in found):
        findings.insert(0, _none(found, unread))
    return tuple(findings), detail


def distributions(world: World) -> tuple[list[DistributionRow], str, list[Exception]]:
    """The project's distributions; why the state was not read; and errors that hid whose some distributions are.

    Raises botocore's errors when they cannot be listed.
    """
    from checks.cleanup.known_resources import known as read_known
    from checks.cleanup.ownership import judge

    world.aws.client("cloudfront")
    with ThreadPoolExecutor(max_workers=4, thread_name_prefix="cloudfront") as pool:
        reading = pool.submit(read_known, world)
        items = list(world.aws.paginate("cloudfront", "list_distributions", "DistributionList.Items"))
        known = reading.result()
        rows: list[DistributionRow] = []
        asked = []
        for item in items:
            seen = _seen(item, {})
            verdict = judge(seen, world.settings.cleanup, known, ("aws_cloudfront_distribution",))
            if verdict.listed:
                rows.append(_row(item, known, seen, verdict.why))
            elif world.settings.cleanup.tags:
                asked.append((item, pool.submit(or_error, partial(_tags, world, item["ARN"]))))
        hidden: list[Exception] = []
        for item, answer in asked:
            tags = answer.result()
            if isinstance(tags, Exception):
                hidden.append(tags)
                continue
            seen = _seen(item, tags)
            verdict = judge(seen, world.settings.cleanup, known)
            if verdict.listed:
                rows.append(_row(item, known, seen, verdict.why))
    # With the state read, what is ours is known without tags; what they would add are leftovers only.
    return sorted(rows, key=lambda row: row.name), known.why_unread, [] if known.state_read else hidden


def sight(world: World) -> Sight:
    """Where the deployment stands: done when no distribution of the project is in progress. Raises botocore's errors."""
    found, _, hidden = distributions(world)
    if hidden:
        raise hidden[0]
    low, high = world.settings.cloudfront.normal_minutes
    mine = [row for row in found if not row.leftover]
    going = [row for row in mine if not row.deployed]
    data = {"distributions": msgspec.to_builtins(mine)}
    if not mine:
        return Sight(Verdict.DONE, "There is no distribution of the project: nothing to wait for.", "", data)
    if not going:
        names = ", ".join(row.name for row in mine)
        return Sight(Verdict.DONE, f"{len(mine)} of {len(mine)} deployed: {names}.", DEPLOYED, data)
    told = "; ".join(f"{row.name} {_progress(row, low, high)}" for row in going)
    done = f"{len(mine) - len(going)} of {len(mine)} deployed"
    return Sight(Verdict.GOING, f"{done}; {told}.", going[0].status, data)


def _seen(item: dict[str, Any], tags: dict[str, str]) -> Seen:
    """A listed distribution as the ownership rules want it."""
    from checks.cleanup.model import Seen

    aliases = tuple(one_line(name) for name in (item.get("Aliases") or {}).get("Items") or ())
    origins = tuple(
        one_line(origin["DomainName"]) for origin in (item.get("Origins") or {}).get("Items") or ()
    )
    comment = one_line(item.get("Comment") or "")
    buckets = tuple(name.split(".s3", 1)[0] for name in origins if ".s3" in name)
    address = one_line(item.get("DomainName", ""))
    return Seen(
        kind="cloudfront",
        id=item["Id"],
        name=aliases[0] if aliases else comment or address or item["Id"],
        arn=item.get("ARN", ""),
        aliases=(*aliases, *((comment,) if comment else ()), *origins, *buckets, address),
        domains=(*aliases, *origins),
        tags=tags,
    )


def _row(item: dict[str, Any], known: Known, seen: Seen, why: str) -> DistributionRow:
    from checks.cleanup.ownership import managed

    changed = item["LastModifiedTime"].timestamp() if item.get("LastModifiedTime") else 0.0
    return DistributionRow(
        id=seen.id,
        name=seen.name,
        domain=one_line(item.get("DomainName", "")),
        aliases=tuple((item.get("Aliases") or {}).get("Items") or ()),
        status=one_line(str(item.get("Status", ""))),
        enabled=bool(item.get("Enabled", True)),
        changed=changed,
        # The clocks of AWS and of this machine differ; a change in the future was made just now.
        elapsed=max(0.0, time.time() - changed) if changed else 0.0,
        managed=managed(seen, known, ("aws_cloudfront_distribution",)) if known.state_read else None,
        why=why,
    )


def _tags(world: World, arn: str) -> dict[str, str]:
    answer = world.aws.client("cloudfront").list_tags_for_resource(Resource=arn)
    return {tag["Key"]: tag.get("Value", "") for tag in (answer.get("Tags") or {}).get("Items") or ()}


def _progress(row: DistributionRow, low: int, high: int) -> str:
    """`in progress for 6 min, usually 5 to 15`, and what to make of it."""
    minutes = row.elapsed / 60
    verb = "in progress" if row.enabled else "being disabled"
    usual = f"{verb} for {int(minutes)} min, usually {low} to {high}"
    if minutes > high:
        return f"{usual}: longer than usual"
    return usual


def _judge(row: DistributionRow, low: int, high: int) -> Finding:
    fixes: tuple[Fix, ...] = ()
    guide: tuple[str, ...] = ()
    if row.leftover:
        guide = ("6.2",)
        state = State.SKIPPED
        summary = f"{row.name} is not in terraform's state ({row.why}): the cleanup step decides about it."
        fixes = (
            Fix(
                id="cleanup",
                title="Look at it in the cleanup step",
                action=Visit(step="cleanup", select=(f"cloudfront:{row.id}",)),
                changes="Nothing.",
            ),
        )
    elif not row.deployed:
        guide = ("6.1",)
        state = State.WARN
        summary = f"{row.name} is {_progress(row, low, high)}."
        fixes = (_wait(),)
    elif not row.enabled:
        state = State.WARN
        summary = f"{row.name} is deployed but disabled: it serves nothing."
    else:
        state = State.OK
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


def _wait() -> Fix:
    return Fix(
        id="wait",
        title="Wait until it is deployed",
        action=Run(argv=("ecotui", "cloudfront", "--wait")),
        changes="Nothing; it looks again and again.",
        recommended=True,
    )


def _none(found: Sequence[DistributionRow], unread: str) -> Finding:
    others = f" ({len(found)} of an earlier deployment)" if found else ""
    facts = (Fact(label="terraform's state", value=f"not read: {unread}"),) if unread else ()
    return Finding(
        id="cloudfront.list",
        step=STEP,
        state=State.SKIPPED,
        title="Distributions",
        summary=f"There is no distribution yet{others}; terraform makes it in the apply step.",
        facts=facts,
    )


def _unread_tags(world: World, hidden: Sequence[Exception]) -> Finding:
    finding = world.aws.unknown(
        "cloudfront.tags", STEP, "Tags of distributions", hidden[0], "cloudfront:ListTagsForResource"
    )
    return msgspec.structs.replace(
        finding, summary=f"{finding.summary} Whose {len(hidden)} of the distributions are is not known."
    )

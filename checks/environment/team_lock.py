"""Whether another machine works in the same account: the lock that a team shares (`sessions.team`)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from checks.context import CheckContext
from checks.environment.findings import environment_finding
from checks.finding import CheckState, Fact, Finding

if TYPE_CHECKING:
    from checks.aws.lease import LeaseRecord

TEAM_LOCK_TITLE = "Team's lock"


def check_team_lock(context: CheckContext) -> tuple[Finding, ...]:
    """Who holds the account; nothing where no team is named. Reads only."""
    url = context.settings.sessions.team
    if not url:
        return ()
    from checks.aws.lease import read_lease
    from checks.aws.object_store import ObjectStore, ObjectStoreError
    from checks.aws.session import aws_error_types

    where = Fact(label="shared in", value=url)
    try:
        account = context.aws.identity().account
        seen = read_lease(ObjectStore(context.aws, url), account)
    except aws_error_types() as error:
        told = context.aws.explain(error, "sts:GetCallerIdentity")
        return (_unknown_finding(told.summary, where, told.denied, told.raw),)
    except ObjectStoreError as error:
        return (_unknown_finding(str(error), where, error.denied, error.raw),)
    if seen is None or seen.record.free:
        summary = f"Nobody else works in account {account}."
        return (environment_finding("team", CheckState.OK, TEAM_LOCK_TITLE, summary, (where,)),)
    if _is_own_lease(seen.record, context):
        summary = f"Account {account} is ours: other machines only watch."
        return (
            environment_finding(
                "team",
                CheckState.OK,
                TEAM_LOCK_TITLE,
                summary,
                (where, Fact(label="holder", value=seen.record.holder_text)),
            ),
        )
    facts = (
        where,
        Fact(label="holder", value=seen.record.holder_text),
        Fact(label="project", value=seen.record.project),
        Fact(label="last heard of", value=f"{seen.age:.0f} s ago, by S3's clock"),
    )
    if seen.is_available:
        summary = f"The lease of {seen.record.holder_text} is over: account {account} is free."
        return (environment_finding("team", CheckState.OK, TEAM_LOCK_TITLE, summary, facts),)
    summary = f"{seen.record.holder_text} works in account {account}: nothing is changed from here until then."
    return (environment_finding("team", CheckState.BLOCKED, TEAM_LOCK_TITLE, summary, facts),)


def _is_own_lease(claim: LeaseRecord, context: CheckContext) -> bool:
    """Whether the keeper of the session that this look belongs to wrote it."""
    session = context.env.get("ECOTUI_SESSION", "")
    return bool(session) and session in claim.session.split()


def _unknown_finding(summary: str, location: Fact, denied: tuple[str, ...], raw: str) -> Finding:
    told = f"Whether another machine works in this account could not be looked at: {summary}"
    return environment_finding("team", CheckState.UNKNOWN, TEAM_LOCK_TITLE, told, (location,), denied=denied, raw=raw)

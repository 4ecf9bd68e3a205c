"""Whether another machine works in the same account: the lock that a team shares (`sessions.team`)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from checks.context import World
from checks.environment.findings import finding
from checks.finding import Fact, Finding, State

if TYPE_CHECKING:
    from checks.aws.lease import Claim

TITLE = "Team's lock"


def team(world: World) -> tuple[Finding, ...]:
    """Who holds the account; nothing where no team is named. Reads only."""
    url = world.settings.sessions.team
    if not url:
        return ()
    from checks.aws.lease import look
    from checks.aws.object_store import ObjectStore, StoreError
    from checks.aws.session import errors

    where = Fact(label="shared in", value=url)
    try:
        account = world.aws.identity().account
        seen = look(ObjectStore(world.aws, url), account)
    except errors() as error:
        told = world.aws.explain(error, "sts:GetCallerIdentity")
        return (_unknown(told.summary, where, told.denied, told.raw),)
    except StoreError as error:
        return (_unknown(str(error), where, error.denied, error.raw),)
    if seen is None or seen.claim.free:
        summary = f"Nobody else works in account {account}."
        return (finding("team", State.OK, TITLE, summary, (where,)),)
    if _ours(seen.claim, world):
        summary = f"Account {account} is ours: other machines only watch."
        return (
            finding("team", State.OK, TITLE, summary, (where, Fact(label="holder", value=seen.claim.who))),
        )
    facts = (
        where,
        Fact(label="holder", value=seen.claim.who),
        Fact(label="project", value=seen.claim.project),
        Fact(label="last heard of", value=f"{seen.age:.0f} s ago, by S3's clock"),
    )
    if seen.over:
        summary = f"The lease of {seen.claim.who} is over: account {account} is free."
        return (finding("team", State.OK, TITLE, summary, facts),)
    summary = f"{seen.claim.who} works in account {account}: nothing is changed from here until then."
    return (finding("team", State.BLOCKED, TITLE, summary, facts),)


def _ours(claim: Claim, world: World) -> bool:
    """Whether the keeper of the session that this look belongs to wrote it."""
    session = world.env.get("ECOTUI_SESSION", "")
    return bool(session) and session in claim.session.split()


def _unknown(summary: str, where: Fact, denied: tuple[str, ...], raw: str) -> Finding:
    told = f"Whether another machine works in this account could not be looked at: {summary}"
    return finding("team", State.UNKNOWN, TITLE, told, (where,), denied=denied, raw=raw)

"""The secrets and variables of the repository: which of the wanted ones are there. Values are never read."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from checks.finding import Copy, Fact, Finding, Fix, State, finding_of
from checks.github import fixes
from checks.github.model import NameRow
from checks.sanitize import one_line
from checks.tools.gh import Gh, GhError, Why
from checks.tools.run import CommandError
from config.model import GitHub

_finding = partial(finding_of, "github", guide=("5.1",))
# GitHub's documentation, "Naming your secrets" and "Naming conventions for configuration variables".
RESERVED = "GITHUB_"
AUTOMATIC = "GITHUB_TOKEN"
"""Every workflow gets this one from GitHub itself."""
_PAGE = {"secrets": 100, "variables": 30}
"""The most that GitHub gives a page of each."""


def named(gh: Gh, settings: GitHub) -> tuple[list[Finding], tuple[NameRow, ...], tuple[NameRow, ...]]:
    """The findings, and the rows of secrets and of variables."""
    if not settings.repository:
        text = "Secrets or variables are listed in the settings, but github.repository does not say of which repository"
        return [_finding("repository", State.WARN, "Repository", text)], (), ()
    repository = _repository(gh, settings.repository)
    if repository.state is not State.OK:
        return [repository], (), ()
    found = [repository]
    secrets, rows_of_secrets = _kind(gh, settings, "secret", settings.secrets, fixes.set_secret)
    variables, rows_of_variables = _kind(gh, settings, "variable", settings.variables, fixes.set_variable)
    return found + secrets + variables, rows_of_secrets, rows_of_variables


def _repository(gh: Gh, name: str) -> Finding:
    try:
        body = gh.api(f"repos/{name}").body
    except GhError as error:
        if error.why is Why.NOT_FOUND:
            text = f"{name} does not exist, or this login may not see it (a token without `repo` sees no private one)"
            return _finding("repository", State.BLOCKED, "Repository", text, raw=error.raw)
        return _unknown("repository", "Repository", error)
    except CommandError as error:
        return _unknown("repository", "Repository", error)
    body = body if isinstance(body, dict) else {}
    given = body.get("permissions")
    held = [one_line(str(key)) for key, value in given.items() if value] if isinstance(given, dict) else []
    kind = "private" if body.get("private") else "public"
    return _finding(
        "repository",
        State.OK,
        "Repository",
        f"{name} is there ({kind})",
        facts=(Fact(label="Permissions", value=", ".join(held) or "not told"),),
    )


def _kind(
    gh: Gh,
    settings: GitHub,
    kind: str,
    wanted: tuple[str, ...],
    fix: Callable[[str, str, str], Fix],
) -> tuple[list[Finding], tuple[NameRow, ...]]:
    """One kind of name, `secret` or `variable`."""
    plural = f"{kind}s"
    place = f"repos/{settings.repository}/actions"
    if not wanted:
        return [], ()
    try:
        there = _by_name(gh.listed(f"{place}/{plural}", plural, page_size=_PAGE[plural]))
    except CommandError as error:
        rows = tuple(NameRow(name=name, state="unknown") for name in wanted)
        needs = f"reading the {plural} of {settings.repository}"
        return [_unknown(plural, plural.capitalize(), error, denied=needs)], rows
    inherited: dict[str, str] = {}
    if any(name.upper() not in there and not name.upper().startswith(RESERVED) for name in wanted):
        try:
            inherited = _by_name(gh.listed(f"{place}/organization-{plural}", plural, page_size=_PAGE[plural]))
        except CommandError:
            inherited = {}  # A repository of a person has none, and most tokens may not ask.
    findings, rows_there = [], []
    for name in wanted:
        row, finding = _one(kind, name, there, inherited, settings, fix)
        rows_there.append(row)
        findings.append(finding)
    asked = {name.upper() for name in wanted}
    rows_there += [
        NameRow(name=name, state="other", updated=day)
        for name, day in sorted(there.items())
        if name not in asked
    ]
    return findings, tuple(rows_there)


def _one(
    kind: str,
    name: str,
    there: dict[str, str],
    inherited: dict[str, str],
    settings: GitHub,
    fix: Callable[[str, str, str], Fix],
) -> tuple[NameRow, Finding]:
    id, title, key = f"{kind}.{name}", f"{kind.capitalize()} {name}", name.upper()
    if key in there:
        text = f"The {kind} {name} is set (changed {there[key] or 'on an unknown day'})"
        return NameRow(name=name, state="set", updated=there[key]), _finding(id, State.OK, title, text)
    if key in inherited:
        text = f"The {kind} {name} comes from the organisation"
        row = NameRow(name=name, state="organisation", updated=inherited[key])
        return row, _finding(id, State.OK, title, text)
    if key == AUTOMATIC:
        text = f"{name} needs no {kind}: GitHub gives one to every workflow"
        return NameRow(name=name, state="automatic"), _finding(id, State.OK, title, text)
    if key.startswith(RESERVED):
        other = f"GH_{name[len(RESERVED) :]}"
        text = (
            f"GitHub refuses names that start with {RESERVED}: {name} cannot be a {kind}; "
            f"call it {other}, in the workflows and in github.{kind}s of the settings"
        )
        way = Fix(
            id=f"github.rename-{name}",
            title=f"A name that GitHub takes: {other}",
            action=Copy(text=fix(settings.host, settings.repository, other).command),
            changes="nothing yet",
        )
        return NameRow(name=name, state="refused"), _finding(id, State.WARN, title, text, fixes=(way,))
    text = f"{settings.repository} has no {kind} {name}"
    ways = (fix(settings.host, settings.repository, name),)
    return NameRow(name=name, state="missing"), _finding(id, State.BLOCKED, title, text, fixes=ways)


def _by_name(items: list[dict[str, Any]]) -> dict[str, str]:
    """Name in capitals, as GitHub keeps them, to the day of the last change."""
    return {
        one_line(str(item.get("name", ""))).upper(): one_line(str(item.get("updated_at") or ""))[:10]
        for item in items
    }


def _unknown(id: str, title: str, error: CommandError, *, denied: str = "") -> Finding:
    refused = isinstance(error, GhError) and error.why in (Why.FORBIDDEN, Why.NOT_FOUND, Why.SSO)
    return _finding(
        id,
        State.UNKNOWN,
        title,
        f"{title} could not be looked at: {error.explain()}",
        raw=error.raw if isinstance(error, GhError) else "",
        denied=(f"{denied} (write access, and the scope repo)",) if refused and denied else (),
    )

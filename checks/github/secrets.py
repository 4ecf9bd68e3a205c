"""The repository's secrets and variables: which of the required names exist. Values are never read."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from checks.finding import CheckState, CopyText, Fact, Finding, Fix, build_finding
from checks.github import fixes
from checks.github.model import SecretOrVariableRow
from checks.sanitize import one_line
from checks.tools.gh import Gh, GhError, GhErrorKind
from checks.tools.run import CommandError
from config.model import GitHubSettings

_finding = partial(build_finding, "github", guide=("5.1",))
# GitHub's documentation, "Naming your secrets" and "Naming conventions for configuration variables".
RESERVED_PREFIX = "GITHUB_"
AUTOMATIC_SECRET = "GITHUB_TOKEN"
"""Every workflow gets this one from GitHub itself."""
_PAGE_SIZES = {"secrets": 100, "variables": 30}
"""The most that GitHub gives a page of each."""


def check_secrets_and_variables(
    gh: Gh, settings: GitHubSettings
) -> tuple[list[Finding], tuple[SecretOrVariableRow, ...], tuple[SecretOrVariableRow, ...]]:
    """The findings, and the rows of secrets and of variables."""
    if not settings.repository:
        text = "Secrets or variables are listed in the settings, but github.repository does not say of which repository"
        return [_finding("repository", CheckState.WARN, "Repository", text)], (), ()
    repository = _repository_finding(gh, settings.repository)
    if repository.state is not CheckState.OK:
        return [repository], (), ()
    found = [repository]
    secrets, rows_of_secrets = _check_names(gh, settings, "secret", settings.secrets, fixes.set_secret_fix)
    variables, rows_of_variables = _check_names(
        gh, settings, "variable", settings.variables, fixes.set_repository_variable_fix
    )
    return found + secrets + variables, rows_of_secrets, rows_of_variables


def _repository_finding(gh: Gh, repository: str) -> Finding:
    try:
        body = gh.get(f"repos/{repository}").body
    except GhError as error:
        if error.kind is GhErrorKind.NOT_FOUND:
            text = f"{repository} does not exist, or this login may not see it (a token without `repo` sees no private one)"
            return _finding("repository", CheckState.BLOCKED, "Repository", text, raw=error.raw)
        return _unknown_finding("repository", "Repository", error)
    except CommandError as error:
        return _unknown_finding("repository", "Repository", error)
    body = body if isinstance(body, dict) else {}
    given = body.get("permissions")
    held = [one_line(str(key)) for key, value in given.items() if value] if isinstance(given, dict) else []
    kind = "private" if body.get("private") else "public"
    return _finding(
        "repository",
        CheckState.OK,
        "Repository",
        f"{repository} is there ({kind})",
        facts=(Fact(label="Permissions", value=", ".join(held) or "not told"),),
    )


def _check_names(
    gh: Gh,
    settings: GitHubSettings,
    kind: str,
    required_names: tuple[str, ...],
    build_fix: Callable[[str, str, str], Fix],
) -> tuple[list[Finding], tuple[SecretOrVariableRow, ...]]:
    """One kind of name, `secret` or `variable`."""
    plural = f"{kind}s"
    place = f"repos/{settings.repository}/actions"
    if not required_names:
        return [], ()
    try:
        there = _change_days_by_name(gh.list_all_pages(f"{place}/{plural}", plural, page_size=_PAGE_SIZES[plural]))
    except CommandError as error:
        rows = tuple(SecretOrVariableRow(name=name, state="unknown") for name in required_names)
        needs = f"reading the {plural} of {settings.repository}"
        return [_unknown_finding(plural, plural.capitalize(), error, denied=needs)], rows
    inherited: dict[str, str] = {}
    if any(name.upper() not in there and not name.upper().startswith(RESERVED_PREFIX) for name in required_names):
        try:
            inherited = _change_days_by_name(
                gh.list_all_pages(f"{place}/organization-{plural}", plural, page_size=_PAGE_SIZES[plural])
            )
        except CommandError:
            inherited = {}  # A repository of a person has none, and most tokens may not ask.
    findings, rows_there = [], []
    for name in required_names:
        row, finding = _check_name(kind, name, there, inherited, settings, build_fix)
        rows_there.append(row)
        findings.append(finding)
    asked = {name.upper() for name in required_names}
    rows_there += [
        SecretOrVariableRow(name=name, state="other", updated=day)
        for name, day in sorted(there.items())
        if name not in asked
    ]
    return findings, tuple(rows_there)


def _check_name(
    kind: str,
    name: str,
    repository_names: dict[str, str],
    organization_names: dict[str, str],
    settings: GitHubSettings,
    build_fix: Callable[[str, str, str], Fix],
) -> tuple[SecretOrVariableRow, Finding]:
    id, title, key = f"{kind}.{name}", f"{kind.capitalize()} {name}", name.upper()
    if key in repository_names:
        text = f"The {kind} {name} is set (changed {repository_names[key] or 'on an unknown day'})"
        return SecretOrVariableRow(name=name, state="set", updated=repository_names[key]), _finding(
            id, CheckState.OK, title, text
        )
    if key in organization_names:
        text = f"The {kind} {name} comes from the organisation"
        row = SecretOrVariableRow(name=name, state="organisation", updated=organization_names[key])
        return row, _finding(id, CheckState.OK, title, text)
    if key == AUTOMATIC_SECRET:
        text = f"{name} needs no {kind}: GitHub gives one to every workflow"
        return SecretOrVariableRow(name=name, state="automatic"), _finding(id, CheckState.OK, title, text)
    if key.startswith(RESERVED_PREFIX):
        other = f"GH_{name[len(RESERVED_PREFIX) :]}"
        text = (
            f"GitHub refuses names that start with {RESERVED_PREFIX}: {name} cannot be a {kind}; "
            f"call it {other}, in the workflows and in github.{kind}s of the settings"
        )
        way = Fix(
            id=f"github.rename-{name}",
            title=f"A name that GitHub takes: {other}",
            action=CopyText(text=build_fix(settings.host, settings.repository, other).command),
            changes="nothing yet",
        )
        return SecretOrVariableRow(name=name, state="refused"), _finding(id, CheckState.WARN, title, text, fixes=(way,))
    text = f"{settings.repository} has no {kind} {name}"
    ways = (build_fix(settings.host, settings.repository, name),)
    return SecretOrVariableRow(name=name, state="missing"), _finding(id, CheckState.BLOCKED, title, text, fixes=ways)


def _change_days_by_name(items: list[dict[str, Any]]) -> dict[str, str]:
    """Name in capitals, as GitHub keeps them, to the day of the last change."""
    return {
        one_line(str(item.get("name", ""))).upper(): one_line(str(item.get("updated_at") or ""))[:10] for item in items
    }


def _unknown_finding(id: str, title: str, error: CommandError, *, denied: str = "") -> Finding:
    refused = isinstance(error, GhError) and error.kind in (
        GhErrorKind.FORBIDDEN,
        GhErrorKind.NOT_FOUND,
        GhErrorKind.SSO,
    )
    return _finding(
        id,
        CheckState.UNKNOWN,
        title,
        f"{title} could not be checked: {error.explain()}",
        raw=error.raw if isinstance(error, GhError) else "",
        denied=(f"{denied} (write access, and the scope repo)",) if refused and denied else (),
    )

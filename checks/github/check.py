"""The GitHub step: the login, where its token comes from, its scopes, and the repository's secrets and variables."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import partial

import msgspec

from checks.context import World
from checks.finding import Copy, Fact, Finding, Fix, InTerminal, Look, Report, State, finding_of
from checks.github import fixes
from checks.github.model import GitHubDetail, ScopeRow
from checks.github.secrets import named
from checks.tools.gh import Gh, GhError, Identity, Why, implied_by
from checks.tools.run import CommandError, CommandMissing

STEP = "github"
GUIDE = ("5.1",)
_finding = partial(finding_of, STEP, guide=GUIDE)
EXPIRY_WARNING = timedelta(days=1)
"""A token that ends sooner is told: a rebuild with its waits can take most of a day."""


def look(world: World) -> Report:
    """Look at the login and the repository, read-only."""
    begun = Look(STEP)
    settings = world.settings.github
    if not settings.enabled:
        findings: tuple[Finding, ...] = (
            _finding(
                "login", State.SKIPPED, "GitHub", "Not looked at: github.enabled is false in the settings"
            ),
        )
        detail = GitHubDetail(host=settings.host)
    else:
        findings, detail = _look(world)
    return begun.report(findings, detail)


def _look(world: World) -> tuple[tuple[Finding, ...], GitHubDetail]:
    settings = world.settings.github
    gh = Gh(settings.host, world.env)
    variables = gh.source()
    source = f"the variable {variables[0]}" if variables else "the login that gh has stored"
    detail = GitHubDetail(
        host=settings.host,
        source=source,
        variable=variables[0] if variables else "",
        repository=settings.repository,
    )
    world.say(f"asking {settings.host} who we are")
    try:
        identity: Identity | CommandError = gh.identity()
    except CommandError as error:
        identity = error

    stored, stored_missing = _stored(gh, variables, settings.scopes, identity)
    detail = msgspec.structs.replace(detail, stored_login=stored, stored_missing=stored_missing)
    ways = _Ways(world, variables, stored, bool(stored) and not stored_missing)

    if isinstance(identity, CommandError):
        return _nobody(identity, world, ways, detail)

    rows = scope_rows(settings.scopes, identity.scopes)
    detail = msgspec.structs.replace(
        detail,
        login=identity.login,
        name=identity.name,
        scopes=rows,
        given=identity.scopes or (),
        scopes_told=identity.scopes is not None,
        expires=identity.expires,
    )
    scopes = _scopes(identity, rows, ways)
    findings = [
        _login(identity, settings.host, source),
        _token(variables, scopes.state, ways, identity),
        scopes,
    ]
    if settings.repository or settings.secrets or settings.variables:
        world.say(f"reading the secrets and variables of {settings.repository or 'the repository'}")
        more, secrets, repository_variables = named(gh, settings)
        findings += more
        detail = msgspec.structs.replace(detail, secrets=secrets, variables=repository_variables)
    return tuple(findings), detail


class _Ways:
    """What the ways out depend on."""

    def __init__(self, world: World, variables: tuple[str, ...], stored: str, stored_enough: bool) -> None:
        self.host = world.settings.github.host
        self.wanted = world.settings.github.scopes
        self.variables = variables
        self.stored = stored
        self.stored_enough = stored_enough
        self.scripts_read = {variable.name for variable in world.settings.environment.variables}

    def for_scopes(self, missing: tuple[str, ...]) -> tuple[Fix, ...]:
        return fixes.for_scopes(
            self.host,
            missing,
            self.wanted,
            self.variables,
            stored=self.stored,
            stored_enough=self.stored_enough,
            scripts_read=self.scripts_read,
        )

    def for_login(self) -> tuple[Fix, ...]:
        if self.variables:
            return self.for_scopes(self.wanted)
        return (
            fixes.login(self.host, self.wanted),
            fixes.new_token_page(self.host, self.wanted),
            fixes.paste_token(self.host, self.wanted),
        )


def _stored(
    gh: Gh, variables: tuple[str, ...], wanted: tuple[str, ...], identity: Identity | CommandError
) -> tuple[str, tuple[str, ...]]:
    """The login behind a variable that is not enough: who it is, and what it lacks. Empty: none, or not needed."""
    if not variables:
        return "", ()
    if isinstance(identity, Identity):
        if identity.scopes is not None and not _missing(wanted, identity.scopes):
            return "", ()
    elif not isinstance(identity, GhError) or identity.why is not Why.BAD_TOKEN:
        return "", ()
    try:
        behind = gh.without_variables().identity()
    except CommandError:
        return "", ()
    return behind.login, wanted if behind.scopes is None else _missing(wanted, behind.scopes)


def _missing(wanted: tuple[str, ...], given: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(scope for scope in wanted if implied_by(scope, given) is None)


def scope_rows(wanted: tuple[str, ...], given: tuple[str, ...] | None) -> tuple[ScopeRow, ...]:
    """Each wanted scope against what the token has; `given` is None where the token does not tell."""
    rows = []
    for scope in wanted:
        by = None if given is None else implied_by(scope, given)
        if given is None:
            rows.append(ScopeRow(scope=scope, state="unknown"))
        elif by is None:
            rows.append(ScopeRow(scope=scope, state="missing"))
        elif by == scope:
            rows.append(ScopeRow(scope=scope, state="have"))
        else:
            rows.append(ScopeRow(scope=scope, state="implied", by=by))
    return tuple(rows)


def _login(identity: Identity, host: str, source: str) -> Finding:
    who = identity.login or "somebody whose name was not told"
    facts = [Fact(label="Login", value=who), Fact(label="Host", value=host)]
    if identity.name:
        facts.append(Fact(label="Name", value=identity.name))
    if identity.remaining is not None:
        facts.append(Fact(label="Requests left", value=str(identity.remaining)))
    return _finding(
        "login", State.OK, "Login", f"Logged in to {host} as {who}, with {source}", facts=tuple(facts)
    )


def _token(variables: tuple[str, ...], scopes: State, ways: _Ways, identity: Identity) -> Finding:
    """Where the token comes from, and how long it lasts."""
    ends = _expiry(identity.expires)
    facts = [Fact(label="Token from", value=variables[0] if variables else "the stored login")]
    if identity.expires:
        facts.append(Fact(label="Ends", value=identity.expires))
    if ends is not None and ends - datetime.now(UTC) < EXPIRY_WARNING:
        hours = max(0.0, (ends - datetime.now(UTC)).total_seconds() / 3600)
        return _finding(
            "token",
            State.WARN,
            "Token",
            f"The token ends in {hours:.1f} h ({identity.expires}): make a new one before the rebuild",
            facts=tuple(facts),
            fixes=ways.for_login(),
        )
    if not variables:
        return _finding(
            "token", State.OK, "Token", "gh uses the login that it has stored", facts=tuple(facts)
        )
    also = f" ({variables[1]} is set too, and comes second)" if len(variables) > 1 else ""
    if scopes is State.OK:
        text = f"{variables[0]} is used in the place of the stored login{also}; it is enough"
        return _finding("token", State.OK, "Token", text, facts=tuple(facts))
    behind = "; there is none behind it, or it could not be asked"
    if ways.stored:
        enough = "has all the scopes" if ways.stored_enough else "lacks scopes as well"
        behind = f"; the stored login of {ways.stored} {enough}"
    return _finding(
        "token",
        State.WARN,
        "Token",
        f"{variables[0]} hides the stored login{also}, and gh refuses to refresh while it is set{behind}",
        facts=tuple(facts),
        fixes=ways.for_scopes(ways.wanted)[: len(variables)],
    )


def _expiry(text: str) -> datetime | None:
    """GitHub writes `2026-12-01 09:00:00 UTC`, or an offset in the place of UTC."""
    for form in ("%Y-%m-%d %H:%M:%S UTC", "%Y-%m-%d %H:%M:%S %z"):
        try:
            found = datetime.strptime(text, form)
        except ValueError:
            continue
        return found if found.tzinfo else found.replace(tzinfo=UTC)
    return None


def _scopes(identity: Identity, rows: tuple[ScopeRow, ...], ways: _Ways) -> Finding:
    if not rows:
        return _finding("scopes", State.SKIPPED, "Scopes", "No scopes are asked for in the settings")
    wanted = ", ".join(row.scope for row in rows)
    facts = tuple(
        Fact(label=row.scope, value=f"{row.state}{f' (by {row.by})' if row.by else ''}") for row in rows
    )
    if identity.scopes is None:
        return _finding(
            "scopes",
            State.UNKNOWN,
            "Scopes",
            f"A fine-grained or app token does not tell its permissions: {wanted} cannot be checked",
            facts=facts,
            fixes=ways.for_login(),
        )
    missing = tuple(row.scope for row in rows if row.state == "missing")
    if missing:
        has = ", ".join(identity.scopes) or "no scope at all"
        return _finding(
            "scopes",
            State.BLOCKED,
            "Scopes",
            f"The token lacks {', '.join(missing)} ({len(missing)} of {len(rows)}); it has {has}",
            facts=facts,
            fixes=ways.for_scopes(missing),
        )
    return _finding("scopes", State.OK, "Scopes", f"The token has what is needed: {wanted}", facts=facts)


def _nobody(
    error: CommandError, world: World, ways: _Ways, detail: GitHubDetail
) -> tuple[tuple[Finding, ...], GitHubDetail]:
    """Nobody could be identified: the login says why, and the scopes wait for it."""
    host = world.settings.github.host
    state, ways_out = State.UNKNOWN, _recover(error, host)
    summary = error.explain()
    raw = error.raw if isinstance(error, GhError) else ""
    if isinstance(error, GhError):
        match error.why:
            case Why.LOGGED_OUT:
                state, ways_out = State.BLOCKED, ways.for_login()
            case Why.BAD_TOKEN:
                state, ways_out = State.BLOCKED, ways.for_login()
                if ways.variables:
                    good = f"; the stored login of {ways.stored} works" if ways.stored else ""
                    summary = f"{host} does not accept the token in {ways.variables[0]}{good}"
            case Why.CONFIGURATION:
                state = State.BLOCKED
            case Why.FORBIDDEN:
                # An app's token (that of a workflow, for example) may not ask who it is, and can be good all the same.
                summary = f"{host} does not tell this token who it is: an app's token, or a workflow's"
                ways_out = ways.for_login()
            case _:
                pass
    elif isinstance(error, CommandMissing):
        state = State.BLOCKED
    rows = tuple(ScopeRow(scope=scope, state="unknown") for scope in world.settings.github.scopes)
    findings = [
        _finding("login", state, "Login", summary, fixes=ways_out, raw=raw),
        _finding("scopes", State.UNKNOWN, "Scopes", "Not known before gh can log in"),
    ]
    return tuple(findings), msgspec.structs.replace(detail, scopes=rows)


def _recover(error: CommandError, host: str) -> tuple[Fix, ...]:
    """What to try when the trouble is not the token."""
    if isinstance(error, CommandMissing):
        return (
            Fix(
                id="github.install",
                title="How to install gh",
                action=Copy(text="https://github.com/cli/cli#installation"),
                changes="nothing yet",
            ),
        )
    if not isinstance(error, GhError):
        return ()
    match error.why:
        case Why.CONFIGURATION:
            return (
                Fix(
                    id="github.logout",
                    title="Look at gh's own files",
                    action=Copy(text='${EDITOR:-vi} "${GH_CONFIG_DIR:-$HOME/.config/gh}/hosts.yml"'),
                    changes="nothing yet: repair the file, or move it away and log in again",
                ),
            )
        case Why.UNREACHABLE | Why.SERVER | Why.RATE_LIMIT:
            return (
                Fix(
                    id="github.try",
                    title="Ask GitHub by hand",
                    action=InTerminal(argv=("gh", "api", "--hostname", host, "rate_limit")),
                    changes="nothing",
                ),
            )
        case _:
            return ()

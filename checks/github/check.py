"""Step 3: the GitHub login, where its token comes from, its scopes, and the repository's secrets and variables."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import partial

import msgspec

from checks.context import CheckContext
from checks.finding import CheckState, CopyText, Fact, Finding, Fix, Report, ReportBuilder, RunInTerminal, build_finding
from checks.github import fixes
from checks.github.model import GitHubDetail, ScopeRow
from checks.github.secrets import check_secrets_and_variables
from checks.tools.gh import Gh, GhError, GhErrorKind, GitHubIdentity, find_granting_scope
from checks.tools.run import CommandError, CommandNotFound

STEP = "github"
GUIDE = ("5.1",)
_finding = partial(build_finding, STEP, guide=GUIDE)
TOKEN_EXPIRY_WARNING = timedelta(days=1)
"""A token that expires sooner gets a warning: a rebuild with its waits can take most of a day."""


def check(context: CheckContext) -> Report:
    """Check the login and the repository. Reads only."""
    builder = ReportBuilder(STEP)
    settings = context.settings.github
    if not settings.enabled:
        findings: tuple[Finding, ...] = (
            _finding("login", CheckState.SKIPPED, "GitHub", "Not checked: github.enabled is false in the settings"),
        )
        detail = GitHubDetail(host=settings.host)
    else:
        findings, detail = _check_login_and_repository(context)
    return builder.build(findings, detail)


def _check_login_and_repository(context: CheckContext) -> tuple[tuple[Finding, ...], GitHubDetail]:
    settings = context.settings.github
    gh = Gh(settings.host, context.env)
    variables = gh.active_token_variables()
    source = f"the variable {variables[0]}" if variables else "the login that gh has stored"
    detail = GitHubDetail(
        host=settings.host,
        source=source,
        variable=variables[0] if variables else "",
        repository=settings.repository,
    )
    context.on_progress(f"asking {settings.host} who we are")
    try:
        identity: GitHubIdentity | CommandError = gh.identity()
    except CommandError as error:
        identity = error

    stored_login, stored_missing = _check_stored_login(gh, variables, settings.scopes, identity)
    detail = msgspec.structs.replace(detail, stored_login=stored_login, stored_missing=stored_missing)
    fix_builder = _FixBuilder(context, variables, stored_login, bool(stored_login) and not stored_missing)

    if isinstance(identity, CommandError):
        return _login_failed_findings(identity, context, fix_builder, detail)

    rows = compare_scopes(settings.scopes, identity.scopes)
    detail = msgspec.structs.replace(
        detail,
        login=identity.login,
        name=identity.name,
        scopes=rows,
        given=identity.scopes or (),
        scopes_told=identity.scopes is not None,
        expires=identity.expires,
    )
    scopes = _scopes_finding(identity, rows, fix_builder)
    findings = [
        _login_finding(identity, settings.host, source),
        _token_finding(variables, scopes.state, fix_builder, identity),
        scopes,
    ]
    if settings.repository or settings.secrets or settings.variables:
        context.on_progress(f"reading the secrets and variables of {settings.repository or 'the repository'}")
        more, secrets, repository_variables = check_secrets_and_variables(gh, settings)
        findings += more
        detail = msgspec.structs.replace(detail, secrets=secrets, variables=repository_variables)
    return tuple(findings), detail


class _FixBuilder:
    """Builds the fixes from the token, the stored login and the settings."""

    def __init__(
        self, context: CheckContext, token_variables: tuple[str, ...], stored_login: str, stored_login_has_scopes: bool
    ) -> None:
        self.host = context.settings.github.host
        self.required_scopes = context.settings.github.scopes
        self.token_variables = token_variables
        self.stored_login = stored_login
        self.stored_login_has_scopes = stored_login_has_scopes
        self.script_variables = {variable.name for variable in context.settings.environment.variables}

    def scope_fixes(self, missing: tuple[str, ...]) -> tuple[Fix, ...]:
        return fixes.missing_scopes_fixes(
            self.host,
            missing,
            self.required_scopes,
            self.token_variables,
            stored_login=self.stored_login,
            stored_login_has_scopes=self.stored_login_has_scopes,
            script_variables=self.script_variables,
        )

    def login_fixes(self) -> tuple[Fix, ...]:
        if self.token_variables:
            return self.scope_fixes(self.required_scopes)
        return (
            fixes.login_fix(self.host, self.required_scopes),
            fixes.create_token_fix(self.host, self.required_scopes),
            fixes.paste_token_fix(self.host, self.required_scopes),
        )


def _check_stored_login(
    gh: Gh, token_variables: tuple[str, ...], required_scopes: tuple[str, ...], identity: GitHubIdentity | CommandError
) -> tuple[str, tuple[str, ...]]:
    """The login behind a variable that is not enough: who it is, and what it lacks. Empty: none, or not needed."""
    if not token_variables:
        return "", ()
    if isinstance(identity, GitHubIdentity):
        if identity.scopes is not None and not _missing_scopes(required_scopes, identity.scopes):
            return "", ()
    elif not isinstance(identity, GhError) or identity.kind is not GhErrorKind.BAD_TOKEN:
        return "", ()
    try:
        behind = gh.with_stored_login().identity()
    except CommandError:
        return "", ()
    return behind.login, required_scopes if behind.scopes is None else _missing_scopes(required_scopes, behind.scopes)


def _missing_scopes(required_scopes: tuple[str, ...], token_scopes: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(scope for scope in required_scopes if find_granting_scope(scope, token_scopes) is None)


def compare_scopes(required_scopes: tuple[str, ...], token_scopes: tuple[str, ...] | None) -> tuple[ScopeRow, ...]:
    """Each required scope with its state; `token_scopes` is None for a token that does not tell them."""
    rows = []
    for scope in required_scopes:
        by = None if token_scopes is None else find_granting_scope(scope, token_scopes)
        if token_scopes is None:
            rows.append(ScopeRow(scope=scope, state="unknown"))
        elif by is None:
            rows.append(ScopeRow(scope=scope, state="missing"))
        elif by == scope:
            rows.append(ScopeRow(scope=scope, state="have"))
        else:
            rows.append(ScopeRow(scope=scope, state="implied", by=by))
    return tuple(rows)


def _login_finding(identity: GitHubIdentity, host: str, source: str) -> Finding:
    who = identity.login or "somebody whose name was not told"
    facts = [Fact(label="Login", value=who), Fact(label="Host", value=host)]
    if identity.name:
        facts.append(Fact(label="Name", value=identity.name))
    if identity.remaining is not None:
        facts.append(Fact(label="Requests left", value=str(identity.remaining)))
    return _finding("login", CheckState.OK, "Login", f"Logged in to {host} as {who}, with {source}", facts=tuple(facts))


def _token_finding(
    token_variables: tuple[str, ...], scopes_state: CheckState, fix_builder: _FixBuilder, identity: GitHubIdentity
) -> Finding:
    """Where the token comes from, and how long it lasts."""
    ends = _parse_expiry(identity.expires)
    facts = [Fact(label="Token from", value=token_variables[0] if token_variables else "the stored login")]
    if identity.expires:
        facts.append(Fact(label="Ends", value=identity.expires))
    if ends is not None and ends - datetime.now(UTC) < TOKEN_EXPIRY_WARNING:
        hours = max(0.0, (ends - datetime.now(UTC)).total_seconds() / 3600)
        return _finding(
            "token",
            CheckState.WARN,
            "Token",
            f"The token ends in {hours:.1f} h ({identity.expires}): make a new one before the rebuild",
            facts=tuple(facts),
            fixes=fix_builder.login_fixes(),
        )
    if not token_variables:
        return _finding("token", CheckState.OK, "Token", "gh uses the login that it has stored", facts=tuple(facts))
    also = f" ({token_variables[1]} is set too, and comes second)" if len(token_variables) > 1 else ""
    if scopes_state is CheckState.OK:
        text = f"{token_variables[0]} is used in the place of the stored login{also}; it is enough"
        return _finding("token", CheckState.OK, "Token", text, facts=tuple(facts))
    behind = "; there is none behind it, or it could not be asked"
    if fix_builder.stored_login:
        enough = "has all the scopes" if fix_builder.stored_login_has_scopes else "lacks scopes as well"
        behind = f"; the stored login of {fix_builder.stored_login} {enough}"
    return _finding(
        "token",
        CheckState.WARN,
        "Token",
        f"{token_variables[0]} hides the stored login{also}, and gh refuses to refresh while it is set{behind}",
        facts=tuple(facts),
        fixes=fix_builder.scope_fixes(fix_builder.required_scopes)[: len(token_variables)],
    )


def _parse_expiry(text: str) -> datetime | None:
    """GitHub writes `2026-12-01 09:00:00 UTC`, or an offset in the place of UTC."""
    for form in ("%Y-%m-%d %H:%M:%S UTC", "%Y-%m-%d %H:%M:%S %z"):
        try:
            found = datetime.strptime(text, form)
        except ValueError:
            continue
        return found if found.tzinfo else found.replace(tzinfo=UTC)
    return None


def _scopes_finding(identity: GitHubIdentity, rows: tuple[ScopeRow, ...], fix_builder: _FixBuilder) -> Finding:
    if not rows:
        return _finding("scopes", CheckState.SKIPPED, "Scopes", "No scopes are asked for in the settings")
    wanted = ", ".join(row.scope for row in rows)
    facts = tuple(Fact(label=row.scope, value=f"{row.state}{f' (by {row.by})' if row.by else ''}") for row in rows)
    if identity.scopes is None:
        return _finding(
            "scopes",
            CheckState.UNKNOWN,
            "Scopes",
            f"A fine-grained or app token does not tell its permissions: {wanted} cannot be checked",
            facts=facts,
            fixes=fix_builder.login_fixes(),
        )
    missing = tuple(row.scope for row in rows if row.state == "missing")
    if missing:
        has = ", ".join(identity.scopes) or "no scope at all"
        return _finding(
            "scopes",
            CheckState.BLOCKED,
            "Scopes",
            f"The token lacks {', '.join(missing)} ({len(missing)} of {len(rows)}); it has {has}",
            facts=facts,
            fixes=fix_builder.scope_fixes(missing),
        )
    return _finding("scopes", CheckState.OK, "Scopes", f"The token has what is needed: {wanted}", facts=facts)


def _login_failed_findings(
    error: CommandError, context: CheckContext, fix_builder: _FixBuilder, detail: GitHubDetail
) -> tuple[tuple[Finding, ...], GitHubDetail]:
    """Nobody could be identified: the login says why, and the scopes wait for it."""
    host = context.settings.github.host
    state, options = CheckState.UNKNOWN, _error_fixes(error, host)
    summary = error.explain()
    raw = error.raw if isinstance(error, GhError) else ""
    if isinstance(error, GhError):
        match error.kind:
            case GhErrorKind.LOGGED_OUT:
                state, options = CheckState.BLOCKED, fix_builder.login_fixes()
            case GhErrorKind.BAD_TOKEN:
                state, options = CheckState.BLOCKED, fix_builder.login_fixes()
                if fix_builder.token_variables:
                    good = f"; the stored login of {fix_builder.stored_login} works" if fix_builder.stored_login else ""
                    summary = f"{host} does not accept the token in {fix_builder.token_variables[0]}{good}"
            case GhErrorKind.CONFIGURATION:
                state = CheckState.BLOCKED
            case GhErrorKind.FORBIDDEN:
                # An app's token (that of a workflow, for example) may not ask who it is, and can be good all the same.
                summary = f"{host} does not tell this token who it is: an app's token, or a workflow's"
                options = fix_builder.login_fixes()
            case _:
                pass
    elif isinstance(error, CommandNotFound):
        state = CheckState.BLOCKED
    rows = tuple(ScopeRow(scope=scope, state="unknown") for scope in context.settings.github.scopes)
    findings = [
        _finding("login", state, "Login", summary, fixes=options, raw=raw),
        _finding("scopes", CheckState.UNKNOWN, "Scopes", "Not known before gh can log in"),
    ]
    return tuple(findings), msgspec.structs.replace(detail, scopes=rows)


def _error_fixes(error: CommandError, host: str) -> tuple[Fix, ...]:
    """Fixes for errors that do not come from the token."""
    if isinstance(error, CommandNotFound):
        return (
            Fix(
                id="github.install",
                title="How to install gh",
                action=CopyText(text="https://github.com/cli/cli#installation"),
                changes="nothing yet",
            ),
        )
    if not isinstance(error, GhError):
        return ()
    match error.kind:
        case GhErrorKind.CONFIGURATION:
            return (
                Fix(
                    id="github.logout",
                    title="Open gh's own files",
                    action=CopyText(text='${EDITOR:-vi} "${GH_CONFIG_DIR:-$HOME/.config/gh}/hosts.yml"'),
                    changes="nothing yet: repair the file, or move it away and log in again",
                ),
            )
        case GhErrorKind.UNREACHABLE | GhErrorKind.SERVER | GhErrorKind.RATE_LIMIT:
            return (
                Fix(
                    id="github.try",
                    title="Ask GitHub by hand",
                    action=RunInTerminal(argv=("gh", "api", "--hostname", host, "rate_limit")),
                    changes="nothing",
                ),
            )
        case _:
            return ()

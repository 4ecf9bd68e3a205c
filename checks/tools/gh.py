"""Calls GitHub's API through `gh api`: the token's user, its scopes, and pages of JSON.

Errors are read from the status line and the headers of the answer (`gh api -i`), and from the exit code: the
wording of gh, of `gh auth status` above all, changes from version to version and calls every error a bad token.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

import msgspec

from checks.finding import FrozenStruct
from checks.sanitize import one_line
from checks.tools.run import CommandError, CommandResult, last_line, run_command

GH_TIMEOUT = 15.0
"""Seconds for one request: gh gives up on a dead connection only after half a minute."""

# From GitHub's documentation, "Scopes for OAuth apps": what a scope includes.
IMPLIED_SCOPES: Mapping[str, tuple[str, ...]] = {
    "repo": ("repo:status", "repo_deployment", "public_repo", "repo:invite", "security_events"),
    "admin:repo_hook": ("write:repo_hook",),
    "write:repo_hook": ("read:repo_hook",),
    "admin:org": ("write:org", "manage_runners:org"),
    "write:org": ("read:org",),
    "admin:public_key": ("write:public_key",),
    "write:public_key": ("read:public_key",),
    "user": ("read:user", "user:email", "user:follow"),
    "project": ("read:project",),
    "write:packages": ("read:packages",),
    "write:discussion": ("read:discussion",),
    "admin:gpg_key": ("write:gpg_key",),
    "write:gpg_key": ("read:gpg_key",),
    "admin:ssh_signing_key": ("write:ssh_signing_key",),
    "write:ssh_signing_key": ("read:ssh_signing_key",),
    "admin:enterprise": ("manage_runners:enterprise", "manage_billing:enterprise", "read:enterprise"),
    "audit_log": ("read:audit_log",),
    "codespace": ("codespace:secrets",),
}


def find_granting_scope(required: str, token_scopes: Iterable[str]) -> str | None:
    """The scope of the token that grants the required one: itself or a wider one; None when there is none."""
    token_scopes = tuple(token_scopes)
    if required in token_scopes:
        return required
    return next((scope for scope in token_scopes if required in _included_scopes(scope)), None)


def _included_scopes(scope: str) -> set[str]:
    found: set[str] = set()
    queue = [scope]
    while queue:
        for one in IMPLIED_SCOPES.get(queue.pop(), ()):
            if one not in found:
                found.add(one)
                queue.append(one)
    return found


class GhErrorKind(StrEnum):
    """Why there is no answer from GitHub."""

    LOGGED_OUT = "logged out"
    BAD_TOKEN = "bad token"
    FORBIDDEN = "forbidden"
    SSO = "single sign-on"
    RATE_LIMIT = "rate limit"
    NOT_FOUND = "not found"
    SERVER = "server"
    UNREACHABLE = "unreachable"
    CONFIGURATION = "configuration"
    UNREADABLE = "unreadable"


class GhError(CommandError):
    """GitHub or gh itself refused or failed."""

    def __init__(
        self,
        kind: GhErrorKind,
        summary: str,
        *,
        status: int = 0,
        raw: str = "",
        headers: Mapping[str, str] | None = None,
    ) -> None:
        self.kind = kind
        self.summary = summary
        self.status = status
        self.raw = raw
        self.headers = dict(headers or {})
        super().__init__(summary)

    def explain(self) -> str:
        return self.summary


class GhResponse(FrozenStruct, frozen=True):
    """One answer of the API."""

    status: int
    headers: dict[str, str]
    """Their names in lower case."""
    body: Any


class GitHubIdentity(FrozenStruct, frozen=True):
    """The user of the token, and what the token may do, as far as it is known."""

    login: str
    name: str = ""
    scopes: tuple[str, ...] | None = None
    """None: a fine-grained or an app's token, whose permissions GitHub does not report."""
    expires: str = ""
    """When the token ends, as GitHub writes it; empty when it does not, or GitHub does not report it."""
    remaining: int | None = None
    """Requests left in this hour."""


class Gh:
    """gh for one host, with one environment."""

    def __init__(self, host: str, env: Mapping[str, str]) -> None:
        self.host = host
        self.env = gh_environment(env)

    def active_token_variables(self) -> tuple[str, ...]:
        """The environment variables with a token for this host, the one that gh uses first.

        Empty: gh uses the login that it has stored.
        """
        return tuple(name for name in token_variables(self.host) if self.env.get(name))

    def with_stored_login(self) -> Gh:
        """The same gh with its stored login, without the tokens of the environment."""
        hidden = token_variables(self.host)
        return Gh(self.host, {key: value for key, value in self.env.items() if key not in hidden})

    def get(self, path: str) -> GhResponse:
        """GET one path. Raises GhError, or another CommandError when gh could not run."""
        outcome = run_command(
            ("gh", "api", "-i", "--hostname", self.host, path),
            env=self.env,
            timeout=GH_TIMEOUT,
            limit=32_000_000,
        )
        return parse_gh_response(outcome, self.host)

    def identity(self) -> GitHubIdentity:
        """The user, and from the headers of the same answer the scopes. Raises CommandError."""
        answer = self.get("user")
        body = answer.body if isinstance(answer.body, dict) else {}
        scopes = answer.headers.get("x-oauth-scopes")
        remaining = answer.headers.get("x-ratelimit-remaining", "")
        return GitHubIdentity(
            login=one_line(str(body.get("login") or "")),
            name=one_line(str(body.get("name") or "")),
            scopes=None if scopes is None else tuple(one.strip() for one in scopes.split(",") if one.strip()),
            expires=one_line(answer.headers.get("github-authentication-token-expiration", "")),
            remaining=int(remaining) if remaining.isdigit() else None,
        )

    def list_all_pages(self, path: str, key: str, *, page_size: int) -> list[dict[str, Any]]:
        """All pages of a list such as `{"total_count": 3, "secrets": [...]}`. Raises CommandError."""
        found: list[dict[str, Any]] = []
        for page in range(1, 51):
            body = self.get(f"{path}?per_page={page_size}&page={page}").body
            items = body.get(key) if isinstance(body, dict) else None
            if not isinstance(items, list):
                raise GhError(GhErrorKind.UNREADABLE, f"GitHub's answer for {path} has no list of {key}")
            found += [item for item in items if isinstance(item, dict)]
            if len(items) < page_size or len(found) >= int(body.get("total_count") or 0):
                break
        return found


def token_variables(host: str) -> tuple[str, str]:
    """The variables that gh takes a token from, for this host, in the order of gh."""
    is_github_com = host in ("github.com", "github.localhost") or host.endswith((".github.com", ".ghe.com"))
    if is_github_com:
        return "GH_TOKEN", "GITHUB_TOKEN"
    return "GH_ENTERPRISE_TOKEN", "GITHUB_ENTERPRISE_TOKEN"


def gh_environment(env: Mapping[str, str]) -> dict[str, str]:
    """The environment of every gh: no prompt, no colours, no pager, no news about itself."""
    excluded = ("GH_DEBUG", "DEBUG", "GH_FORCE_TTY", "CLICOLOR_FORCE", "GH_REPO", "GH_HOST")
    return {
        **{key: value for key, value in env.items() if key not in excluded},
        "GH_PROMPT_DISABLED": "1",
        "GH_NO_UPDATE_NOTIFIER": "1",
        "GH_PAGER": "cat",
        "NO_COLOR": "1",
    }


_STATUS_LINE = re.compile(r"HTTP/[\d.]+ (\d{3})")


def parse_gh_response(outcome: CommandResult, host: str) -> GhResponse:
    """Parse the output of `gh api -i`. Raises GhError for everything but an answer with status 2xx."""
    head, _, body = outcome.stdout.partition("\n\n")
    lines = head.splitlines()
    status = _STATUS_LINE.match(lines[0]) if lines else None
    if status is None:
        raise _no_response_error(outcome, host)
    code = int(status[1])
    headers: dict[str, str] = {}
    for line in lines[1:]:
        name, colon, value = line.partition(":")
        if colon:
            headers[name.strip().lower()] = value.strip()
    if not 200 <= code < 300:
        raise _status_error(code, headers, body, outcome, host)
    try:
        decoded = msgspec.json.decode(body) if body.strip() else None
    except msgspec.DecodeError:
        raise GhError(
            GhErrorKind.UNREADABLE,
            f"{host} answered with something that is not JSON (a proxy, or a login page of the network?)",
            status=code,
            raw=one_line(body),
        ) from None
    return GhResponse(status=code, headers=headers, body=decoded)


def _no_response_error(outcome: CommandResult, host: str) -> GhError:
    """gh ended without a status line: not logged in, its own files broken, or no way to the host."""
    output = outcome.stderr.strip() or outcome.stdout.strip()
    # 4 is the documented exit code for "authentication needed" (gh help exit-codes).
    if outcome.exit_code == 4:
        return GhError(GhErrorKind.LOGGED_OUT, f"gh is not logged in to {host}", raw=output)
    if re.search(r"hosts\.yml|config\.yml|invalid yaml|configuration", output, re.IGNORECASE):
        return GhError(
            GhErrorKind.CONFIGURATION, f"gh cannot read its own configuration: {last_line(output)}", raw=output
        )
    if outcome.exit_code < 0:
        return GhError(GhErrorKind.UNREACHABLE, f"gh was ended by signal {-outcome.exit_code}", raw=output)
    return GhError(
        GhErrorKind.UNREACHABLE, f"{host} could not be reached: {last_line(output) or 'gh printed nothing'}", raw=output
    )


def _status_error(code: int, headers: Mapping[str, str], body: str, outcome: CommandResult, host: str) -> GhError:
    try:
        decoded = msgspec.json.decode(body)
    except msgspec.DecodeError:
        decoded = {}
    message = one_line(str(decoded.get("message", ""))) if isinstance(decoded, dict) else ""
    raw = "\n".join(part for part in (message, outcome.stderr.strip()) if part)

    def error(why: GhErrorKind, sentence: str) -> GhError:
        return GhError(why, sentence, status=code, raw=raw, headers=headers)

    if code == 401:
        return error(
            GhErrorKind.BAD_TOKEN, f"{host} does not accept the token: it was revoked, has expired or is mistyped"
        )
    if code in (403, 429):
        until = _rate_limit_reset(headers)
        if until is not None or code == 429:
            return error(GhErrorKind.RATE_LIMIT, f"{host} answers no more requests for now (rate limit){until or ''}")
        if "x-github-sso" in headers:
            url = one_line(headers["x-github-sso"].partition("url=")[2])
            return error(GhErrorKind.SSO, f"the organisation wants the token authorised for single sign-on: {url}")
        return error(GhErrorKind.FORBIDDEN, f"{host} does not allow this: {message or 'forbidden'}")
    if code == 404:
        return error(GhErrorKind.NOT_FOUND, f"{host} has nothing there, or hides it from this token")
    if code >= 500:
        return error(GhErrorKind.SERVER, f"{host} has a server error (HTTP {code}); see its status page")
    return error(GhErrorKind.UNREADABLE, f"{host} answered HTTP {code}: {message or 'without a reason'}")


def _rate_limit_reset(headers: Mapping[str, str]) -> str | None:
    """`; again at 14:05 UTC` for a rate limit, empty where the headers do not say when; None when it is none."""
    wait = headers.get("retry-after", "")
    if wait.isdigit():
        return f"; again in {wait} s"
    if headers.get("x-ratelimit-remaining") != "0":
        return None
    reset = headers.get("x-ratelimit-reset", "")
    if not reset.isdigit() or len(reset) > 11:
        return ""
    return f"; again at {datetime.fromtimestamp(int(reset), UTC):%H:%M} UTC"

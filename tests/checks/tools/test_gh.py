"""gh's answers taken apart: scopes from the header, troubles from the status, nothing from the wording."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from support import DATA

from checks.tools.gh import (
    Gh,
    GhError,
    GhErrorKind,
    find_granting_scope,
    gh_environment,
    parse_gh_response,
    token_variables,
)
from checks.tools.run import CommandResult

Recorded = Callable[[str], CommandResult]


@pytest.fixture(params=("gh-2.23", "gh-2.103"))
def recorded(request: pytest.FixtureRequest) -> Recorded:
    """The recorded results of one version, by their names."""
    return lambda name: read_transcript(DATA / "transcripts" / request.param / f"{name}.txt")


def read_transcript(path: Path) -> CommandResult:
    text = path.read_text()
    _, _, rest = text.partition("----- stdout -----\n")
    stdout, _, rest = rest.partition("----- stderr -----\n")
    stderr, _, code = rest.partition("----- exit code -----\n")
    return CommandResult(("gh",), int(code), stdout, stderr, 0.1)


def answer(status: str, body: str = "{}", code: int = 1, **headers: str) -> CommandResult:
    lines = [f"HTTP/2.0 {status}", *(f"{name.replace('_', '-')}: {value}" for name, value in headers.items())]
    return CommandResult(("gh",), code, "\n".join(lines) + "\n\n" + body, "gh: something", 0.1)


def stand_in(folder: Path, text: str) -> Gh:
    file = folder / "gh"
    file.write_text(f"#!/bin/sh\n{text}\n")
    file.chmod(0o755)
    return Gh("github.com", {"PATH": f"{folder}:/usr/bin:/bin", "HOME": str(folder)})


def test_the_recorded_headers_give_the_scopes(recorded: Recorded) -> None:
    found = parse_gh_response(recorded("api-user-headers"), "github.com")
    assert found.headers["x-oauth-scopes"] == "read:org, repo, write:packages"


def test_the_scope_header_is_found_whatever_its_case(tmp_path: Path) -> None:
    gh = stand_in(tmp_path, r"""printf 'HTTP/2.0 200 OK\nx-oAuth-SCOPES: repo,read:org\n\n{"login":"eco"}'""")
    assert gh.identity().scopes == ("repo", "read:org")


def test_no_header_means_unknown_and_an_empty_one_means_none(tmp_path: Path) -> None:
    bare = stand_in(tmp_path, r"""printf 'HTTP/2.0 200 OK\nServer: x\n\n{"login":"eco"}'""")
    assert bare.identity().scopes is None
    empty = stand_in(tmp_path, r"""printf 'HTTP/2.0 200 OK\nX-Oauth-Scopes: \n\n{"login":"eco"}'""")
    assert empty.identity().scopes == ()


@pytest.mark.parametrize(
    ("required", "token_scopes", "granting"),
    [
        ("read:org", ("admin:org",), "admin:org"),
        ("read:org", ("write:org",), "write:org"),
        ("read:org", ("read:org", "admin:org"), "read:org"),
        ("read:packages", ("write:packages",), "write:packages"),
        ("public_repo", ("repo",), "repo"),
        ("repo", ("public_repo",), None),
        ("write:packages", ("read:packages",), None),
        ("read:org", ("repo", "user"), None),
    ],
)
def test_a_wider_scope_includes_the_narrower(
    required: str, token_scopes: tuple[str, ...], granting: str | None
) -> None:
    assert find_granting_scope(required, token_scopes) == granting


@pytest.mark.parametrize(
    ("outcome", "why"),
    [
        (answer("401 Unauthorized", '{"message":"Bad credentials"}'), GhErrorKind.BAD_TOKEN),
        (answer("403 Forbidden", '{"message":"limit"}', X_RateLimit_Remaining="0"), GhErrorKind.RATE_LIMIT),
        (answer("403 Forbidden", "{}", Retry_After="60"), GhErrorKind.RATE_LIMIT),
        (answer("429 Too Many Requests"), GhErrorKind.RATE_LIMIT),
        (answer("403 Forbidden", '{"message":"no"}', X_RateLimit_Remaining="4000"), GhErrorKind.FORBIDDEN),
        (answer("403 Forbidden", "{}", X_GitHub_SSO="required; url=https://github.com/orgs/eco/sso"), GhErrorKind.SSO),
        (answer("404 Not Found"), GhErrorKind.NOT_FOUND),
        (answer("502 Bad Gateway", "<html>"), GhErrorKind.SERVER),
        (answer("200 OK", "<html>a login page", code=0), GhErrorKind.UNREADABLE),
        (CommandResult(("gh",), 1, "", 'Get "https://api.github.com/user": dial tcp: connection refused', 0.1), GhErrorKind.UNREACHABLE),
        (CommandResult(("gh",), 1, "", "failed to read configuration:  invalid config file hosts.yml: invalid yaml", 0.1), GhErrorKind.CONFIGURATION),
        (CommandResult(("gh",), 4, "", "whatever the words are", 0.1), GhErrorKind.LOGGED_OUT),
    ],
)  # fmt: skip
def test_each_error_has_its_own_kind(outcome: CommandResult, why: GhErrorKind) -> None:
    with pytest.raises(GhError) as error:
        parse_gh_response(outcome, "github.com")
    assert error.value.kind is why


def test_recorded_without_a_token_is_logged_out(recorded: Recorded) -> None:
    with pytest.raises(GhError) as error:
        parse_gh_response(recorded("api-user-no-token"), "github.com")
    assert error.value.kind is GhErrorKind.LOGGED_OUT


def test_a_rate_limit_says_when_it_ends() -> None:
    limited = answer("403 Forbidden", "{}", X_RateLimit_Remaining="0", X_RateLimit_Reset="1795470558")
    with pytest.raises(GhError, match=r"again at \d\d:\d\d UTC"):
        parse_gh_response(limited, "github.com")


def test_single_sign_on_gives_the_page_to_visit() -> None:
    with pytest.raises(GhError, match=r"https://github\.com/orgs/eco/sso"):
        parse_gh_response(
            answer("403 Forbidden", "{}", X_GitHub_SSO="required; url=https://github.com/orgs/eco/sso"),
            "github.com",
        )


def test_lists_are_read_page_by_page(tmp_path: Path) -> None:
    gh = stand_in(
        tmp_path,
        r"""case "$*" in
*page=1) body='[{"name":"A"},{"name":"B"}]';; *page=2) body='[{"name":"C"}]';; *) exit 9;; esac
printf 'HTTP/2.0 200 OK\nServer: x\n\n{"total_count":3,"secrets":%s}' "$body" """,
    )
    assert [one["name"] for one in gh.list_all_pages("repos/e/b/actions/secrets", "secrets", page_size=2)] == [
        "A",
        "B",
        "C",
    ]


def test_the_token_variable_depends_on_the_host() -> None:
    env = {"GITHUB_TOKEN": "a", "GH_TOKEN": "b", "GH_ENTERPRISE_TOKEN": "c"}
    assert Gh("github.com", env).active_token_variables() == ("GH_TOKEN", "GITHUB_TOKEN")
    assert Gh("ghe.example.com", env).active_token_variables() == ("GH_ENTERPRISE_TOKEN",)
    assert token_variables("eco.ghe.com") == ("GH_TOKEN", "GITHUB_TOKEN")


def test_an_empty_token_variable_is_ignored() -> None:
    assert Gh("github.com", {"GH_TOKEN": ""}).active_token_variables() == ()


def test_gh_runs_without_prompts_and_without_its_debug_output() -> None:
    env = gh_environment({"GH_DEBUG": "api", "GH_FORCE_TTY": "1", "GH_TOKEN": "t"})
    assert env["GH_PROMPT_DISABLED"] == "1"
    assert "GH_DEBUG" not in env and "GH_FORCE_TTY" not in env
    assert env["GH_TOKEN"] == "t"

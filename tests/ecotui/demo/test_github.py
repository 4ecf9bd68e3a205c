"""The demo's GitHub, asked by two real gh: the distribution's and the wheel's. Both see an ordinary github.com login."""

from __future__ import annotations

import re
import subprocess
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from support.tools import SOURCES, path_with

from checks.tools.gh import Gh, GhError, GhErrorKind
from ecotui.demo.github import server as github_server

Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[github_server.GitHubServer]:
    running = github_server.start_github(tmp_path / "hub", approval_seconds=0.2)
    yield running
    running.stop()


@pytest.fixture(params=SOURCES)
def env(request: pytest.FixtureRequest, hub: github_server.GitHubServer, tmp_path: Path) -> dict[str, str]:
    """The environment of one of the two gh."""
    (tmp_path / "home").mkdir()
    path = path_with("gh", request.param, tmp_path / "bin")
    return {"PATH": path, "HOME": str(tmp_path / "home"), **hub.env}


@pytest.fixture
def gh(env: dict[str, str]) -> Run:
    def run(*words: str, stdin: str = "", **more: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["gh", *words], env={**env, **more}, input=stdin, text=True, capture_output=True, timeout=30
        )

    return run


def test_the_stored_login_begins_without_read_org(env: dict[str, str], gh: Run) -> None:
    identity = Gh("github.com", env).identity()
    assert identity.login == "eco-operator"
    assert identity.scopes == ("repo", "write:packages")
    status = gh("auth", "status")
    # 2.23 says it on stderr and exits with 1, 2.103 on stdout and exits with 0.
    assert re.search(r"missing required .*'read:org'", status.stdout + status.stderr, re.I)


def test_a_refresh_adds_the_scope_and_keeps_the_old_ones(env: dict[str, str], gh: Run) -> None:
    assert gh("auth", "refresh", "-h", "github.com", "-s", "read:org").returncode == 0
    scopes = Gh("github.com", env).identity().scopes
    assert scopes is not None
    assert {"repo", "write:packages", "read:org"} <= set(scopes)
    assert gh("auth", "status").returncode == 0


def test_a_refresh_waits_for_the_approval(hub: github_server.GitHubServer, gh: Run) -> None:
    hub.account.approval_seconds = 1.2
    begun = time.monotonic()
    assert gh("auth", "refresh", "-h", "github.com", "-s", "read:org").returncode == 0
    assert time.monotonic() - begun >= 1.2
    assert any(line.endswith("/login/oauth/access_token") for line in hub.account.request_log)


def test_a_pasted_token_becomes_the_login(hub: github_server.GitHubServer, env: dict[str, str], gh: Run) -> None:
    done = gh("auth", "login", "-h", "github.com", "--with-token", stdin=hub.demo_token + "\n")
    assert done.returncode == 0, done.stderr
    scopes = Gh("github.com", env).identity().scopes
    assert scopes is not None
    assert "read:org" in scopes
    assert hub.demo_token in Path(env["GH_CONFIG_DIR"], "hosts.yml").read_text()


def test_a_mistyped_token_is_refused_and_the_login_stays(env: dict[str, str], gh: Run) -> None:
    before = Path(env["GH_CONFIG_DIR"], "hosts.yml").read_text()
    done = gh("auth", "login", "-h", "github.com", "--with-token", stdin="gho_mistyped\n")
    assert done.returncode == 1
    assert "Bad credentials" in done.stderr
    assert Path(env["GH_CONFIG_DIR"], "hosts.yml").read_text() == before


def test_a_wrong_token_in_the_environment_is_a_bad_token(env: dict[str, str]) -> None:
    with pytest.raises(GhError) as caught:
        Gh("github.com", {**env, "GH_TOKEN": "gho_wrong"}).identity()
    assert caught.value.kind is GhErrorKind.BAD_TOKEN


def test_without_a_login_gh_says_so(env: dict[str, str], tmp_path: Path) -> None:
    with pytest.raises(GhError) as caught:
        Gh("github.com", {**env, "GH_CONFIG_DIR": str(tmp_path / "nothing")}).identity()
    assert caught.value.kind is GhErrorKind.LOGGED_OUT


def test_secrets_are_listed_and_set(env: dict[str, str], gh: Run) -> None:
    assert gh("secret", "set", "NEW_ONE", "-R", "eco-team/backend", stdin="value").returncode == 0
    listed = Gh("github.com", env).list_all_pages("repos/eco-team/backend/actions/secrets", "secrets", page_size=100)
    assert [one["name"] for one in listed] == ["AWS_ROLE_ARN", "KUBE_CONFIG", "NEW_ONE"]
    assert "NEW_ONE" in gh("secret", "list", "-R", "eco-team/backend").stdout


def test_a_name_that_github_reserves_is_refused(gh: Run) -> None:
    done = gh("secret", "set", "GITHUB_X", "-R", "eco-team/backend", stdin="value")
    assert done.returncode == 1
    assert "must not start with GITHUB_" in done.stderr


def test_a_variable_is_set_from_standard_input(env: dict[str, str], gh: Run) -> None:
    argv = (
        "api",
        "-X",
        "POST",
        "repos/eco-team/backend/actions/variables",
        "-f",
        "name=VERSION",
        "-F",
        "value=@-",
    )
    assert gh(*argv, stdin="0.7.3").returncode == 0
    listed = Gh("github.com", env).list_all_pages("repos/eco-team/backend/actions/variables", "variables", page_size=30)
    assert [(one["name"], one["value"]) for one in listed] == [("VERSION", "0.7.3")]


def test_another_repository_is_not_found(env: dict[str, str]) -> None:
    with pytest.raises(GhError) as caught:
        Gh("github.com", env).get("repos/eco-team/none/actions/secrets")
    assert caught.value.kind is GhErrorKind.NOT_FOUND


def test_the_proxy_leads_nowhere_else(hub: github_server.GitHubServer) -> None:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({"https": hub.url}))
    with pytest.raises(OSError, match="403"):
        opener.open("https://example.com/", timeout=5)


def test_the_stored_login_is_the_owners_alone(hub: github_server.GitHubServer) -> None:
    assert Path(hub.env["GH_CONFIG_DIR"], "hosts.yml").stat().st_mode & 0o077 == 0


def test_on_a_terminal_a_refresh_needs_enter_and_nothing_else(env: dict[str, str]) -> None:
    import pexpect

    env = {**env, "TERM": "xterm"}
    child = pexpect.spawn("gh", ["auth", "refresh", "-h", "github.com", "-s", "read:org"], env=env, timeout=20)
    child.expect("one-time code: .*[A-Z]{4}-[A-Z]{4}")
    child.expect("Press Enter")
    child.send("\r")
    child.expect("Authentication complete")
    child.expect(pexpect.EOF)
    child.close()
    assert child.exitstatus == 0

"""The GitHub step against the real gh and a GitHub on loopback, and what gh cannot be made to say, by a stand-in."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from checks.context import CheckContext
from checks.finding import CheckState, Finding, PasteSecret, RunInTerminal, UnsetVariable
from checks.github.check import check, compare_scopes
from checks.github.model import GitHubDetail
from config.model import EnvironmentSettings, GitHubSettings, Settings, VariableSettings
from ecotui.demo.github import server as demo

WANTED = ("repo", "read:org", "write:packages")
real = [
    pytest.mark.real,
    pytest.mark.skipif(not shutil.which("gh"), reason="needs gh"),
]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[demo.GitHubServer]:
    running = demo.start_github(tmp_path_factory.mktemp("github"))
    yield running
    running.stop()


def world(folder: Path, env: dict[str, str], **settings: object) -> CheckContext:
    settings = {"scopes": WANTED, **settings}
    scripts = EnvironmentSettings(variables=(VariableSettings(name="GITHUB_TOKEN", secret=True),))
    return CheckContext(
        settings=Settings(github=GitHubSettings(**settings), environment=scripts),  # type: ignore[arg-type]
        project=folder,
        env={"PATH": os.environ["PATH"], "HOME": str(folder), **env},
    )


def findings(where: CheckContext) -> dict[str, Finding]:
    return {finding.id: finding for finding in check(where).findings}


def stand_in(folder: Path, answer: str) -> dict[str, str]:
    file = folder / "gh"
    file.write_text(f"#!/bin/sh\n{answer}\n")
    file.chmod(0o755)
    return {"PATH": f"{folder}:/usr/bin:/bin"}


class TestReal:
    pytestmark = real

    def test_a_missing_scope_blocks_and_is_added_in_the_terminal(self, site: demo.GitHubServer, tmp_path: Path) -> None:
        found = findings(world(tmp_path, site.env))
        scopes = found["github.scopes"]
        assert scopes.state is CheckState.BLOCKED
        assert "lacks read:org (1 of 3)" in scopes.summary
        assert scopes.guide == ("5.1",)
        first = scopes.fixes[0]
        assert first.recommended
        assert first.action == RunInTerminal(argv=("gh", "auth", "refresh", "-h", "github.com", "-s", "read:org"))
        paste = next(fix for fix in scopes.fixes if isinstance(fix.action, PasteSecret))
        assert paste.command == "gh auth login -h github.com --with-token"
        assert found["github.login"].state is CheckState.OK

    def test_a_variable_with_every_scope_is_enough(self, site: demo.GitHubServer, tmp_path: Path) -> None:
        report = check(world(tmp_path, {**site.env, "GITHUB_TOKEN": site.demo_token}))
        assert report.state is CheckState.OK
        assert site.demo_token not in msgspec.json.encode(report).decode()

    def test_a_variable_that_is_not_accepted_hides_the_stored_login(
        self, site: demo.GitHubServer, tmp_path: Path
    ) -> None:
        found = findings(world(tmp_path, {**site.env, "GITHUB_TOKEN": "ghp_wrong"}))
        login = found["github.login"]
        assert login.state is CheckState.BLOCKED
        assert "token in GITHUB_TOKEN" in login.summary
        assert "eco-operator works" in login.summary
        unset = login.fixes[0]
        assert unset.action == UnsetVariable(name="GITHUB_TOKEN")
        assert "the project's scripts read GITHUB_TOKEN too" in unset.changes
        assert found["github.scopes"].state is CheckState.UNKNOWN

    def test_a_variable_without_scopes_offers_to_unset_and_never_to_refresh(
        self, site: demo.GitHubServer, tmp_path: Path
    ) -> None:
        found = findings(world(tmp_path, {**site.env, "GH_TOKEN": site.account.issue_token((), remember_scopes=False)}))
        assert found["github.token"].state is CheckState.WARN
        commands = [fix.command for fix in found["github.scopes"].fixes]
        assert commands[0] == "unset GH_TOKEN"
        assert not [command for command in commands if command.startswith("gh auth")]

    def test_nobody_logged_in_offers_the_login(self, site: demo.GitHubServer, tmp_path: Path) -> None:
        found = findings(world(tmp_path, {**site.env, "GH_CONFIG_DIR": str(tmp_path / "empty")}))
        assert found["github.login"].state is CheckState.BLOCKED
        assert found["github.login"].fixes[0].command == ("gh auth login -h github.com -s repo,read:org,write:packages")

    def test_broken_files_of_gh_are_named(self, site: demo.GitHubServer, tmp_path: Path) -> None:
        (tmp_path / "hosts.yml").write_text("github.com: [unclosed")
        found = findings(world(tmp_path, {**site.env, "GH_CONFIG_DIR": str(tmp_path)}))
        assert found["github.login"].state is CheckState.BLOCKED
        assert "configuration" in found["github.login"].summary

    def test_a_host_that_cannot_be_reached_is_unknown_and_not_a_bad_token(
        self, site: demo.GitHubServer, tmp_path: Path
    ) -> None:
        dead = dict.fromkeys(("HTTPS_PROXY", "https_proxy"), "http://127.0.0.1:1")
        found = findings(world(tmp_path, {**site.env, **dead}))
        assert found["github.login"].state is CheckState.UNKNOWN
        assert "could not be reached" in found["github.login"].summary

    def test_secrets_and_variables_are_checked_by_name(self, site: demo.GitHubServer, tmp_path: Path) -> None:
        where = world(
            tmp_path,
            site.env,
            repository="eco-team/backend",
            secrets=("KUBE_CONFIG", "GITHUB_USERNAME", "GITHUB_TOKEN", "DOCKER_KEY"),
            variables=("VERSION",),
        )
        found = findings(where)
        assert found["github.repository"].state is CheckState.OK
        assert found["github.secret.KUBE_CONFIG"].state is CheckState.OK
        assert found["github.secret.GITHUB_TOKEN"].state is CheckState.OK
        refused = found["github.secret.GITHUB_USERNAME"]
        assert refused.state is CheckState.WARN
        assert "GitHub refuses names that start with GITHUB_" in refused.summary
        missing = found["github.secret.DOCKER_KEY"]
        assert missing.state is CheckState.BLOCKED
        assert missing.fixes[0].action == PasteSecret(
            argv=("gh", "secret", "set", "DOCKER_KEY", "-R", "eco-team/backend"),
            prompt="The value of DOCKER_KEY",
        )
        assert found["github.variable.VERSION"].state is CheckState.BLOCKED
        detail = msgspec.convert(check(where).detail, GitHubDetail)
        assert {row.name: row.state for row in detail.secrets} == {
            "KUBE_CONFIG": "set",
            "GITHUB_USERNAME": "refused",
            "GITHUB_TOKEN": "automatic",
            "DOCKER_KEY": "missing",
            "AWS_ROLE_ARN": "other",
        }

    def test_a_repository_that_is_hidden_says_so(self, site: demo.GitHubServer, tmp_path: Path) -> None:
        found = findings(world(tmp_path, site.env, repository="eco-team/none", secrets=("X",)))
        assert found["github.repository"].state is CheckState.BLOCKED
        assert "github.secret.X" not in found


def test_a_token_that_tells_no_scopes_is_unknown_not_missing(tmp_path: Path) -> None:
    env = stand_in(tmp_path, r"""printf 'HTTP/2.0 200 OK\nServer: x\n\n{"login":"eco"}'""")
    found = findings(world(tmp_path, env))
    assert found["github.scopes"].state is CheckState.UNKNOWN
    assert "fine-grained" in found["github.scopes"].summary
    detail = msgspec.convert(check(world(tmp_path, env)).detail, GitHubDetail)
    assert not detail.scopes_told
    assert {row.state for row in detail.scopes} == {"unknown"}


def test_an_app_token_that_may_not_ask_who_it_is_is_unknown(tmp_path: Path) -> None:
    env = stand_in(tmp_path, r"""printf 'HTTP/2.0 403 Forbidden\nServer: x\n\n{"message":"by integration"}'; exit 1""")
    login = findings(world(tmp_path, {**env, "GITHUB_TOKEN": "ghs_x"}))["github.login"]
    assert login.state is CheckState.UNKNOWN
    assert "app's token" in login.summary


def test_a_token_that_ends_soon_is_told(tmp_path: Path) -> None:
    env = stand_in(
        tmp_path,
        r"""day=$(date -u -d '+2 hours' '+%Y-%m-%d %H:%M:%S UTC')
printf 'HTTP/2.0 200 OK\nX-Oauth-Scopes: repo, admin:org, write:packages\n'
printf 'GitHub-Authentication-Token-Expiration: %s\n\n{"login":"eco"}' "$day" """,
    )
    found = findings(world(tmp_path, env))
    assert found["github.token"].state is CheckState.WARN
    assert "ends in 2.0 h" in found["github.token"].summary
    assert found["github.scopes"].state is CheckState.OK


def test_secrets_that_may_not_be_listed_are_unknown_and_name_what_is_missing(tmp_path: Path) -> None:
    env = stand_in(
        tmp_path,
        r"""case "$*" in
*actions/secrets*) printf 'HTTP/2.0 403 Forbidden\nServer: x\n\n{"message":"no"}'; exit 1;;
esac
printf 'HTTP/2.0 200 OK\nX-Oauth-Scopes: repo, read:org, write:packages\n\n{"login":"eco"}'""",
    )
    secrets = findings(world(tmp_path, env, repository="e/b", secrets=("X",)))["github.secrets"]
    assert secrets.state is CheckState.UNKNOWN
    assert secrets.denied == ("reading the secrets of e/b (write access, and the scope repo)",)


def test_hostile_names_reach_no_terminal(tmp_path: Path) -> None:
    env = stand_in(
        tmp_path,
        r"""printf 'HTTP/2.0 200 OK\nX-Oauth-Scopes: repo\n\n{"login":"e\\u001b]52;c;x\\u0007co"}'""",
    )
    assert "eco" in findings(world(tmp_path, env))["github.login"].summary


def test_a_missing_gh_is_said_with_where_to_get_it(tmp_path: Path) -> None:
    login = findings(world(tmp_path, {"PATH": str(tmp_path)}))["github.login"]
    assert login.state is CheckState.BLOCKED
    assert "gh is not installed" in login.summary
    assert login.fixes


def test_without_github_nothing_is_asked(tmp_path: Path) -> None:
    report = check(world(tmp_path, {"PATH": str(tmp_path)}, enabled=False))
    assert report.state is CheckState.SKIPPED


def test_a_wider_scope_is_shown_as_such() -> None:
    (row,) = compare_scopes(("read:org",), ("admin:org",))
    assert (row.state, row.by) == ("implied", "admin:org")

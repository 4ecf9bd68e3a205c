"""The environment step: tools, identity, credentials, variables, files. Real tools where they are installed."""

import shutil
import socket
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest
from moto.server import ThreadedMotoServer

from checks.context import CheckContext
from checks.environment.check import check
from checks.environment.identity import read_aws_profiles
from checks.environment.model import EnvironmentDetail
from checks.environment.tools import is_at_least, parse_version
from checks.finding import CheckState, Finding, PickProfile, Report, SetVariable, UnsetVariable
from config.model import (
    AwsSettings,
    EnvironmentSettings,
    KubectlSettings,
    Settings,
    TerraformSettings,
    ToolSettings,
    VariableSettings,
)

ACCOUNT = "123456789012"
"""moto's own."""


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "project"
    (folder / "terraform").mkdir(parents=True)
    (folder / "terraform" / "main.tf").write_text("", encoding="utf-8")
    (folder / "ecotui.yaml").write_text("project: shop\n", encoding="utf-8")
    return folder


@pytest.fixture
def tools(tmp_path: Path) -> Path:
    folder = tmp_path / "bin"
    folder.mkdir()
    return folder


@pytest.fixture
def env(tmp_path: Path, tools: Path) -> dict[str, str]:
    (tmp_path / "home").mkdir()
    return {
        "HOME": str(tmp_path / "home"),
        "PATH": f"{tools}:/usr/bin:/bin",
        "AWS_EC2_METADATA_DISABLED": "true",
    }


def put(folder: Path, name: str, script: str, mode: int = 0o755) -> None:
    path = folder / name
    path.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
    path.chmod(mode)


def by_id(report: Report) -> dict[str, Finding]:
    return {finding.id.removeprefix("environment."): finding for finding in report.findings}


def environment(**parts: object) -> Settings:
    return Settings(aws=AwsSettings(region="ap-northeast-2", timeout=3), environment=EnvironmentSettings(**parts))  # type: ignore[arg-type]


def with_keys(env: dict[str, str], endpoint: str) -> dict[str, str]:
    return env | {
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "testing",
    }


@pytest.mark.real
@pytest.mark.parametrize("name", ["terraform", "kubectl", "gh"])
def test_a_real_tool_says_its_version(name: str, project: Path, env: dict[str, str]) -> None:
    path = shutil.which(name)
    assert path, f"{name} has to be installed"
    env["PATH"] = f"{Path(path).parent}:{env['PATH']}"
    found = by_id(check(CheckContext(environment(tools=(ToolSettings(name=name, minimum="1.0.0"),)), project, env)))[
        name
    ]
    assert found.state is CheckState.OK, found
    assert found.summary.startswith(f"{name} ")
    assert any(fact.label == "version" and fact.value.count(".") == 2 for fact in found.facts)


def test_every_way_a_tool_can_fail_has_its_own_words(project: Path, env: dict[str, str], tools: Path) -> None:
    put(tools, "old", "echo old version 1.2.3")
    put(tools, "broken", "echo broken pipe dream >&2; exit 3")
    put(tools, "locked", "true", mode=0o644)
    put(tools, "silent", "true")
    put(tools, "noisy", r"printf '\033]0;owned\007v2.0.0\n'")
    (tools / "alien").write_bytes(b"\x7fELF not really")
    (tools / "alien").chmod(0o755)
    names = ("old", "broken", "locked", "silent", "noisy", "alien", "absent")
    wanted = tuple(ToolSettings(name=name, minimum="1.10.0") for name in names)
    found = by_id(check(CheckContext(environment(tools=wanted), project, env)))
    assert "1.2.3 is too old; at least 1.10.0 is needed" in found["old"].summary
    assert "exit code 3: broken pipe dream" in found["broken"].summary
    assert "not executable: chmod +x" in found["locked"].summary
    assert "cannot be started" in found["alien"].summary
    assert "not on PATH" in found["absent"].summary
    assert {found[name].state for name in ("old", "broken", "locked", "alien", "absent")} == {CheckState.BLOCKED}
    assert all(found[name].fixes[0].id == "install" for name in ("old", "broken", "locked", "alien", "absent"))
    assert found["silent"].state is CheckState.WARN
    assert found["noisy"].summary == "noisy 2.0.0."


def test_a_tool_that_hangs_is_unknown_not_missing(
    project: Path, env: dict[str, str], tools: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("checks.environment.tools.VERSION_TIMEOUT", 0.2)
    put(tools, "stuck", "exec sleep 60")
    found = by_id(check(CheckContext(environment(tools=(ToolSettings(name="stuck"),)), project, env)))["stuck"]
    assert found.state is CheckState.UNKNOWN
    assert "no answer" in found.summary


def test_an_optional_tool_that_is_missing_blocks_nothing(project: Path, env: dict[str, str]) -> None:
    env["PATH"] = env["PATH"].partition(":")[0]
    found = by_id(check(CheckContext(environment(tools=(ToolSettings(name="aws", required=False),)), project, env)))
    assert found["aws-cli"].state is CheckState.SKIPPED
    assert "SSO" in found["aws-cli"].summary


def test_configured_commands_are_the_ones_that_are_asked(project: Path, env: dict[str, str], tools: Path) -> None:
    put(tools, "tofu", """echo '{"terraform_version": "1.9.0"}'""")
    put(tools, "ssh", "exit 1")
    settings = Settings(
        aws=AwsSettings(region="ap-northeast-2"),
        terraform=TerraformSettings(command=("tofu",)),
        kubectl=KubectlSettings(command=("ssh", "ubuntu@{master_ip}", "kubectl")),
        environment=EnvironmentSettings(
            tools=(ToolSettings(name="terraform", minimum="1.5.0"), ToolSettings(name="kubectl"))
        ),
    )
    found = by_id(check(CheckContext(settings, project, env)))
    assert found["terraform"].summary == "tofu 1.9.0."
    assert found["kubectl"].state is CheckState.OK
    assert "the version behind it is not checked" in found["kubectl"].summary


def test_the_identity_is_told_and_compared_with_the_settings(project: Path, env: dict[str, str], endpoint: str) -> None:
    env = with_keys(env, endpoint)
    for account, state in (("", CheckState.OK), (ACCOUNT, CheckState.OK), ("999999999999", CheckState.BLOCKED)):
        settings = Settings(aws=AwsSettings(region="ap-northeast-2", account=account))
        report = check(CheckContext(settings, project, env))
        found = by_id(report)
        assert found["credentials"].state is CheckState.OK
        assert "environment variables" in found["credentials"].summary
        assert found["account"].state is state
        assert ACCOUNT in found["account"].summary
        detail = msgspec.convert(report.detail, EnvironmentDetail)
        assert detail.identity.account == ACCOUNT
        assert detail.identity.region == "ap-northeast-2"
    assert "expect 999999999999" in found["account"].summary


def test_the_root_user_is_a_warning(project: Path, env: dict[str, str], endpoint: str) -> None:
    # moto answers with a user for every key; the account's root is made from its answer.
    from checks.aws.session import AwsIdentity

    world = CheckContext(Settings(aws=AwsSettings(region="ap-northeast-2")), project, with_keys(env, endpoint))
    world.aws._identity = AwsIdentity(account=ACCOUNT, arn=f"arn:aws:iam::{ACCOUNT}:root", user_id=ACCOUNT)
    assert by_id(check(world))["identity"].state is CheckState.WARN


def test_without_credentials_the_ways_out_fit_what_is_configured(project: Path, env: dict[str, str]) -> None:
    found = by_id(check(CheckContext(Settings(aws=AwsSettings(region="ap-northeast-2")), project, env)))
    assert found["credentials"].state is CheckState.BLOCKED
    assert found["identity"].state is found["account"].state is CheckState.SKIPPED
    actions = [fix.action for fix in found["credentials"].fixes]
    assert SetVariable(name="AWS_SECRET_ACCESS_KEY", secret=True, purpose="AWS credentials") in actions
    assert not any("sso" in fix.command for fix in found["credentials"].fixes)

    aws = Path(env["HOME"]) / ".aws"
    aws.mkdir()
    (aws / "config").write_text(
        "[sso-session corp]\nsso_start_url = https://corp.example\nsso_region = us-east-1\n"
        f"[profile prod]\nsso_session = corp\nsso_account_id = {ACCOUNT}\nsso_role_name = Admin\n"
        "[profile dev]\nrole_arn = arn:aws:iam::111111111111:role/x\nsource_profile = keys\n",
        encoding="utf-8",
    )
    settings = Settings(aws=AwsSettings(region="ap-northeast-2", account=ACCOUNT))
    found = by_id(check(CheckContext(settings, project, env)))
    pick = next(fix for fix in found["credentials"].fixes if isinstance(fix.action, PickProfile))
    assert pick.action == PickProfile(choices=("prod", "dev"))
    assert pick.recommended

    found = by_id(check(CheckContext(settings, project, env | {"AWS_PROFILE": "prod"})))
    login = found["credentials"].fixes[0]
    assert login.command == "aws sso login --profile prod"
    assert login.recommended


@pytest.mark.parametrize(
    ("minutes", "state", "words"),
    [(300, CheckState.OK, "4 h 59 min left"), (20, CheckState.WARN, "expire in 19 min")],
)
def test_the_time_left_of_the_credentials_is_told(
    project: Path, env: dict[str, str], endpoint: str, minutes: int, state: CheckState, words: str
) -> None:
    ends = datetime.now(UTC) + timedelta(minutes=minutes)
    env = with_keys(env, endpoint) | {
        "AWS_SESSION_TOKEN": "token",
        "AWS_CREDENTIAL_EXPIRATION": ends.isoformat(),
    }
    found = by_id(check(CheckContext(Settings(aws=AwsSettings(region="ap-northeast-2")), project, env)))["credentials"]
    assert found.state is state, found
    assert words in found.summary


def test_expired_credentials_block(project: Path, env: dict[str, str], endpoint: str) -> None:
    env = with_keys(env, endpoint) | {"AWS_CREDENTIAL_EXPIRATION": "2020-01-01T00:00:00Z"}
    found = by_id(check(CheckContext(Settings(aws=AwsSettings(region="ap-northeast-2")), project, env)))
    assert found["credentials"].state is CheckState.BLOCKED, found["credentials"]
    assert found["identity"].state is CheckState.SKIPPED
    assert any(isinstance(fix.action, SetVariable) for fix in found["credentials"].fixes)


def test_an_endpoint_that_does_not_answer_is_unknown(project: Path, env: dict[str, str]) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        dead = f"http://127.0.0.1:{free.getsockname()[1]}"
    world = CheckContext(Settings(aws=AwsSettings(region="ap-northeast-2", timeout=1)), project, with_keys(env, dead))
    found = by_id(check(world))["identity"]
    assert found.state is CheckState.UNKNOWN
    assert "cannot be reached" in found.summary


def test_a_region_must_be_set_and_not_be_contradicted(project: Path, env: dict[str, str]) -> None:
    found = by_id(check(CheckContext(Settings(), project, env)))["region"]
    assert found.state is CheckState.BLOCKED
    assert found.fixes[0].action == SetVariable(name="AWS_REGION", purpose="the region of the cluster")
    found = by_id(check(CheckContext(Settings(), project, env | {"AWS_REGION": "eu-west-1"})))["region"]
    assert (found.state, found.summary) == (CheckState.OK, "eu-west-1, from AWS_REGION.")
    settings = Settings(aws=AwsSettings(region="ap-northeast-2"))
    found = by_id(check(CheckContext(settings, project, env | {"AWS_REGION": "eu-west-1"})))["region"]
    assert found.state is CheckState.WARN
    assert found.fixes[0].action == UnsetVariable(name="AWS_REGION")


def test_variables_are_named_and_never_shown(project: Path, env: dict[str, str]) -> None:
    wanted = (
        VariableSettings(name="GITHUB_TOKEN", secret=True),
        VariableSettings(name="GITHUB_USERNAME", purpose="image pulls"),
        VariableSettings(name="VERSION", required=False),
        VariableSettings(name="PASTED"),
    )
    env |= {"GITHUB_TOKEN": "ghp_hush", "GITHUB_USERNAME": "  ", "PASTED": "hush-too\n"}
    report = check(CheckContext(environment(variables=wanted), project, env))
    found = by_id(report)
    assert found["variable.GITHUB_TOKEN"].state is CheckState.OK
    assert found["variable.GITHUB_USERNAME"].state is CheckState.BLOCKED
    assert found["variable.GITHUB_USERNAME"].guide == ("7.1",)
    assert found["variable.VERSION"].state is CheckState.SKIPPED
    assert found["variable.PASTED"].state is CheckState.WARN
    assert b"hush" not in msgspec.json.encode(report)


def test_a_terraform_folder_without_configuration_leads_to_the_guide(project: Path, env: dict[str, str]) -> None:
    (project / "terraform" / "main.tf").unlink()
    (project / "infra").mkdir()
    (project / "infra" / "main.tf").write_text("", encoding="utf-8")
    found = by_id(check(CheckContext(Settings(), project, env)))["terraform-folder"]
    assert found.state is CheckState.BLOCKED
    assert found.guide == ("1.6",)
    assert "terraform files are in infra" in found.summary
    assert found.fixes[0].command == "terraform:\n  directory: infra"


def test_a_folder_without_settings_is_a_warning_that_offers_init(project: Path, env: dict[str, str]) -> None:
    assert by_id(check(CheckContext(Settings(), project, env)))["project"].state is CheckState.OK
    (project / "ecotui.yaml").unlink()
    found = by_id(check(CheckContext(Settings(), project, env)))["project"]
    assert found.state is CheckState.WARN
    assert found.fixes[0].command == f"ecotui init --project {project}"
    gone = by_id(check(CheckContext(Settings(), project / "gone", env)))["project"]
    assert gone.state is CheckState.BLOCKED


def test_configured_files_must_exist_and_scripts_be_executable(project: Path, env: dict[str, str]) -> None:
    put(project, "run.sh", "true")
    put(project, "limp.sh", "true", mode=0o644)
    settings = Settings(
        environment=EnvironmentSettings(files=("run.sh", "limp.sh", "gone.sh")),
        terraform=TerraformSettings(var_files=("prod.tfvars",)),
    )
    found = by_id(check(CheckContext(settings, project, env)))
    assert found["file.run.sh"].state is CheckState.OK
    assert found["file.limp.sh"].state is CheckState.WARN
    assert found["file.limp.sh"].fixes[0].command == f"chmod +x {project / 'limp.sh'}"
    assert found["file.gone.sh"].state is CheckState.BLOCKED
    assert str(project / "terraform" / "prod.tfvars") in found["file.prod.tfvars"].summary


@pytest.mark.parametrize(
    ("content", "mode", "state", "words"),
    [
        ("-----BEGIN OPENSSH PRIVATE KEY-----\nx\n", 0o600, CheckState.OK, "only you may read"),
        ("-----BEGIN RSA PRIVATE KEY-----\nx\n", 0o644, CheckState.BLOCKED, "open to others (mode 0644)"),
        ("ssh-ed25519 AAAA me\n", 0o600, CheckState.BLOCKED, "a public key"),
        ("hello\n", 0o600, CheckState.BLOCKED, "not a private key"),
        (None, 0, CheckState.BLOCKED, "does not exist"),
    ],
)
def test_the_ssh_key_must_be_a_private_key_of_our_own(
    project: Path, env: dict[str, str], content: str | None, mode: int, state: CheckState, words: str
) -> None:
    key = Path(env["HOME"]) / "id"
    if content is not None:
        key.write_text(content, encoding="utf-8")
        key.chmod(mode)
    found = by_id(check(CheckContext(environment(ssh_key="~/id"), project, env)))["ssh-key"]
    assert found.state is state
    assert words in found.summary


def test_profiles_are_read_without_what_is_secret(tmp_path: Path) -> None:
    config, keys = tmp_path / "config", tmp_path / "keys"
    config.write_text("[default]\nregion = x\n[profile two words]\ncredential_process = /bin/x\n", encoding="utf-8")
    keys.write_text("[ci]\naws_access_key_id = A\naws_secret_access_key = hush\n", encoding="utf-8")
    env = {"AWS_CONFIG_FILE": str(config), "AWS_SHARED_CREDENTIALS_FILE": str(keys)}
    found = {profile.name: profile.method for profile in read_aws_profiles(env)}
    assert found == {"ci": "keys", "default": "", "two words": "process"}
    config.write_bytes(b"\xff\x00 not an ini file\n[")
    assert [profile.name for profile in read_aws_profiles(env)] == ["ci"]
    assert read_aws_profiles({}) == ()


def test_tools_are_asked_side_by_side(project: Path, env: dict[str, str], tools: Path) -> None:
    names = ("one", "two", "three", "four")
    for name in names:
        put(tools, name, "sleep 0.3; echo 1.0.0")
    started = time.perf_counter()
    check(CheckContext(environment(tools=tuple(ToolSettings(name=name) for name in names)), project, env))
    assert time.perf_counter() - started < 1.1


def test_versions_are_compared_by_number_and_read_from_any_wording() -> None:
    assert is_at_least("1.10.0", "1.9")
    assert is_at_least("2", "2.0.0")
    assert not is_at_least("1.4.99", "1.5.0")
    assert parse_version("kubectl", '{"clientVersion": {"gitVersion": "v1.32.4-dispatcher"}}') == "1.32.4"
    assert parse_version("terraform", "Terraform v0.11.14\n") == "0.11.14"
    assert parse_version("aws", "aws-cli/2.15.0 Python/3.11.6 Linux/6") == "2.15.0"
    assert parse_version("gh", "no number here") == ""

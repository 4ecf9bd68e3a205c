"""Who we are, from the environment given and from nothing else, without ever asking or hanging."""

from __future__ import annotations

import getpass
import json
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from botocore.exceptions import ClientError

from checks.aws.session import AwsErrorKind, AwsSession, aws_error_types
from checks.finding import OpenStep
from config import model

REGION = "ap-northeast-2"
ROOT = Path(__file__).parents[3]


def aws(env: dict[str, str], **settings: object) -> AwsSession:
    return AwsSession(model.AwsSettings(**{"region": REGION, **settings}), env)  # type: ignore[arg-type]


def trouble(session: AwsSession, service: str = "sts") -> object:
    with pytest.raises(aws_error_types()) as raised:
        session.client(service).get_caller_identity()
    return session.explain(raised.value, "sts:GetCallerIdentity")


def home(tmp_path: Path, **files: str) -> dict[str, str]:
    folder = tmp_path / "home" / ".aws"
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (folder / name).write_text(text)
    return {"HOME": str(tmp_path / "home"), "AWS_EC2_METADATA_DISABLED": "true", "PATH": "/usr/bin:/bin"}


def test_the_identity_and_its_account_are_told(aws_env):
    identity = aws(aws_env).identity()
    assert identity.account == "123456789012"
    assert identity.arn.startswith("arn:aws:sts::123456789012:")
    assert identity.alias == "" and identity.alias_known


def test_the_alias_of_the_account_is_part_of_the_identity(aws_env):
    session = aws(aws_env)
    session.client("iam").create_account_alias(AccountAlias="eco2-prod")
    assert session.identity().alias == "eco2-prod"


def test_the_identity_is_asked_again_before_a_change(aws_env):
    session = aws(aws_env)
    assert session.identity().alias == ""
    session.client("iam").create_account_alias(AccountAlias="renamed")
    assert session.identity().alias == ""
    assert session.refetch_identity().alias == "renamed"


CHILD = """
import json, os, sys
from checks.aws.session import AwsSession, aws_error_types
from config import model
session = AwsSession(model.AwsSettings(**json.loads(sys.argv[1])), dict(os.environ))
try:
    print(json.dumps({"account": session.identity().account, "source": session.credential_source().method}))
except aws_error_types() as error:
    explained = session.explain(error)
    print(json.dumps({"kind": explained.kind, "summary": explained.summary}))
"""


def in_child(env: dict[str, str], **settings: object) -> dict[str, str]:
    """What a session answers in a process of its own, as the check of a step has one."""
    argv = [sys.executable, "-c", CHILD, json.dumps({"region": REGION, **settings})]
    done = subprocess.run(argv, env={**env, "PYTHONPATH": str(ROOT)}, capture_output=True, timeout=60, check=True)
    return json.loads(done.stdout)


def test_keys_and_endpoint_come_from_the_environment_of_the_child(aws_env):
    assert in_child(aws_env) == {"account": "123456789012", "source": "env"}


def test_without_keys_of_its_own_a_child_has_no_credentials(tmp_path, monkeypatch):
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "of-the-parent")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "of-the-parent")
    monkeypatch.setenv("AWS_PROFILE", "of-the-parent")
    assert in_child(home(tmp_path))["kind"] == AwsErrorKind.NO_CREDENTIALS


def test_profiles_come_from_the_home_given(tmp_path):
    env = home(
        tmp_path,
        credentials="[work]\naws_access_key_id = AKIAWORK\naws_secret_access_key = s\n",
        config="[profile work]\nregion = eu-west-1\n",
    )
    session = AwsSession(model.AwsSettings(profile="work"), env)
    assert session.region == "eu-west-1"
    assert session.credential_source().method == "shared-credentials-file"
    assert session.credential_source().profile == "work"
    assert session.profiles() == ("work",)


def test_a_profile_named_in_the_settings_beats_keys_in_the_environment(tmp_path):
    env = home(tmp_path, credentials="[work]\naws_access_key_id = AKIAWORK\naws_secret_access_key = s\n")
    env |= {"AWS_ACCESS_KEY_ID": "AKIAENV", "AWS_SECRET_ACCESS_KEY": "s"}
    assert aws(env, profile="work")._open_session().credentials().access_key == "AKIAWORK"
    assert aws(env)._open_session().credentials().access_key == "AKIAENV"


def test_without_a_home_no_file_of_the_user_is_read(monkeypatch, tmp_path):
    real = home(tmp_path, credentials="[default]\naws_access_key_id = AKIAREAL\naws_secret_access_key = s\n")
    monkeypatch.setenv("HOME", real["HOME"])
    assert trouble(aws({"AWS_EC2_METADATA_DISABLED": "true"})).kind is AwsErrorKind.NO_CREDENTIALS


def test_the_region_of_the_settings_comes_before_that_of_the_environment(tmp_path):
    env = {**home(tmp_path), "AWS_REGION": "us-west-2", "AWS_DEFAULT_REGION": "us-west-1"}
    assert aws(env).region == REGION
    assert AwsSession(model.AwsSettings(), env).region == "us-west-2"


def test_a_missing_region_is_said(aws_env):
    env = {key: value for key, value in aws_env.items() if "REGION" not in key}
    session = AwsSession(model.AwsSettings(), env)
    assert session.region == ""
    with pytest.raises(aws_error_types()) as raised:
        session.client("ec2")
    found = session.explain(raised.value)
    assert found.kind is AwsErrorKind.CONFIGURATION and "aws.region" in found.summary


def test_a_profile_that_does_not_exist_is_named(tmp_path):
    found = trouble(aws(home(tmp_path), profile="nowhere"))
    assert found.kind is AwsErrorKind.CONFIGURATION
    assert "'nowhere'" in found.summary


def test_a_broken_configuration_file_is_explained(tmp_path):
    assert trouble(aws(home(tmp_path, config="[profile x\nregion"))).kind is AwsErrorKind.CONFIGURATION


def test_no_credentials_are_told_at_once_even_when_the_metadata_service_hangs(tmp_path, hanging_endpoint):
    env = home(tmp_path)
    del env["AWS_EC2_METADATA_DISABLED"]
    env["AWS_EC2_METADATA_SERVICE_ENDPOINT"] = hanging_endpoint.endpoint
    session = aws(env)
    session.region  # noqa: B018 - the import of botocore is not what is measured
    started = time.monotonic()
    found = trouble(session)
    trouble(session)
    assert time.monotonic() - started < 3
    assert found.kind is AwsErrorKind.NO_CREDENTIALS
    assert [fix.id for fix in found.fixes] == ["sso-login", "configure"]
    assert len(hanging_endpoint.connections) <= 2


def test_a_profile_that_needs_mfa_never_prompts(tmp_path, aws_env, monkeypatch):
    def asked(*_: object) -> str:
        raise AssertionError("a prompt")

    monkeypatch.setattr(getpass, "getpass", asked)
    env = {
        **home(
            tmp_path,
            config="[profile admin]\nrole_arn = arn:aws:iam::123456789012:role/admin\nsource_profile = base\n"
            "mfa_serial = arn:aws:iam::123456789012:mfa/me\n",
            credentials="[base]\naws_access_key_id = A\naws_secret_access_key = s\n",
        ),
        "AWS_ENDPOINT_URL": aws_env["AWS_ENDPOINT_URL"],
    }
    found = trouble(aws(env, profile="admin"))
    assert found.kind is AwsErrorKind.MFA
    assert "get-session-token" in found.fixes[0].command


def test_a_role_is_assumed_without_mfa(tmp_path, aws_env):
    env = {
        **home(
            tmp_path,
            config="[profile admin]\nrole_arn = arn:aws:iam::123456789012:role/admin\nsource_profile = base\n",
            credentials="[base]\naws_access_key_id = A\naws_secret_access_key = s\n",
        ),
        "AWS_ENDPOINT_URL": aws_env["AWS_ENDPOINT_URL"],
    }
    session = aws(env, profile="admin")
    source = session.credential_source()
    assert source.method == "assume-role"
    assert source.expires is not None and source.expires > time.time()
    assert ":assumed-role/admin/" in session.identity().arn


SSO = (
    "[profile work]\nsso_session = corp\nsso_account_id = 123456789012\nsso_role_name = Admin\n"
    "[sso-session corp]\nsso_start_url = https://corp.example/start\nsso_region = us-east-1\n"
)


def test_a_missing_sso_login_offers_to_log_in_with_that_profile(tmp_path):
    found = trouble(aws(home(tmp_path, config=SSO), profile="work"))
    assert found.kind is AwsErrorKind.SSO
    assert found.fixes[0].action.argv == ("aws", "sso", "login", "--profile", "work")


def test_an_expired_sso_token_offers_to_log_in(tmp_path):
    import hashlib

    env = home(tmp_path, config=SSO)
    cache = Path(env["HOME"]) / ".aws" / "sso" / "cache"
    cache.mkdir(parents=True)
    past = (datetime.now(UTC) - timedelta(hours=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
    (cache / f"{hashlib.sha1(b'corp').hexdigest()}.json").write_text(
        json.dumps({"startUrl": "https://corp.example/start", "accessToken": "t", "expiresAt": past})
    )
    found = in_child(env, profile="work")
    assert found["kind"] == AwsErrorKind.SSO and "expired" in found["summary"]


def process(tmp_path: Path, code: str) -> dict[str, str]:
    script = tmp_path / "fetch.py"
    script.write_text(code)
    return home(tmp_path, config=f"[profile p]\ncredential_process = {sys.executable} {script}\n")


def test_a_credential_process_runs_in_the_environment_given(tmp_path):
    env = process(
        tmp_path,
        'import json, os\nprint(json.dumps({"Version": 1, "AccessKeyId": os.environ["MARK"], "SecretAccessKey": "s"}))',
    )
    session = aws({**env, "MARK": "AKIAMARK"}, profile="p")
    assert session._open_session().credentials().access_key == "AKIAMARK"
    assert session.credential_source().method == "custom-process"


def test_a_credential_process_that_hangs_is_killed_and_named(tmp_path, monkeypatch):
    monkeypatch.setattr("checks.aws.botocore_session.PROCESS_TIMEOUT", 0.3)
    session = aws(process(tmp_path, "import time\ntime.sleep(60)"), profile="p")
    started = time.monotonic()
    found = trouble(session)
    assert time.monotonic() - started < 5
    assert found.kind is AwsErrorKind.TIMEOUT and "credential_process" in found.summary


def test_a_hanging_process_behind_a_role_is_killed_too(tmp_path, monkeypatch):
    monkeypatch.setattr("checks.aws.botocore_session.PROCESS_TIMEOUT", 0.3)
    env = process(tmp_path, "import time\ntime.sleep(60)")
    with (Path(env["HOME"]) / ".aws" / "config").open("a") as config:
        config.write("[profile admin]\nrole_arn = arn:aws:iam::123456789012:role/admin\nsource_profile = p\n")
    started = time.monotonic()
    found = trouble(aws(env, profile="admin"))
    assert time.monotonic() - started < 5
    assert found.kind is AwsErrorKind.TIMEOUT and "credential_process" in found.summary


@pytest.mark.parametrize("code", ["print('no json')", "raise SystemExit('login first')", "print('[]')"])
def test_a_credential_process_that_fails_is_explained(tmp_path, code):
    assert trouble(aws(process(tmp_path, code), profile="p")).kind is AwsErrorKind.NO_CREDENTIALS


def test_a_credential_process_that_is_missing_is_explained(tmp_path):
    env = home(tmp_path, config="[profile p]\ncredential_process = /does/not/exist\n")
    assert trouble(aws(env, profile="p")).kind is AwsErrorKind.NO_CREDENTIALS


def test_a_dead_endpoint_is_told_in_seconds(aws_env, dead_endpoint):
    session = aws({**aws_env, "AWS_ENDPOINT_URL": dead_endpoint})
    session.client("sts")
    started = time.monotonic()
    found = trouble(session)
    assert time.monotonic() - started < 2
    assert found.kind is AwsErrorKind.NETWORK and dead_endpoint in found.summary
    assert found.is_transient


def test_a_hanging_endpoint_is_asked_once_and_given_up_in_time(aws_env, hanging_endpoint):
    session = aws({**aws_env, "AWS_ENDPOINT_URL": hanging_endpoint.endpoint}, timeout=0.4)
    session.client("sts")
    started = time.monotonic()
    found = trouble(session)
    assert time.monotonic() - started < 2
    assert found.kind is AwsErrorKind.TIMEOUT
    assert len(hanging_endpoint.connections) == 1


def test_a_proxy_of_the_environment_given_is_used_and_no_proxy_is_heeded(aws_env, dead_endpoint):
    env = {**aws_env, "HTTP_PROXY": dead_endpoint}
    assert trouble(aws(env)).kind is AwsErrorKind.NETWORK
    assert aws({**env, "NO_PROXY": "127.0.0.1"}).identity().account == "123456789012"


def test_throttling_is_tried_again_and_passes(aws_env, scripted, monkeypatch):
    monkeypatch.setattr(time, "sleep", lambda seconds: None)
    monkeypatch.setattr("botocore.retries.bucket.TokenBucket.acquire", lambda *_, **__: True)
    throttled = (400, {"__type": "ThrottlingException", "message": "Rate exceeded"})
    scripted.answer("GetServiceQuota", throttled, throttled, {"Quota": {"Value": 7.0}})
    client = aws({**aws_env, "AWS_ENDPOINT_URL_SERVICE_QUOTAS": scripted.endpoint}).client("service-quotas")
    assert client.get_service_quota(ServiceCode="ec2", QuotaCode="X")["Quota"]["Value"] == 7.0
    assert scripted.count("GetServiceQuota") == 3


def test_pages_are_read_to_the_end(aws_env):
    session = aws(aws_env)
    for number in range(7):
        session.client("iam").create_user(UserName=f"user-{number}")
    pages = session.paginate("iam", "list_users", "Users", PaginationConfig={"PageSize": 3})
    assert len(list(pages)) == 7


def test_a_listing_without_items_is_empty(aws_env):
    assert list(aws(aws_env).paginate("cloudfront", "list_distributions", "DistributionList.Items")) == []


def test_a_client_is_made_once(aws_env):
    session = aws(aws_env)
    assert session.client("ec2") is session.client("ec2", REGION)
    assert session.client("ec2") is not session.client("ec2", "us-east-1")


def test_keys_in_variables_that_ended_are_renewed_there_and_no_login_is_offered(tmp_path):
    ended = ClientError({"Error": {"Code": "ExpiredToken", "Message": "x"}}, "DescribeVpcs")
    keys = {"AWS_ACCESS_KEY_ID": "k", "AWS_SECRET_ACCESS_KEY": "s", "HOME": str(tmp_path)}
    fixes = AwsSession(model.AwsSettings(), keys).explain(ended).fixes
    assert [fix.action for fix in fixes] == [OpenStep(step="environment")]
    # A profile that the settings name goes before the variables: there a login helps.
    fixes = AwsSession(model.AwsSettings(profile="eco2"), keys).explain(ended).fixes
    assert "sso-login" in {fix.id for fix in fixes}

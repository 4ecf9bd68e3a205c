"""Names of secrets: the environment, the plan and the guide take the same words for secret."""

from __future__ import annotations

import pytest

from checks.apply.plan.attribute_diff import diff_attributes
from checks.secret_names import is_secret_attribute, is_secret_placeholder, is_secret_variable
from ecotui.guide.runbook.placeholders import PlaceholderValues
from ecotui.redact.redactor import Redactor


@pytest.mark.parametrize(
    "name",
    [
        "github_token", "GITHUB_TOKEN", "auth_token", "db_password", "TF_VAR_db_password", "passwd", "SecretString",
        "client_secret", "AWS_SECRET_ACCESS_KEY", "api_key", "apikey", "ApiKey", "private_key", "private_key_pem",
        "passphrase", "GIT_CREDENTIALS", "access_key", "user_data",
    ],
)  # fmt: skip
def test_a_secret_name_is_one_in_a_variable_an_attribute_and_a_placeholder(name: str) -> None:
    assert is_secret_variable(name)
    assert is_secret_attribute(name)
    assert is_secret_placeholder(name)


@pytest.mark.parametrize("name", ["secret_arn", "token_ids", "AWS_ACCESS_KEY_ID", "secret_name", "secret_name_prefix"])
def test_what_names_a_secret_is_shown_and_yet_never_filled_into_a_command(name: str) -> None:
    assert not is_secret_variable(name)
    assert not is_secret_attribute(name)
    assert is_secret_placeholder(name)


@pytest.mark.parametrize("name", ["PATH", "bucket", "public_ip", "MONKEY", "KEYBOARD", "key_name", "PWD", "HOME"])
def test_an_ordinary_name_is_secret_nowhere(name: str) -> None:
    assert not is_secret_variable(name)
    assert not is_secret_attribute(name)
    assert not is_secret_placeholder(name)


def test_short_words_are_secret_in_the_environment_only() -> None:
    for name in ("API_KEY", "GH_PAT", "REGISTRY_AUTH", "DEPLOY_KEY"):
        assert is_secret_variable(name)
    assert not is_secret_attribute("key")
    assert not is_secret_placeholder("key")


@pytest.mark.parametrize("name", ["SSH_KEY_PATH", "SSH_AUTH_SOCK", "AWS_WEB_IDENTITY_TOKEN_FILE", "TOKEN_EXPIRY"])
def test_a_variable_that_says_where_a_secret_is_holds_none(name: str) -> None:
    assert not is_secret_variable(name)


def test_the_redactor_the_plan_and_the_guide_ask_the_same_table() -> None:
    value = "pa55-w0rd-of-mine"
    for name in ("registry_passphrase", "registry_access_key", "registry_user_data"):
        assert value not in Redactor(b"0" * 32, env={name.upper(): value}).redact(f"x {value}")
        (change,) = diff_attributes({name: "old"}, {name: value}, {}).attributes
        assert value not in change.after
        assert PlaceholderValues(env={name.upper(): value}).lookup(name) is None

"""The profiles of the AWS configuration, read without boto3: their names, and how each gets its credentials."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from checks.finding import FrozenStruct

_MAX_BYTES = 1_000_000
"""Bytes of a configuration file; the largest seen, generated for an organisation of hundreds of accounts, had 300 KB."""


class AwsProfile(FrozenStruct, frozen=True):
    """A profile that can be picked."""

    name: str
    method: str = ""
    """`sso`, `role`, `process`, `keys`, or empty when the files do not say."""
    account: str = ""
    """The account that it leads to, where the file says so."""


def read_aws_profiles(env: Mapping[str, str]) -> tuple[AwsProfile, ...]:
    """Every profile of $AWS_CONFIG_FILE and $AWS_SHARED_CREDENTIALS_FILE, sorted; what cannot be read has none."""
    found: dict[str, dict[str, str]] = {}
    for name, keys in _read_sections(_config_path(env, "AWS_CONFIG_FILE", "config")).items():
        kind, _, rest = name.partition(" ")
        if name == "default":
            found.setdefault("default", {}).update(keys)
        elif kind == "profile" and rest.strip():
            found.setdefault(rest.strip().strip("\"'"), {}).update(keys)
    for name, keys in _read_sections(_config_path(env, "AWS_SHARED_CREDENTIALS_FILE", "credentials")).items():
        found.setdefault(name, {}).update(keys)
    return tuple(_parse_profile(name, keys) for name, keys in sorted(found.items()) if name.isprintable())


def _parse_profile(name: str, keys: Mapping[str, str]) -> AwsProfile:
    if "sso_session" in keys or "sso_start_url" in keys:
        return AwsProfile(name=name, method="sso", account=_account_id_or_empty(keys.get("sso_account_id", "")))
    if "role_arn" in keys:
        parts = keys["role_arn"].split(":")
        return AwsProfile(name=name, method="role", account=_account_id_or_empty(parts[4] if len(parts) > 4 else ""))
    if "credential_process" in keys:
        return AwsProfile(name=name, method="process")
    return AwsProfile(name=name, method="keys" if "aws_access_key_id" in keys else "")


def _account_id_or_empty(text: str) -> str:
    return text if len(text) == 12 and text.isdecimal() else ""


def _config_path(env: Mapping[str, str], variable: str, name: str) -> Path | None:
    home = env.get("HOME", "")
    given = env.get(variable, "") or (f"~/.aws/{name}" if home else "")
    if not given:
        return None
    return Path(home + given[1:]) if given.startswith("~/") and home else Path(given)


def _read_sections(path: Path | None) -> dict[str, dict[str, str]]:
    """The sections of an INI file, without what is secret in them."""
    import configparser

    if path is None or not path.is_file():
        return {}
    parser = configparser.RawConfigParser(strict=False, allow_no_value=True)
    try:
        with path.open(encoding="utf-8", errors="replace") as stream:
            parser.read_string(stream.read(_MAX_BYTES))
    except (OSError, configparser.Error):
        return {}  # the look at the identity says what is wrong with the file
    secret = ("aws_secret_access_key", "aws_session_token")
    return {
        name: {key: value or "" for key, value in parser.items(name) if key not in secret} for name in parser.sections()
    }

"""The AWS identity: credentials and their time left, identity, account, region, and the profiles to choose from."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from checks.aws.fixes import RENEW_VARIABLES_FIX_ID
from checks.aws.session import AwsErrorKind, AwsIdentity, ExplainedError
from checks.context import CheckContext
from checks.duration import format_rough_duration
from checks.environment.model import AwsProfile, IdentitySummary
from checks.finding import (
    CheckState,
    CopyText,
    Fact,
    Finding,
    Fix,
    PickProfile,
    Risk,
    RunInTerminal,
    SetVariable,
    UnsetVariable,
    build_finding,
)
from checks.sanitize import one_line

if TYPE_CHECKING:
    from checks.aws.botocore_session import CredentialSource

_finding = partial(build_finding, "environment")
CREDENTIALS_EXPIRY_WARNING = 3600.0
"""Seconds: a rebuild of the reference project takes 40 to 60 minutes, and must not lose its credentials on the way."""
_BLOCKING_ERRORS = frozenset(
    {AwsErrorKind.NO_CREDENTIALS, AwsErrorKind.EXPIRED, AwsErrorKind.INVALID, AwsErrorKind.SSO, AwsErrorKind.MFA}
)
"""Errors that block the rebuild for certain: the check itself did not fail."""
_CREDENTIAL_SOURCE_LABELS = {
    "env": "environment variables",
    "explicit": "given keys",
    "shared-credentials-file": "the credentials file",
    "config-file": "the configuration file",
    "sso": "an SSO login",
    "assume-role": "an assumed role",
    "assume-role-with-web-identity": "a role with a web identity",
    "custom-process": "the profile's credential_process",
    "container-role": "the container's role",
    "iam-role": "the instance's role",
    "login": "an AWS login session",
}
"""botocore's words for where credentials come from."""


_MAX_PROFILE_FILE_BYTES = 1_000_000
"""Bytes of a configuration file; the largest seen, generated for an organisation of hundreds of accounts, had 300 KB."""
_KEY_VARIABLES = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN")


def check_identity(context: CheckContext) -> tuple[tuple[Finding, ...], IdentitySummary]:
    """Four findings: credentials, identity, account, region. Never raises for what AWS can answer."""
    context.on_progress("the AWS identity")
    profiles = read_aws_profiles(context.env)
    region = _region_finding(context)
    seen = IdentitySummary(region=context.aws.region, profile=one_line(context.aws.profile), profiles=profiles)
    try:
        source = context.aws.credential_source()
    except Exception as error:  # noqa: BLE001 - explained, whatever it is; the other findings go on
        trouble = context.aws.explain(error)
        waiting = tuple(
            _skipped_finding(id, title) for id, title in (("identity", "AWS identity"), ("account", "Account"))
        )
        return (_error_finding(context, "credentials", "AWS credentials", trouble, profiles), *waiting, region), seen
    credentials = _credentials_finding(context, source, profiles, time.time())
    seen = msgspec.structs.replace(seen, source=source.method, expires=source.expires)
    try:
        identity = context.aws.identity()
    except Exception as error:  # noqa: BLE001 - as above
        trouble = context.aws.explain(error, "sts:GetCallerIdentity")
        refused = _error_finding(context, "identity", "AWS identity", trouble, profiles)
        return (credentials, refused, _skipped_finding("account", "Account"), region), seen
    seen = msgspec.structs.replace(
        seen, account=identity.account, alias=one_line(identity.alias), arn=one_line(identity.arn)
    )
    return (credentials, _identity_finding(identity), _account_finding(context, identity, profiles), region), seen


def _credentials_finding(
    context: CheckContext, source: CredentialSource, profiles: Sequence[AwsProfile], now: float
) -> Finding:
    origin = _CREDENTIAL_SOURCE_LABELS.get(source.method, one_line(source.method) or "an unknown source")
    from_profile = source.profile and source.method != "env"
    facts = [Fact(label="source", value=origin)]
    if from_profile:
        facts.append(Fact(label="profile", value=one_line(source.profile)))
    named = f"{origin}, profile {one_line(source.profile)}" if from_profile else origin
    if source.expires is None:
        temporary = source.method == "env" and bool(context.env.get("AWS_SESSION_TOKEN"))
        ending = "temporary, and when they end cannot be known" if temporary else "they do not expire"
        facts.append(Fact(label="time left", value="not known" if temporary else "no end"))
        return _finding("credentials", CheckState.OK, "AWS credentials", f"From {named}; {ending}.", facts=tuple(facts))
    left = source.expires - now
    facts.append(Fact(label="time left", value=format_rough_duration(left) if left > 0 else "none"))
    fixes = _credential_fixes(context, profiles)
    if left <= 0:
        summary = f"The credentials from {named} expired {format_rough_duration(-left)} ago."
        return _finding("credentials", CheckState.BLOCKED, "AWS credentials", summary, facts=tuple(facts), fixes=fixes)
    if left < CREDENTIALS_EXPIRY_WARNING:
        summary = (
            f"The credentials from {named} expire in {format_rough_duration(left)}; a rebuild takes about an hour."
        )
        return _finding("credentials", CheckState.WARN, "AWS credentials", summary, facts=tuple(facts), fixes=fixes)
    return _finding(
        "credentials",
        CheckState.OK,
        "AWS credentials",
        f"From {named}; {format_rough_duration(left)} left.",
        facts=tuple(facts),
    )


def _identity_finding(identity: AwsIdentity) -> Finding:
    arn = one_line(identity.arn)
    facts = (Fact(label="ARN", value=arn), Fact(label="user id", value=one_line(identity.user_id)))
    if arn.endswith(":root"):
        return _finding(
            "identity",
            CheckState.WARN,
            "AWS identity",
            "The account's root user; nothing limits what it can delete.",
            facts=facts,
        )
    who = arn.rpartition(":")[2]
    return _finding("identity", CheckState.OK, "AWS identity", f"{who}.", facts=facts)


def _account_finding(context: CheckContext, identity: AwsIdentity, profiles: Sequence[AwsProfile]) -> Finding:
    wanted, name = context.settings.aws.account, context.settings.aws.account_name
    alias = one_line(identity.alias)
    shown = f"{identity.account} ({alias})" if alias else identity.account
    known = alias or ("none" if identity.alias_known else "could not be read (iam:ListAccountAliases)")
    facts = [Fact(label="account", value=identity.account), Fact(label="alias", value=known)]
    if wanted:
        facts.append(Fact(label="expected", value=f"{wanted} ({one_line(name)})" if name else wanted))
    if wanted and wanted != identity.account:
        summary = f"This is account {shown}, but the settings expect {wanted}."
        return _finding(
            "account",
            CheckState.BLOCKED,
            "Account",
            summary,
            facts=tuple(facts),
            fixes=_credential_fixes(context, profiles),
        )
    if name and alias and name != alias:
        summary = f"Account {shown} is called {one_line(name)} in the settings; make sure that it is the one."
        return _finding("account", CheckState.WARN, "Account", summary, facts=tuple(facts))
    if wanted:
        return _finding("account", CheckState.OK, "Account", f"{shown}, as the settings expect.", facts=tuple(facts))
    fix = Fix(
        id="expect",
        title="Write the account into ecotui.yaml",
        action=CopyText(text=f'aws:\n  account: "{identity.account}"'),
        changes="Nothing by itself; with these lines every other account is refused.",
    )
    summary = f"{shown}; the settings name no account (aws.account), so it is not compared."
    return _finding("account", CheckState.OK, "Account", summary, facts=tuple(facts), fixes=(fix,))


def _region_finding(context: CheckContext) -> Finding:
    region, wanted = context.aws.region, context.settings.aws.region
    if not region:
        return _finding(
            "region",
            CheckState.BLOCKED,
            "Region",
            "No region is set: not in the settings (aws.region), not in AWS_REGION, not in the profile.",
            fixes=(
                Fix(
                    id="set-region",
                    title="Set the region for this session",
                    action=SetVariable(name="AWS_REGION", purpose="the region of the cluster"),
                    changes="Everything that this session starts works in that region.",
                    risk=Risk.CHANGES,
                    recommended=True,
                ),
            ),
        )
    if wanted:
        for variable in ("AWS_REGION", "AWS_DEFAULT_REGION"):
            other = context.env.get(variable, "")
            if other and other != wanted:
                return _finding(
                    "region",
                    CheckState.WARN,
                    "Region",
                    f"The settings say {wanted}, {variable} says {one_line(other, limit=40)}; "
                    "commands that read the variable work in another region.",
                    fixes=(
                        Fix(
                            id="unset-region",
                            title=f"Leave {variable} out for this session",
                            action=UnsetVariable(name=variable),
                            changes=f"Nothing that this session starts sees {variable}.",
                            risk=Risk.CHANGES,
                            recommended=True,
                        ),
                    ),
                )
            if other:
                break
    origin = "the settings" if wanted else "AWS_REGION" if context.env.get("AWS_REGION") else "the AWS configuration"
    return _finding("region", CheckState.OK, "Region", f"{one_line(region, limit=40)}, from {origin}.")


def _error_finding(
    context: CheckContext, id_suffix: str, title: str, error: ExplainedError, profiles: Sequence[AwsProfile]
) -> Finding:
    late = error.kind in _BLOCKING_ERRORS
    ours = _credential_fixes(context, profiles) if late or error.kind is AwsErrorKind.CONFIGURATION else ()
    taken = {fix.id for fix in ours} | {RENEW_VARIABLES_FIX_ID}
    # Which login helps is known from the profile, so the general offer of an SSO login is left out where it is none.
    if late and error.kind is not AwsErrorKind.SSO:
        taken.add("sso-login")
    others = tuple(fix for fix in error.fixes if fix.id not in taken)
    return _finding(
        id_suffix,
        CheckState.BLOCKED if late else error.state,
        title,
        error.summary,
        fixes=(*ours, *others),
        raw=error.raw,
        denied=error.denied,
    )


def _credential_fixes(context: CheckContext, profiles: Sequence[AwsProfile]) -> tuple[Fix, ...]:
    """SSO login where the profile is an SSO one, another profile, keys for this session."""
    current = context.aws.profile
    account = context.settings.aws.account
    fixes: list[Fix] = []
    own = next((one for one in profiles if one.name == (current or "default")), None)
    right = own is not None and (not account or own.account in ("", account))
    if own is not None and own.method == "sso":
        fixes.append(
            Fix(
                id="sso-login",
                title=f"Log in with SSO as {own.name}",
                action=RunInTerminal(argv=("aws", "sso", "login", "--profile", own.name)),
                changes=f"A new SSO token is stored for the profile {own.name}.",
                risk=Risk.CHANGES,
                recommended=right,
            )
        )
    others = [one for one in profiles if one.name != current]
    others.sort(key=lambda one: (one.account != account if account else False, one.name))
    keys = [name for name in _KEY_VARIABLES if context.env.get(name)]
    # A profile named in the settings beats AWS_PROFILE, so that picking another one here would change nothing; keys in
    # the environment do so as well, and have to go first.
    named = bool(context.settings.aws.profile)
    if keys and profiles and not named:
        fixes.append(
            Fix(
                id="unset-keys",
                title="Leave the keys of the environment out, for this session, so that profiles count",
                action=UnsetVariable(name="AWS_ACCESS_KEY_ID"),
                changes="Nothing that this session starts sees AWS_ACCESS_KEY_ID; the profile's credentials are used.",
                risk=Risk.CHANGES,
                recommended=not fixes,
            )
        )
    elif others and not named:
        fixes.append(
            Fix(
                id="profile",
                title="Use another AWS profile for this session",
                action=PickProfile(choices=tuple(one.name for one in others)),
                changes="Everything that this session starts uses the profile.",
                risk=Risk.CHANGES,
                recommended=not fixes or not right,
            )
        )
    for variable in () if named else keys or _KEY_VARIABLES[:2]:
        fixes.append(
            Fix(
                id=f"set-{variable}",
                title=f"Set {variable} for this session",
                action=SetVariable(name=variable, secret=variable != _KEY_VARIABLES[0], purpose="AWS credentials"),
                changes="Everything that this session starts uses the value; it is stored nowhere.",
                risk=Risk.CHANGES,
            )
        )
    return tuple(fixes)


def _skipped_finding(id_suffix: str, title: str) -> Finding:
    return _finding(id_suffix, CheckState.SKIPPED, title, "Waits for credentials that AWS accepts.")


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
            parser.read_string(stream.read(_MAX_PROFILE_FILE_BYTES))
    except (OSError, configparser.Error):
        return {}  # the credentials finding says what is wrong with the file
    secret = ("aws_secret_access_key", "aws_session_token")
    return {
        name: {key: value or "" for key, value in parser.items(name) if key not in secret} for name in parser.sections()
    }

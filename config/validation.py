"""What a type cannot say: numbers in their ranges, ids in their shapes, names given once, commands not empty."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from config.errors import quote_value
from config.model import SHIPPED_GUIDE, Settings

SettingProblem = tuple[str, str]
"""The dotted key, and what is wrong with its value."""

_REGION = re.compile(r"[a-z]{2,4}(-[a-z]+){1,3}-\d{1,2}")
_ACCOUNT = re.compile(r"\d{12}")
_INSTANCE_TYPE = re.compile(r"[a-z0-9-]+\.[a-z0-9-]+")
_QUOTA_CODE = re.compile(r"L-[0-9A-F]{8}")
_VERSION = re.compile(r"\d+(\.\d+){0,3}")
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_REPOSITORY = re.compile(r"[A-Za-z0-9-]+/[A-Za-z0-9._-]+")
S3_URL_PATTERN = re.compile(r"s3://([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])(?:/([^\s]*))?")
"""Bucket and prefix (S3 user guide, "General purpose bucket naming rules")."""
LEASE_SECONDS_RANGE = (2.0, 3600.0)
"""Seconds. S3 tells its clock in whole seconds; an hour without a word is no lock but an obstacle."""


def find_setting_problems(settings: Settings) -> Iterator[SettingProblem]:
    """Everything that is wrong with settings whose types are right, in the order of the model."""
    yield from _validate_aws(settings)
    yield from _validate_environment(settings)
    yield from _validate_quota(settings)
    yield from _validate_tools(settings)
    yield from _validate_nodes(settings)
    yield from _validate_cleanup(settings)
    low, high = settings.cloudfront.normal_minutes
    if low < 0 or low >= high:
        yield "cloudfront.normal_minutes", f"expected [low, high] with low below high, got [{low}, {high}]"
    yield from _require_positive(
        ("cloudfront.poll", settings.cloudfront.poll), ("cloudfront.wait", settings.cloudfront.wait)
    )
    if settings.guide.language not in ("", "ko", "en"):
        yield "guide.language", f"expected ko or en, got {quote_value(settings.guide.language)}"
    if settings.guide.overlay == SHIPPED_GUIDE and SHIPPED_GUIDE in (settings.guide.documents or (SHIPPED_GUIDE,)):
        yield (
            "guide.overlay",
            f"{SHIPPED_GUIDE} has its overlay already; it is for your own version of that guide",
        )
    for key, stages in (("rebuild", settings.rebuild.stages), ("cleanup", settings.cleanup.stages)):
        for at, stage in enumerate(stages):
            try:
                re.compile(stage)
            except re.error as error:
                yield f"{key}.stages[{at}]", f"is no regular expression: {error}"
    if settings.sessions.keep_days < 0:
        yield "sessions.keep_days", f"must be 0 or more, is {settings.sessions.keep_days}"
    for key in ("team", "archive"):
        url = getattr(settings.sessions, key)
        if url and not S3_URL_PATTERN.fullmatch(url):
            yield f"sessions.{key}", f"{quote_value(url)} is no s3://bucket/prefix"
    if not LEASE_SECONDS_RANGE[0] <= settings.sessions.lease <= LEASE_SECONDS_RANGE[1]:
        yield (
            "sessions.lease",
            f"must be between {LEASE_SECONDS_RANGE[0]:g} and {LEASE_SECONDS_RANGE[1]:g} seconds, is {settings.sessions.lease:g}",
        )


def _validate_aws(settings: Settings) -> Iterator[SettingProblem]:
    aws = settings.aws
    if aws.region and not _REGION.fullmatch(aws.region):
        yield "aws.region", f"{quote_value(aws.region)} is not a region; one looks like eu-west-1"
    if aws.account and not _ACCOUNT.fullmatch(aws.account):
        yield "aws.account", f"{quote_value(aws.account)} is not an account id, which is 12 digits"
    yield from _require_positive(("aws.timeout", aws.timeout))


def _validate_environment(settings: Settings) -> Iterator[SettingProblem]:
    environment = settings.environment
    for at, tool in enumerate(environment.tools):
        if tool.minimum and not _VERSION.fullmatch(tool.minimum):
            yield (
                f"environment.tools[{at}].minimum",
                f"{quote_value(tool.minimum)} is not a version such as 1.5.0",
            )
    for at, variable in enumerate(environment.variables):
        if not _VARIABLE.fullmatch(variable.name):
            yield (
                f"environment.variables[{at}].name",
                f"{quote_value(variable.name)} is not the name of a variable",
            )
    yield from _require_unique("environment.tools", "name", (tool.name for tool in environment.tools))
    yield from _require_unique("environment.variables", "name", (variable.name for variable in environment.variables))
    yield from _require_not_empty("environment.files", environment.files)


def _validate_quota(settings: Settings) -> Iterator[SettingProblem]:
    quota = settings.quota
    for at, limit in enumerate(quota.limits):
        if not _QUOTA_CODE.fullmatch(limit.code):
            yield (
                f"quota.limits[{at}].code",
                f"{quote_value(limit.code)} is not a quota code such as L-1216C47A",
            )
        for key, value in (("needed", limit.needed), ("desired", limit.desired)):
            if value is not None and value < 0:
                yield f"quota.limits[{at}].{key}", f"must be 0 or more, is {value:g}"
    yield from _require_unique("quota.limits", "code", (limit.code for limit in quota.limits))
    yield from _require_positive(("quota.poll", quota.poll), ("quota.wait", quota.wait))


def _validate_tools(settings: Settings) -> Iterator[SettingProblem]:
    github, terraform, kubectl = settings.github, settings.terraform, settings.kubectl
    if not github.host or "/" in github.host or " " in github.host:
        yield "github.host", f"{quote_value(github.host)} is not a host name such as github.com"
    if github.repository and not _REPOSITORY.fullmatch(github.repository):
        yield "github.repository", f"{quote_value(github.repository)} is not OWNER/NAME"
    for key, command in (("terraform.command", terraform.command), ("kubectl.command", kubectl.command)):
        if not command or not command[0].strip():
            yield key, "the command is empty"
        elif any("\0" in word for word in command):
            yield key, "a NUL byte cannot be part of a command"
    if not terraform.directory:
        yield "terraform.directory", "is empty; write . for the project's own folder"
    yield from _require_not_empty("terraform.var_files", terraform.var_files)
    if terraform.parallelism < 1:
        yield "terraform.parallelism", f"must be 1 or more, is {terraform.parallelism}"
    yield from _require_positive(("terraform.timeout", terraform.timeout), ("kubectl.timeout", kubectl.timeout))


def _validate_nodes(settings: Settings) -> Iterator[SettingProblem]:
    nodes = settings.nodes
    for at, group in enumerate(nodes.groups):
        if not group.name:
            yield f"nodes.groups[{at}].name", "is empty"
        if group.count < 0:
            yield f"nodes.groups[{at}].count", f"must be 0 or more, is {group.count}"
        if not _INSTANCE_TYPE.fullmatch(group.instance_type):
            yield (
                f"nodes.groups[{at}].instance_type",
                f"{quote_value(group.instance_type)} is not an instance type such as t3a.medium",
            )
        if not group.pattern:
            yield f"nodes.groups[{at}].pattern", "is empty; no node would match it"
    yield from _require_unique("nodes.groups", "name", (group.name for group in nodes.groups))
    yield from _require_positive(("nodes.poll", nodes.poll), ("nodes.wait", nodes.wait))


def _validate_cleanup(settings: Settings) -> Iterator[SettingProblem]:
    cleanup = settings.cleanup
    # A selector that takes everything would offer the whole account for deletion.
    for at, pattern in enumerate(cleanup.names):
        if not pattern.strip("*? "):
            yield f"cleanup.names[{at}]", f"{quote_value(pattern)} would match every resource of the account"
    for at, prefix in enumerate(cleanup.prefixes):
        if not prefix.strip():
            yield f"cleanup.prefixes[{at}]", "an empty prefix would match every resource of the account"
    yield from _require_not_empty("cleanup.exact", cleanup.exact)
    yield from _require_positive(("cleanup.poll", cleanup.poll), ("cleanup.wait", cleanup.wait))


def _require_positive(*values: tuple[str, float]) -> Iterator[SettingProblem]:
    for key, value in values:
        if value <= 0:
            yield key, f"must be more than 0 seconds, is {value:g}"


def _require_not_empty(key: str, values: Iterable[str]) -> Iterator[SettingProblem]:
    for at, value in enumerate(values):
        if not value.strip():
            yield f"{key}[{at}]", "is empty"


def _require_unique(key: str, field: str, names: Iterable[str]) -> Iterator[SettingProblem]:
    seen: dict[str, int] = {}
    for at, name in enumerate(names):
        if name in seen:
            yield f"{key}[{at}].{field}", f"{quote_value(name)} is given twice, first in {key}[{seen[name]}]"
        seen.setdefault(name, at)

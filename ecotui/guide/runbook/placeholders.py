"""Values for the placeholders in a guide's commands: from the settings, the last checks and the environment."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any, Protocol

from checks.finding import Report
from checks.secret_names import is_secret_placeholder
from config.model import Settings
from ecotui.guide.runbook.commands import Placeholder, Word

PLACEHOLDERS_BY_LEFTOVER_KIND = {
    "iam-policy": (("policy_arn", "policy"), ("policy_name",)),
    "iam-role": ((), ("role", "role_name")),
    "instance-profile": ((), ("instance_profile", "profile_name")),
    "key-pair": ((), ("key_name", "key_pair", "keypair")),
    "s3-bucket": ((), ("bucket", "bucket_name")),
}
"""Kind of leftover to the placeholders for its ARN (or id), and those for its name."""


@dataclass(frozen=True)
class PlaceholderValue:
    """A value, and its source in plain words."""

    value: str
    source: str
    alternative_count: int = 0
    """The number of other candidates."""


@dataclass(frozen=True)
class PlaceholderValues:
    """All known values by placeholder name (lower case, underscores), and the environment."""

    by_name: Mapping[str, PlaceholderValue] = field(default_factory=dict)
    env: Mapping[str, str] = field(default_factory=dict)

    def lookup(self, name: str) -> PlaceholderValue | None:
        """The value of a name; None when it is not known, and for every secret-looking name."""
        if is_secret_placeholder(name):
            return None
        if name in self.by_name:
            return self.by_name[name]
        for variable in (name.upper(), name.upper().removeprefix("YOUR_"), f"GITHUB_{name.upper()[5:]}"):
            if value := self.env.get(variable, ""):
                return PlaceholderValue(value, f"the variable {variable}")
        return None

    def with_value(self, name: str, value: str, source: str) -> PlaceholderValues:
        """These values and one more, unless the name has a value."""
        if not value or name in self.by_name or is_secret_placeholder(name):
            return self
        return PlaceholderValues({**self.by_name, name: PlaceholderValue(value, source)}, self.env)


@dataclass(frozen=True)
class FilledText:
    """A text with its placeholders filled."""

    text: str
    substitutions: tuple[tuple[str, PlaceholderValue], ...] = ()
    """Each placeholder as written, and its value."""
    missing_placeholders: tuple[Placeholder, ...] = ()


def fill_placeholders(word: Word, values: PlaceholderValues) -> FilledText:
    """Fill the placeholders of a word. Those without a value stay as written."""
    text = ""
    substitutions: list[tuple[str, PlaceholderValue]] = []
    missing: list[Placeholder] = []
    for part in word:
        if isinstance(part, str):
            text += part
            continue
        value = values.lookup(part.name)
        # A value that begins like an option would be read as one.
        if value is None or (not text and value.value.startswith("-")):
            text += part.source_text
            missing.append(part)
        else:
            text += value.value
            substitutions.append((part.source_text, value))
    return FilledText(text, tuple(substitutions), tuple(missing))


class AddValue(Protocol):
    """Adds a value for these names, with its source and the number of other candidates."""

    def __call__(self, names: Iterable[str], value: str, source: str, others: int = 0) -> None: ...


def collect_placeholder_values(
    settings: Settings, project: Path, reports: Mapping[str, Report], env: Mapping[str, str]
) -> PlaceholderValues:
    """All values that a guide's command may need. The surest source comes first and wins."""
    by_name: dict[str, PlaceholderValue] = {}

    def add(names: Iterable[str], value: str, source: str, others: int = 0) -> None:
        for name in names:
            if value:
                by_name.setdefault(name, PlaceholderValue(value, source, others))

    _add_distributions(reports, add)
    _add_leftovers(reports, add)
    _add_nodes(reports, add)
    add(("region", "aws_region", "aws_default_region"), settings.aws.region, "aws.region in the settings")
    add(("profile", "aws_profile"), settings.aws.profile, "aws.profile in the settings")
    account = _fact_value(reports, "environment", "environment.account", "environment.identity", label="account")
    add(("account", "account_id", "aws_account_id"), account, "the environment check")
    add(("account", "account_id", "aws_account_id"), settings.aws.account, "aws.account in the settings")
    add(("project_root", "project_dir", "repo_root"), str(project), "the project folder")
    add(
        ("terraform_dir", "terraform_directory"),
        settings.terraform.directory,
        "terraform.directory in the settings",
    )
    add(("project", "project_name"), settings.project, "project in the settings")
    add(("repository", "repo"), settings.github.repository, "github.repository in the settings")
    add(("home",), env.get("HOME", ""), "the variable HOME")
    return PlaceholderValues(by_name, env)


def apply_settings_to_options(
    argv: Sequence[str], settings: Settings
) -> tuple[tuple[str, ...], tuple[tuple[str, PlaceholderValue], ...]]:
    """A command with the region and the desired limit of the settings, and what was replaced."""
    result = list(argv)
    replaced: list[tuple[str, PlaceholderValue]] = []
    for index, (option, value) in enumerate(pairwise(argv), 1):
        setting, source = "", ""
        if option == "--region":
            setting, source = settings.aws.region, "aws.region in the settings"
        elif option == "--desired-value" and "--quota-code" in argv[:-1]:
            code = argv[list(argv).index("--quota-code") + 1]
            desired = next((one.desired for one in settings.quota.limits if one.code == code), None)
            setting, source = (f"{desired:g}" if desired else ""), "quota.limits in the settings"
        if setting and value != setting:
            result[index] = setting
            replaced.append((f"{option} {value}", PlaceholderValue(setting, source)))
    return tuple(result), tuple(replaced)


def _detail_rows(reports: Mapping[str, Report], step: str, key: str) -> list[dict[str, Any]]:
    """A table of a report's detail; empty if another version of ecotui wrote it in another shape."""
    report = reports.get(step)
    rows = (report.detail or {}).get(key) if report is not None else None
    return [row for row in rows if isinstance(row, dict)] if isinstance(rows, list | tuple) else []


def _add_distributions(reports: Mapping[str, Report], add: AddValue) -> None:
    rows = _detail_rows(reports, "cloudfront", "rows")
    # First those still being deployed, then those that terraform manages.
    rows.sort(key=lambda row: (row.get("status") == "Deployed", row.get("managed") is not True))
    if rows and (ident := str(rows[0].get("id", ""))):
        name = str(rows[0].get("name", ""))
        add(("distribution_id", "dist_id"), ident, f"the CloudFront check: {name}", len(rows) - 1)
        add(("distribution_domain",), str(rows[0].get("domain", "")), f"the CloudFront check: {name}")


def _add_leftovers(reports: Mapping[str, Report], add: AddValue) -> None:
    rows = _detail_rows(reports, "cleanup", "resources")
    for kind, (ids, names) in PLACEHOLDERS_BY_LEFTOVER_KIND.items():
        of_kind = [row for row in rows if row.get("kind") == kind and not row.get("protected")]
        if not of_kind:
            continue
        first, others = of_kind[0], len(of_kind) - 1
        source = f"the cleanup check: {first.get('name', '')}"
        add(ids, str(first.get("arn") or first.get("id", "")), source, others)
        add(names, str(first.get("name", "")), source, others)
    for row in rows:
        if row.get("kind") == "cloudfront":
            source = f"the cleanup check: {row.get('name', '')}"
            add(("distribution_id", "dist_id"), str(row.get("id", "")), source)


def _add_nodes(reports: Mapping[str, Report], add: AddValue) -> None:
    """`node` is the first node that is not Ready; the master's address has a name of its own."""
    rows = _detail_rows(reports, "nodes", "rows")
    for row in rows:
        source = f"the nodes check: {row.get('name', '')}"
        if row.get("group") == "master":
            address = str(row.get("public_ip") or row.get("internal_ip") or "")
            add(("master_ip", "master_node_ip"), address, source)
        if not row.get("ready"):
            add(("node", "node_name"), str(row.get("name", "")), source)
            add(("instance_id",), str(row.get("instance_id", "")), source)
            add(("node_ip",), str(row.get("internal_ip", "")), source)


def _fact_value(reports: Mapping[str, Report], step: str, *findings: str, label: str) -> str:
    report = reports.get(step)
    for finding in report.findings if report is not None else ():
        if finding.id in findings:
            for fact in finding.facts:
                if fact.label.lower() == label:
                    return fact.value
    return ""

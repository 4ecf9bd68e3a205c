"""What stands for the holes in a guide's commands: from the settings, what was found, and the environment."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
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
"""Kind of leftover to the names that mean its ARN (or id), and those that mean what it is called."""


@dataclass(frozen=True)
class PlaceholderValue:
    """A value, and where it comes from in plain words."""

    value: str
    source: str
    alternative_count: int = 0
    """How many more things could have been meant."""


@dataclass(frozen=True)
class PlaceholderValues:
    """All that is known, by the normal form of a name (lower case, underscores)."""

    by_name: Mapping[str, PlaceholderValue] = field(default_factory=dict)
    env: Mapping[str, str] = field(default_factory=dict)

    def lookup(self, name: str) -> PlaceholderValue | None:
        """The value of a name; None when it is not known, and always for what looks secret."""
        if is_secret_placeholder(name):
            return None
        if found := self.by_name.get(name):
            return found
        for variable in (name.upper(), name.upper().removeprefix("YOUR_"), f"GITHUB_{name.upper()[5:]}"):
            if value := self.env.get(variable, ""):
                return PlaceholderValue(value, f"the variable {variable}")
        return None

    def with_value(self, name: str, value: str, source: str) -> PlaceholderValues:
        """These, and one more where the name is not known better."""
        if not value or name in self.by_name or is_secret_placeholder(name):
            return self
        return PlaceholderValues({**self.by_name, name: PlaceholderValue(value, source)}, self.env)


@dataclass(frozen=True)
class FilledText:
    """A text with its holes filled."""

    text: str
    substitutions: tuple[tuple[str, PlaceholderValue], ...] = ()
    """The holes as they were written, and what was put in."""
    missing_placeholders: tuple[Placeholder, ...] = ()


def fill_placeholders(word: Word, values: PlaceholderValues) -> FilledText:
    """Fill a word's holes. What is not known stays as it is written."""
    text = ""
    used: list[tuple[str, PlaceholderValue]] = []
    missing: list[Placeholder] = []
    for part in word:
        if isinstance(part, str):
            text += part
            continue
        known = values.lookup(part.name)
        # A value that begins like an option would be taken for one.
        if known is None or (not text and known.value.startswith("-")):
            text += part.source_text
            missing.append(part)
        else:
            text += known.value
            used.append((part.source_text, known))
    return FilledText(text, tuple(used), tuple(missing))


class AddValue(Protocol):
    """Tell a value that these names may stand for, where it comes from, and how many others it could have been."""

    def __call__(self, names: Iterable[str], value: str, source: str, others: int = 0) -> None: ...


def collect_placeholder_values(
    settings: Settings, project: Path, reports: Mapping[str, Report], env: Mapping[str, str]
) -> PlaceholderValues:
    """Everything that a guide's command may need, the surest source first."""
    known: dict[str, PlaceholderValue] = {}

    def say(names: Iterable[str], value: str, source: str, others: int = 0) -> None:
        for name in names:
            if value:
                known.setdefault(name, PlaceholderValue(value, source, others))

    _add_distributions(reports, say)
    _add_leftovers(reports, say)
    _add_nodes(reports, say)
    say(("region", "aws_region", "aws_default_region"), settings.aws.region, "aws.region in the settings")
    say(("profile", "aws_profile"), settings.aws.profile, "aws.profile in the settings")
    account = _fact_value(reports, "environment", "environment.account", "environment.identity", label="account")
    say(("account", "account_id", "aws_account_id"), account, "the look at the environment")
    say(("account", "account_id", "aws_account_id"), settings.aws.account, "aws.account in the settings")
    say(("project_root", "project_dir", "repo_root"), str(project), "the project folder")
    say(
        ("terraform_dir", "terraform_directory"),
        settings.terraform.directory,
        "terraform.directory in the settings",
    )
    say(("project", "project_name"), settings.project, "project in the settings")
    say(("repository", "repo"), settings.github.repository, "github.repository in the settings")
    say(("home",), env.get("HOME", ""), "the variable HOME")
    return PlaceholderValues(known, env)


def apply_settings_to_options(
    argv: Sequence[str], settings: Settings
) -> tuple[tuple[str, ...], tuple[tuple[str, PlaceholderValue], ...]]:
    """A document's own region and wished limit, replaced by what the settings say; and what was replaced."""
    result = list(argv)
    changed: list[tuple[str, PlaceholderValue]] = []
    for at in range(1, len(result)):
        option, value = result[at - 1], result[at]
        wanted, source = "", ""
        if option == "--region":
            wanted, source = settings.aws.region, "aws.region in the settings"
        elif option == "--desired-value" and "--quota-code" in argv[:-1]:
            code = argv[list(argv).index("--quota-code") + 1]
            wished = next((one.desired for one in settings.quota.limits if one.code == code), None)
            wanted, source = (f"{wished:g}" if wished else ""), "quota.limits in the settings"
        if wanted and value != wanted:
            result[at] = wanted
            changed.append((f"{option} {value}", PlaceholderValue(wanted, source)))
    return tuple(result), tuple(changed)


def _detail_rows(reports: Mapping[str, Report], step: str, key: str) -> list[dict[str, Any]]:
    """A table of a report's detail. Details of another version of ecotui have other shapes: then it is empty."""
    report = reports.get(step)
    rows = (report.detail or {}).get(key) if report is not None else None
    return [row for row in rows if isinstance(row, dict)] if isinstance(rows, list | tuple) else []


def _add_distributions(reports: Mapping[str, Report], add: AddValue) -> None:
    rows = _detail_rows(reports, "cloudfront", "rows")
    # What is being deployed is what one asks about; then what terraform manages.
    rows.sort(key=lambda row: (row.get("status") == "Deployed", row.get("managed") is not True))
    if rows and (ident := str(rows[0].get("id", ""))):
        name = str(rows[0].get("name", ""))
        add(("distribution_id", "dist_id"), ident, f"the look at CloudFront: {name}", len(rows) - 1)
        add(("distribution_domain",), str(rows[0].get("domain", "")), f"the look at CloudFront: {name}")


def _add_leftovers(reports: Mapping[str, Report], add: AddValue) -> None:
    rows = _detail_rows(reports, "cleanup", "resources")
    for kind, (ids, names) in PLACEHOLDERS_BY_LEFTOVER_KIND.items():
        of_kind = [row for row in rows if row.get("kind") == kind and not row.get("protected")]
        if not of_kind:
            continue
        first, others = of_kind[0], len(of_kind) - 1
        source = f"the look at the cleanup: {first.get('name', '')}"
        add(ids, str(first.get("arn") or first.get("id", "")), source, others)
        add(names, str(first.get("name", "")), source, others)
    for row in rows:
        if row.get("kind") == "cloudfront":
            add(
                ("distribution_id", "dist_id"),
                str(row.get("id", "")),
                f"the look at the cleanup: {row.get('name', '')}",
            )


def _add_nodes(reports: Mapping[str, Report], add: AddValue) -> None:
    """The node that is asked about is the first that is not Ready; the master's addresses are its own."""
    rows = _detail_rows(reports, "nodes", "rows")
    for row in rows:
        source = f"the look at the nodes: {row.get('name', '')}"
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

"""The seven steps all lead to their entries: each finding that the guide has something about, and what is said of the rest."""

from __future__ import annotations

import ast

import pytest
from support import ROOT
from support.reports import finding, report

from checks.apply.forecast.collisions import COLLISION_KINDS
from checks.cleanup.kinds import KINDS as LEFTOVERS
from checks.cleanup.model import CleanupDetail
from checks.cloudfront import check as cloudfront_check
from checks.cloudfront.model import DistributionRow
from checks.environment.project_files import CHECKLIST_GUIDE, NO_CONFIGURATION_GUIDE
from checks.finding import CheckState, Finding
from checks.github import check as github_check
from checks.github import secrets
from checks.nodes import check as nodes_check
from checks.steps import STEPS
from checks.tools.terraform_errors import Diagnostic, guide_entries_for_diagnostics
from ecotui.guide.cause import CauseState, check_cause
from ecotui.guide.reading.library import GuideLibrary, load_shipped_library

CHECKS = ROOT / "checks"
RESPONSE = "7.3"

LEADS = {
    "environment": {
        "variable.*": "7.1",
        "terraform-folder": "1.6",
        # What is wrong with tools, credentials, files: the guide has nothing about them.
        "*": RESPONSE,
        "account": RESPONSE,
        "credentials": RESPONSE,
        "identity": RESPONSE,
        "project": RESPONSE,
        "region": RESPONSE,
        "team": RESPONSE,
    },
    "quota": {"vcpu": "3.1", "*": RESPONSE, "list": RESPONSE, "look": RESPONSE},
    "github": {"login": "5.1", "scopes": "5.1", "token": "5.1", "repository": "5.1", "*": "5.1"},
    "cleanup": {
        "iam-policy": "2.1",
        "iam-role": "2.1",
        "instance-profile": "2.1",
        "key-pair": "4.1",
        "s3-bucket": "4.2",
        "cloudfront": "6.2",
        "cloudfront-oai": "6.2",
        "route53-record": "6.2",
        "*": RESPONSE,
        "account": RESPONSE,
        "identity": RESPONSE,
        "kinds": RESPONSE,
        "leftovers": RESPONSE,
        "look.*": RESPONSE,
        "script": RESPONSE,
        "state": RESPONSE,
    },
    "apply": {
        "configuration": "1.1 to 1.6",
        "*": "of what is taken, or too little",
        "collisions": RESPONSE,
        "unknowable": RESPONSE,
        "unlooked:*": RESPONSE,
        "warned:*": "4.2 or 6.2",
        "why": "6.1 of a distribution",
    },
    "cloudfront": {"distribution.*": "6.1 or 6.2", "list": RESPONSE, "tags": RESPONSE},
    "nodes": {
        "api": "7.2",
        "ec2": RESPONSE,
        "group.*": "7.2",
        "node.*": "7.2",
        "pods": "7.2",
        "unexpected": "7.2",
    },
}
"""Step to finding to the entry that `g` opens. `*` in a name is what varies, alone it is every other name."""


@pytest.fixture(scope="module")
def library() -> GuideLibrary:
    return load_shipped_library("en")


def entries(library: GuideLibrary, found: Finding) -> tuple[str, ...]:
    explained = library.entries_explaining(found)
    assert all(library.entry_in_language(entry, language) for entry in explained for language in ("ko", "en"))
    return explained or (library.response_entry,)


FACTORIES = ("Finding", "_finding", "build_finding", "unknown_finding", "_error_finding", "_skipped_finding")
"""What builds a finding in the checks. `_finding` is `build_finding` with its step."""


def names(step: str) -> set[str]:
    """The names of findings that a step's sources write out."""
    sources = [*CHECKS.glob(f"{step}*.py"), *(CHECKS / step).rglob("*.py")]
    if step == "cleanup":
        sources += (CHECKS / "script").glob("*.py")
    found = set()
    for source in sources:
        for node in ast.walk(ast.parse(source.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.Call):
                continue
            called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            if called not in FACTORIES:
                continue
            # `build_finding(step, id, ...)`; the others begin with the id.
            place = 1 if called in ("build_finding", "_error_finding") else 0
            given = [one.value for one in node.keywords if one.arg == "id"] + node.args[place : place + 1]
            match given[:1]:
                case [ast.Constant(value=str(text))]:
                    found.add(text.removeprefix(f"{step}."))
                case [ast.JoinedStr(values=parts)]:
                    text = "".join(str(one.value) if isinstance(one, ast.Constant) else "*" for one in parts)
                    found.add(text.removeprefix(f"{step}."))
    return found


@pytest.mark.parametrize("step", [step.id for step in STEPS])
def test_every_finding_that_a_step_writes_out_is_named_here(step: str) -> None:
    written = names(step)
    assert written
    assert written - set(LEADS[step]) == set()


def test_a_variable_and_a_folder_lead_to_the_checklist_and_to_the_missing_configuration(
    library: GuideLibrary,
) -> None:
    for name, numbers in (("variable.VERSION", CHECKLIST_GUIDE), ("terraform-folder", NO_CONFIGURATION_GUIDE)):
        found = finding(f"environment.{name}", CheckState.BLOCKED, "x", guide=numbers)
        assert entries(library, found)[0] == LEADS["environment"][name.replace("VERSION", "*")]
    assert entries(library, finding("environment.kubectl", CheckState.BLOCKED, "x")) == (RESPONSE,)


@pytest.mark.parametrize("name", ["login", "scopes", "token", "repository", "secret.X"])
def test_everything_of_github_leads_to_its_entry(library: GuideLibrary, name: str) -> None:
    for made in (github_check._finding, secrets._finding):
        assert entries(library, made(name, CheckState.BLOCKED, "t", "x"))[0] == "5.1"
        assert library.entries_explaining(made(name, CheckState.OK, "t", "x")) == ()


@pytest.mark.parametrize("kind", LEFTOVERS, ids=[kind.id for kind in LEFTOVERS])
def test_a_leftover_leads_to_the_entry_about_its_kind(library: GuideLibrary, kind) -> None:
    found = finding(f"cleanup.{kind.id}", CheckState.BLOCKED, "x", guide=kind.guide)
    assert entries(library, found)[0] == LEADS["cleanup"].get(kind.id, RESPONSE)


@pytest.mark.parametrize(
    ("resource", "entry"),
    [
        ("aws_iam_policy", "2.1"),
        ("aws_iam_role", "2.1"),
        ("aws_iam_instance_profile", "2.1"),
        ("aws_key_pair", "4.1"),
        ("aws_s3_bucket", "4.2"),
        ("aws_cloudfront_distribution", "6.2"),
        ("aws_route53_record", "6.2"),
        ("aws_vpc", RESPONSE),
    ],
)
def test_a_name_that_is_taken_leads_to_the_entry_about_its_error(
    library: GuideLibrary, resource: str, entry: str
) -> None:
    kind = COLLISION_KINDS.get(resource)
    numbers = kind.guide if kind else ()
    found = finding(f"apply.collision:{resource}.x", CheckState.BLOCKED, "x", guide=numbers)
    assert entries(library, found)[0] == entry
    if entry != RESPONSE:
        assert check_cause(library, entry, {"apply": report("apply", found)}).state is CauseState.PRESENT


@pytest.mark.parametrize(
    ("summary", "detail", "entry"),
    [
        ('Duplicate resource "aws_iam_policy" configuration', "", "1.1"),
        ("Provider configuration not present", "", "1.2"),
        ("Reference to undeclared resource", "", "1.3"),
        ("Missing resource instance key", "", "1.4"),
        ("Invalid Attribute Combination", "one of [rule[0].filter,rule[0].prefix]", "1.5"),
        ("No configuration files", "", "1.6"),
        ("Unsupported argument", "", RESPONSE),
    ],
)
def test_what_terraform_refuses_leads_to_the_entry_about_it(
    library: GuideLibrary, summary: str, detail: str, entry: str
) -> None:
    numbers = guide_entries_for_diagnostics([Diagnostic(severity="error", summary=summary, detail=detail)])
    found = finding("apply.configuration", CheckState.BLOCKED, summary, guide=numbers)
    assert entries(library, found)[0] == entry
    if entry != RESPONSE:
        assert check_cause(library, entry, {"apply": report("apply", found)}).state is CauseState.PRESENT


def test_a_distribution_leads_to_waiting_or_to_deleting(library: GuideLibrary) -> None:
    row = {"id": "E1", "name": "cdn", "domain": "d.cloudfront.net", "elapsed": 60.0}
    waiting = cloudfront_check._distribution_finding(DistributionRow(status="InProgress", **row), 5, 15)
    left = cloudfront_check._distribution_finding(DistributionRow(status="Deployed", managed=False, **row), 5, 15)
    assert (entries(library, waiting)[0], entries(library, left)[0]) == ("6.1", "6.2")


def test_everything_wrong_with_nodes_leads_to_the_commands_for_debugging(library: GuideLibrary) -> None:
    for name in ("api", "group.worker", "node.k8s-1", "pods", "unexpected"):
        assert entries(library, nodes_check._finding(name, CheckState.BLOCKED, "t", "x")) == ("7.2",)


# -- the verdict of the live check -----------------------------------------------------------------------------------


def cleanup(*findings: Finding, looked_at: tuple[str, ...] = ()):
    return {"cleanup": report("cleanup", *findings, detail=CleanupDetail(looked_at=looked_at))}


@pytest.mark.parametrize(
    ("entry", "kind"),
    [("2.1", "iam-policy"), ("4.1", "key-pair"), ("4.2", "s3-bucket"), ("6.2", "cloudfront")],
)
def test_leftovers_of_its_kind_are_the_cause_and_only_a_check_of_that_kind_proves_their_absence(
    library: GuideLibrary, entry: str, kind: str
) -> None:
    every = tuple(one.id for one in LEFTOVERS)
    numbers = next(one.guide for one in LEFTOVERS if one.id == kind)
    there = finding(f"cleanup.{kind}", CheckState.BLOCKED, "4 of them left of an earlier deployment", guide=numbers)
    verdict = check_cause(library, entry, cleanup(there, looked_at=every))
    assert verdict.summary() == "The cause is present: 4 of them left of an earlier deployment"
    other = finding("cleanup.vpc", CheckState.BLOCKED, "1 VPC left")
    assert check_cause(library, entry, cleanup(other, looked_at=every)).state is CauseState.ABSENT
    denied = finding(f"cleanup.look.{kind}", CheckState.UNKNOWN, "Not allowed to list them")
    blind = check_cause(library, entry, cleanup(other, denied, looked_at=tuple(set(every) - {kind})))
    assert (blind.state, blind.summary()) == (CauseState.UNKNOWN, "Could not be checked: Not allowed to list them")
    # Another account, or nobody: nothing was looked at.
    for name in ("account", "identity", "kinds"):
        nothing = finding(f"cleanup.{name}", CheckState.BLOCKED, "nothing was looked at")
        assert check_cause(library, entry, cleanup(nothing)).state is CauseState.UNKNOWN
    none = finding("cleanup.leftovers", CheckState.OK, "Nothing of an earlier deployment is left")
    fine = check_cause(library, entry, cleanup(none, looked_at=every))
    assert fine.summary() == "The cause is absent: Nothing of an earlier deployment is left"


@pytest.mark.parametrize(
    ("entry", "found", "cause"),
    [
        ("3.1", finding("quota.vcpu", CheckState.OK, "enough"), CauseState.ABSENT),
        ("3.1", finding("quota.vcpu", CheckState.UNKNOWN, "no value"), CauseState.UNKNOWN),
        ("3.1", finding("quota.look", CheckState.UNKNOWN, "no credentials"), CauseState.UNKNOWN),
        ("3.1", finding("quota.elastic-ip", CheckState.BLOCKED, "too few addresses"), CauseState.UNKNOWN),
        ("3.2", finding("quota.vcpu", CheckState.BLOCKED, "one is open", guide=("3.2", "3.1")), CauseState.PRESENT),
        ("3.2", finding("quota.vcpu", CheckState.BLOCKED, "too few", guide=("3.1",)), CauseState.ABSENT),
        (
            "3.2",
            finding("quota.vcpu", CheckState.BLOCKED, "too few", guide=("3.1",), denied=("requests",)),
            CauseState.UNKNOWN,
        ),
        ("5.1", finding("github.scopes", CheckState.OK, "all there"), CauseState.ABSENT),
        ("5.1", finding("github.scopes", CheckState.UNKNOWN, "not told", guide=("5.1",)), CauseState.UNKNOWN),
        ("5.1", finding("github.login", CheckState.SKIPPED, "not looked at: disabled"), CauseState.UNKNOWN),
        ("5.1", finding("github.repository", CheckState.BLOCKED, "no such one", guide=("5.1",)), CauseState.UNKNOWN),
        ("6.1", finding("cloudfront.distribution.E1", CheckState.OK, "deployed"), CauseState.ABSENT),
        ("6.1", finding("cloudfront.list", CheckState.SKIPPED, "none yet"), CauseState.ABSENT),
        ("6.1", finding("cloudfront.list", CheckState.UNKNOWN, "denied"), CauseState.UNKNOWN),
        ("1.1", finding("apply.configuration", CheckState.OK, "valid"), CauseState.ABSENT),
        ("1.1", finding("apply.configuration", CheckState.BLOCKED, "x", guide=("1.3",)), CauseState.ABSENT),
        ("1.1", finding("apply.configuration", CheckState.WARN, "not initialised yet"), CauseState.UNKNOWN),
        ("1.1", finding("apply.configuration", CheckState.UNKNOWN, "no terraform"), CauseState.UNKNOWN),
        ("7.1", finding("environment.variable.VERSION", CheckState.BLOCKED, "x", guide=("7.1",)), CauseState.PRESENT),
        ("7.1", finding("environment.variable.VERSION", CheckState.OK, "set"), CauseState.ABSENT),
        ("7.2", finding("nodes.api", CheckState.OK, "answers"), CauseState.ABSENT),
        ("7.2", finding("nodes.api", CheckState.UNKNOWN, "forbidden", guide=("7.2",)), CauseState.UNKNOWN),
    ],
)
def test_a_cause_is_absent_only_if_it_was_checked(
    library: GuideLibrary, entry: str, found: Finding, cause: CauseState
) -> None:
    assert check_cause(library, entry, {found.step: report(found.step, found)}).state is cause


def test_every_entry_with_a_checkable_cause_has_a_check(library: GuideLibrary) -> None:
    without = [one.id for one in library.entries if check_cause(library, one.id, {}).state is CauseState.NO_CHECK]
    assert without == ["7.3", "8", "9"]

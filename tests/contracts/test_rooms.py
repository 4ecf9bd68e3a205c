"""What makes the code easy to enter: short functions, names that mean one thing, modules that stand apart for a reason."""

from __future__ import annotations

import ast
from collections import defaultdict
from functools import cache
from pathlib import Path

import grimp
import pytest
from support import ROOT

PACKAGES = ("ecotui", "screens", "checks", "config")
LONGEST_FUNCTION = 60
"""Lines."""
LONGEST_MODULE = 600
"""Lines. A module of one thing may have so many; more is not one thing."""

PROTOCOLS = {
    "check": "each step's check(context) -> Report",
    "configure": "each command's options",
    "run": "each command",
    "main": "what a process starts with",
}
"""Function names that several modules share because somebody calls all of them by that name."""

NOT_NAMES = frozenset(
    [
        "utils",
        "util",
        "helpers",
        "helper",
        "misc",
        "common",
        "manager",
        "managers",
        "stuff",
        "looking",
        "seen",
        "told",
        "going",
        "kept",
        "holding",
        "standing",
        "walking",
        "deeds",
        "theirs",
        "whose",
        "behind",
        "again",
        "of",
        "said",
        "saying",
    ]
)
"""Words that say nothing of what a module holds."""


@cache
def modules() -> dict[Path, ast.Module]:
    """Path to its syntax tree."""
    paths = sorted(path for package in PACKAGES for path in (ROOT / package).rglob("*.py"))
    return {path: ast.parse(path.read_text(encoding="utf-8")) for path in paths}


def name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def test_no_function_is_longer_than_a_screen() -> None:
    long = [
        f"{name(path)}:{node.lineno} {node.name}"
        for path, tree in modules().items()
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and (node.end_lineno or 0) - node.lineno + 1 > LONGEST_FUNCTION
    ]
    assert long == []


def test_no_module_is_longer_than_one_thing() -> None:
    lengths = {name(path): len(path.read_text(encoding="utf-8").splitlines()) for path in modules()}
    assert len(lengths) > 100
    assert {path: lines for path, lines in lengths.items() if lines > LONGEST_MODULE} == {}


@pytest.mark.parametrize("kinds", [(ast.ClassDef,), (ast.FunctionDef, ast.AsyncFunctionDef)], ids=["class", "function"])
def test_no_public_name_means_two_things(kinds: tuple[type[ast.AST], ...]) -> None:
    homes: dict[str, set[str]] = defaultdict(set)
    for path, tree in modules().items():
        for node in tree.body:
            if isinstance(node, kinds) and not node.name.startswith("_") and node.name not in PROTOCOLS:  # type: ignore[attr-defined]
                homes[node.name].add(name(path))  # type: ignore[attr-defined]
    assert len(homes) > 100
    assert {one: sorted(paths) for one, paths in homes.items() if len(paths) > 1} == {}


def test_no_module_is_named_after_nothing() -> None:
    assert [name(path) for path in modules() if NOT_NAMES & set(path.stem.lower().split("_"))] == []


def test_every_module_says_in_its_first_line_what_it_is() -> None:
    silent = [name(path) for path, tree in modules().items() if not ast.get_docstring(tree)]
    assert silent == []


def test_a_module_with_a_single_importer_has_a_reason() -> None:
    graph = grimp.build_graph(*PACKAGES, cache_dir=None)
    alone = {
        module
        for module in graph.modules
        if len(graph.find_modules_that_directly_import(module)) == 1
        and not graph.find_children(module)
        and not any(module.startswith(prefix) for prefix in FAMILIES)
    }
    assert alone - set(APART) == set(), "merge it into its importer, or say below why it stands apart"
    assert set(APART) - alone == set(), "these have more importers now, or are gone"


FAMILIES = (
    "ecotui.cli.",
    "checks.cleanup.kinds.",
    "checks.apply.forecast.collisions.",
    "ecotui.demo.",
    "screens.steps.",
)
"""Folders with one module for each command, AWS service, stand-in or step: each is found by its name."""

APART = {
    "checks.apply.create_plan": "starts terraform; the check of the step must not",
    "checks.apply.forecast.destroy.blockers": "its rows are extended without touching protection",
    "checks.apply.forecast.destroy.network_blockers": "asks EC2 for a VPC and its parts; 240 lines of one thing",
    "checks.apply.forecast.destroy.protected": "protection by settings, apart from blockers by use",
    "checks.apply.forecast.findings": "forecast in words; the check itself is long enough",
    "checks.apply.forecast.forecast": "the forecast as a whole, as the plan command calls it",
    "checks.apply.forecast.quotas": "quota arithmetic; 450 lines of one thing",
    "checks.apply.forecast.vcpus": "instance types of a plan; pure, without AWS",
    "checks.apply.forecast.warnings": "rows of what AWS accepts and that fails later",
    "checks.apply.run.why.check": "the registry of the services beside it",
    "checks.apply.run.why.cloudfront": "one AWS service a module",
    "checks.apply.run.why.ec2": "one AWS service a module",
    "checks.apply.run.why.eks": "one AWS service a module",
    "checks.apply.run.why.elb": "one AWS service a module",
    "checks.apply.state.orphans": "searches the account; only `ecotui recover` does",
    "checks.cleanup.deletion": "deletes; nothing that only checks may import it",
    "checks.cleanup.scan": "the scan without findings, as tests drive it",
    "checks.cloudfront.check": "a step's check, found by its name",
    "checks.environment.check": "a step's check, found by its name",
    "checks.environment.identity": "the AWS identity, apart from tools and files",
    "checks.environment.project_files": "the project, apart from tools and AWS",
    "checks.environment.tools": "the tools on PATH, apart from AWS and the project",
    "checks.github.secrets": "secrets and variables, apart from the login",
    "checks.nodes.check": "a step's check, found by its name",
    "checks.nodes.fixes": "each step has its fixes in fixes.py",
    "checks.nodes.workloads": "pods and services, apart from nodes",
    "checks.quota.check": "a step's check, found by its name",
    "checks.quota.fixes": "each step has its fixes in fixes.py",
    "checks.tools.git": "one command-line tool a module",
    "checks.tools.terraform_project": "reads a folder for `ecotui init`, through the HCL parser",
    "config.explain": "the table of `config explain`; loading settings does not need it",
    "ecotui.app": "the Textual app; the command line imports it last",
    "ecotui.guide.draft": "writes entries; everything else here reads them",
    "ecotui.guide.hangul": "Korean syllables, apart from ranking",
    "ecotui.guide.lint": "for those who write a guide",
    "ecotui.guide.matching.prefilter": "skips bytes; knows nothing of entries",
    "ecotui.guide.runbook.risk": "what a command can do: read by reviewers on its own",
    "ecotui.history.asciicast": "one export format a module",
    "ecotui.history.export.html": "one export format a module",
    "ecotui.history.export.markdown": "one export format a module",
    "ecotui.history.recorded_changes": "evidence for the cleanup, read on demand",
    "ecotui.redact.patterns": "the shapes as data",
    "ecotui.supervisor.output_file": "survives a full disk; tested on its own",
    "ecotui.supervisor.process": "the process that `python -m` starts",
    "ecotui.team.lease_agent": "a process of its own, with boto3",
    "screens.guide.browser": "a screen",
    "screens.guide.entry_list": "the rows of a list, without the screen",
    "screens.guide.paste": "a screen",
    "screens.guide.runbook": "a screen",
    "screens.main.fix_runner": "one function a way to carry out a fix",
    "screens.main.locks": "a controller",
    "screens.main.screen": "a screen",
    "screens.sessions.compare": "a screen",
    "screens.sessions.detail": "a screen",
    "screens.sessions.durations": "a screen",
    "screens.sessions.list": "a screen",
    "screens.sessions.output": "a screen",
    "screens.sessions.team": "a screen",
    "screens.style.plan_icons": "how a plan is drawn, in one table",
    "screens.widgets.bracketed_paste": "a fix for Textual, to go when Textual has it",
    "screens.widgets.command_output": "a widget",
    "screens.widgets.header": "a widget",
    "screens.widgets.pager": "a widget",
}
"""Module to why it is not part of its only importer."""

"""What the README says holds."""

from __future__ import annotations

import re
import shlex

import pytest
from support import ROOT

from ecotui.cli import COMMANDS, main
from screens.dialogs import HELP_KEYS

README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_every_command_that_it_names_exists() -> None:
    named = set(re.findall(r"^ {4}ecotui ([a-z]+)", README, re.MULTILINE))
    assert named <= set(COMMANDS)
    assert len(named) > 8


def test_every_option_that_it_names_is_in_the_command_s_help(capsys: pytest.CaptureFixture[str]) -> None:
    for line in re.findall(r"^ {4}ecotui ([^\n]+)", README, re.MULTILINE):
        words = shlex.split(re.split(r" {2,}", line)[0])
        options = [word for word in words if word.startswith("--")]
        if not words or words[0] not in COMMANDS or not options:
            continue
        action = words[1:2] if words[0] == "sessions" else []
        assert main([words[0], *action, "--help"]) == 0
        told = capsys.readouterr().out
        assert all(option in told for option in options), line


def test_every_path_that_it_links_or_lists_exists() -> None:
    linked = re.findall(r"\]\(([^)#]+)\)", README)
    listed = re.findall(r"^ {4}([a-z]+/) ", README, re.MULTILINE)
    assert {"ecotui/", "screens/", "checks/", "config/"} <= set(listed)
    for path in [
        *linked,
        *listed,
        "checks/steps.py",
        "checks/cleanup/kinds/__init__.py",
        "ecotui/session/events.py",
    ]:
        assert (ROOT / path).exists(), path


def test_its_keys_are_the_keys_of_the_help() -> None:
    for key, what in HELP_KEYS:
        assert f"| {key} | {what} |" in README


def test_its_make_targets_exist() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for target in set(re.findall(r"make ([a-z]+)", README)):
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), target

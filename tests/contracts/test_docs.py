"""What the README and the pages in docs say holds: commands, options, paths, links, make targets."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
from support import ROOT

from ecotui.cli import COMMANDS, main

PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").glob("*.md"))]
TEXT = "\n".join(page.read_text(encoding="utf-8") for page in PAGES)
COMMAND_LINE = (ROOT / "docs" / "command-line.md").read_text(encoding="utf-8")
README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_every_command_that_is_named_exists_and_every_command_is_named() -> None:
    named = set(re.findall(r"^ {4}ecotui ([a-z]+)", TEXT, re.MULTILINE))
    assert named <= set(COMMANDS)
    assert set(re.findall(r"^ {4}ecotui ([a-z]+)", COMMAND_LINE, re.MULTILINE)) == set(COMMANDS)


def test_every_option_that_is_named_is_in_the_command_s_help(capsys: pytest.CaptureFixture[str]) -> None:
    checked = 0
    for line in re.findall(r"^ {4}ecotui ([^\n]+)", TEXT, re.MULTILINE):
        words = shlex.split(re.split(r" {2,}", line)[0])
        options = [word for word in words if word.startswith("--")]
        if not words or words[0] not in COMMANDS or not options:
            continue
        action = words[1:2] if words[0] == "sessions" else []
        assert main([words[0], *action, "--help"]) == 0
        printed = capsys.readouterr().out
        assert all(option in printed for option in options), line
        checked += 1
    assert checked > 5


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_leads_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8")):
        assert target.startswith("https://") or (page.parent / target).exists(), target


def test_every_path_that_is_named_in_code_style_exists() -> None:
    named = set(re.findall(r"`((?:checks|ecotui|screens|config|tests|docs)/[\w/.-]*[\w/])`", TEXT))
    assert len(named) > 10
    assert [path for path in sorted(named) if not (ROOT / path).exists()] == []


def test_every_page_is_linked_from_the_readme() -> None:
    assert [page.name for page in PAGES[1:] if f"({page.relative_to(ROOT).as_posix()})" not in README] == []


def test_every_picture_is_shown_on_a_page_and_drawn_by_the_script() -> None:
    shown = set(re.findall(r"pictures/(\w+)\.svg", TEXT))
    drawn = {path.stem for path in (ROOT / "docs" / "pictures").glob("*.svg")}
    script = (ROOT / "docs" / "screenshots.py").read_text(encoding="utf-8")
    assert shown == drawn
    assert [name for name in sorted(drawn) if f'("{name}", ' not in script] == []


def test_its_make_targets_exist() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"make ([a-z]+)", README + (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")))
    assert len(targets) > 3
    for target in targets:
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), target


def test_the_readme_can_be_read_in_two_minutes() -> None:
    assert len(README.split()) < 600

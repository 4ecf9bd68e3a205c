"""What the README says is so."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from checks.steps import BY_ID
from ecotui import exits
from ecotui.cli import COMMANDS, main
from screens.dialogs import KEYS

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
ARCHITECTURE = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")


def section(title: str) -> str:
    """The text under a heading, up to the next of the same rank."""
    begin = README.index(f"## {title}\n")
    end = README.find("\n## ", begin)
    return README[begin : end if end > 0 else None]


def rows(text: str) -> list[list[str]]:
    """The body of the first table."""
    lines = [line for line in text.splitlines() if line.startswith("|")][2:]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def layout() -> list[str]:
    """The paths of the layout, from its indentation."""
    found, folder = [], ""
    for line in section("For people who change it").splitlines():
        if match := re.match(r"^    (  )?([\w./]+)  +\S", line):
            inner, name = bool(match[1]), match[2]
            found.append(f"{folder}{name}" if inner else name)
            folder = folder if inner else name
    return found


def test_the_table_of_keys_is_the_one_of_the_program() -> None:
    assert rows(section("Keys")) == [[key, what] for key, what in KEYS]


def test_the_exit_codes_are_those_of_the_program() -> None:
    codes = {value for name, value in vars(exits).items() if name.isupper() and isinstance(value, int)}
    assert {int(code) for code, _ in rows(section("The command line"))} == codes


def test_every_command_is_named_and_nothing_else() -> None:
    named = {word for word in re.findall(r"^    ecotui (\w+)", section("The command line"), re.MULTILINE)}
    assert named == set(COMMANDS)


@pytest.mark.parametrize(
    "line", sorted(set(re.findall(r"`?\becotui ((?:[a-z]+)(?: (?:[a-z]+\b|--[a-z]+))*)", README)))
)
def test_every_command_line_of_the_readme_is_understood(
    line: str, capsys: pytest.CaptureFixture[str]
) -> None:
    words = line.split()
    if words[0] not in COMMANDS:
        return  # prose: "ecotui guides an operator"
    told = [word for word in words[1:] if word.startswith("--")]
    actions = [
        word for word in words[1:2] if words[0] in ("sessions", "config") and not word.startswith("--")
    ]
    assert main([words[0], *actions, "--help"]) == 0
    shown = capsys.readouterr().out
    assert all(word in shown for word in told)


def test_the_actions_of_sessions_and_config_are_there(capsys: pytest.CaptureFixture[str]) -> None:
    for command in ("sessions", "config"):
        (line,) = re.findall(rf"^    ecotui {command} .*", section("The command line"), re.MULTILINE)
        _, first, rest = re.split(rf"ecotui {command} |  +(?=\S)", line.strip())[0:3]
        actions = [first, *rest.partition("also ")[2].split(", ")]
        assert main([command, "--help"]) == 0
        shown = capsys.readouterr().out
        assert all(re.search(rf"\b{action}\b", shown) for action in actions)


def test_the_steps_are_named_in_their_order() -> None:
    assert " ".join(BY_ID) in README


def test_the_paths_of_the_layout_are_there() -> None:
    paths = layout()
    assert len(paths) > 20
    assert [path for path in paths if not (ROOT / path).exists()] == []


def test_the_layout_shows_every_folder_of_the_root() -> None:
    hidden = {"dist", "build", "__pycache__"}
    folders = {f"{path.name}/" for path in ROOT.iterdir() if path.is_dir() and not path.name.startswith(".")}
    assert {folder for folder in folders if folder.strip("/") not in hidden} <= set(layout())


@pytest.mark.parametrize("text", [README, ARCHITECTURE], ids=["README", "architecture"])
def test_files_that_are_named_or_linked_are_there(text: str) -> None:
    linked = [target for target in re.findall(r"\]\(([^)#]+)\)", text) if "://" not in target]
    named = re.findall(r"`((?:ecotui|screens|checks|config|tests|docs)/[\w./-]+)`", text)
    assert [path for path in linked + named if not (ROOT / path).exists()] == []


def test_the_targets_of_make_are_there() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    named = set(re.findall(r"(?:`|^    )make ([a-z]+)", README, re.MULTILINE))
    assert {"demo", "test"} <= named
    assert {target for target in named if not re.search(rf"^{target}:", makefile, re.MULTILINE)} == set()


def test_the_settings_that_are_named_exist() -> None:
    import msgspec

    from config.model import Settings

    for key in ("aws.account", "aws.region", "sessions.directory", "guide.documents"):
        assert f"`{key}`" in README or key in README
        model: type = Settings
        for part in key.split("."):
            (field,) = [one for one in msgspec.structs.fields(model) if one.name == part]
            model = field.type


def test_the_statements_of_the_policy_are_explained() -> None:
    import json

    policy = json.loads((ROOT / "docs" / "iam-policy.json").read_text(encoding="utf-8"))
    for statement in policy["Statement"]:
        assert f"`{statement['Sid']}`" in section("First use on a real account")


def test_the_picture_is_a_real_one() -> None:
    picture = (ROOT / "docs" / "screenshot.svg").read_text(encoding="utf-8")
    assert "rich-terminal" in picture
    for word in ("Environment", "Quotas", "CloudFront"):
        assert word in picture
    assert not re.search(r"/(tmp|home|root)/", picture)


def test_the_lock_file_names_no_registry() -> None:
    lock = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    assert "--hash=sha256:" in lock
    assert not re.search(r"https?://|--index|--extra-index|--find-links", lock)

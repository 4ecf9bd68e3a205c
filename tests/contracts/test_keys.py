"""Every key of the program comes from the one table of actions, and the page about keys is that table."""

from __future__ import annotations

import importlib
import pkgutil
import re
from collections.abc import Iterator

import pytest
from support import ROOT
from textual.dom import DOMNode

import screens
from ecotui.app import EcotuiApp
from screens.actions import ACTIONS, TITLES, bindings, key_rows

PAGE = ROOT / "docs" / "keys.md"


def classes_with_keys() -> Iterator[type[DOMNode]]:
    yield EcotuiApp
    for module in pkgutil.walk_packages(screens.__path__, "screens."):
        for item in vars(importlib.import_module(module.name)).values():
            own = isinstance(item, type) and issubclass(item, DOMNode) and item.__module__ == module.name
            if own and "BINDINGS" in vars(item):
                yield item


def test_every_binding_comes_from_the_table_and_every_row_is_bound() -> None:
    tables = {where: bindings(where) for where in ACTIONS}
    places = {}
    for item in classes_with_keys():
        matching = [where for where, table in tables.items() if table == item.BINDINGS]
        assert len(matching) == 1, f"{item.__qualname__} has bindings of its own"
        places[item.__qualname__] = matching[0]
    assert sorted(places.values()) == sorted(ACTIONS), places


def test_every_action_is_a_method_of_the_class_that_binds_it() -> None:
    checked = 0
    for item in classes_with_keys():
        for binding in item.BINDINGS:
            name = binding.action.partition("(")[0]
            assert hasattr(item, f"action_{name}"), f"{item.__qualname__}.{name}"
            checked += 1
    assert checked > 100


@pytest.mark.parametrize("where", ACTIONS)
def test_every_key_says_what_it_does(where: str) -> None:
    assert where in TITLES
    for action in ACTIONS[where]:
        assert action.label or action.help, action.key
        assert not action.help.endswith("."), action.help


@pytest.mark.parametrize("where", ACTIONS)
def test_no_key_is_bound_twice_in_one_place(where: str) -> None:
    keys = [key for action in ACTIONS[where] if action.name for key in action.key.split(",")]
    assert len(keys) == len(set(keys))


def test_names_of_bindings_are_unique() -> None:
    # A keymap of the operator's refers to them.
    names = [action.id for actions in ACTIONS.values() for action in actions if action.id]
    assert len(names) == len(set(names)) > 20


def page_of_keys() -> str:
    """The page, as it follows from the table."""
    sections = [
        "\n".join(
            [f"## {title}", "", "| key | |", "| --- | --- |", *(f"| {key} | {what} |" for key, what in key_rows(where))]
        )
        for where, title in TITLES.items()
    ]
    intro = "`?` shows the keys of the screen, the footer the most important ones, Ctrl-P every command by name."
    return "\n\n".join(["# Keys", intro, *sections]) + "\n"


def test_the_page_about_keys_is_the_table() -> None:
    assert PAGE.read_text(encoding="utf-8") == page_of_keys()


def test_no_other_page_names_keys_in_a_table() -> None:
    pages = [ROOT / "README.md", *(ROOT / "docs").glob("*.md")]
    with_tables = [page.name for page in pages if re.search(r"^\| keys? \|", page.read_text(encoding="utf-8"), re.M)]
    assert with_tables == ["keys.md"]


def test_the_table_draws_nothing() -> None:
    source = (ROOT / "screens" / "actions.py").read_text(encoding="utf-8")
    imported = re.findall(r"^(?:from|import) ([\w.]+)", source, re.MULTILINE)
    assert [name for name in imported if name.startswith("textual")] == ["textual.binding"]

"""The layers hold, every module stands in one, and none import each other in a circle."""

from __future__ import annotations

import graphlib
import subprocess
import sys
import tomllib

import grimp
import pytest
from support import ROOT

PACKAGES = ("ecotui", "screens", "checks", "config")


def test_the_contracts_of_the_layers_are_kept() -> None:
    checked = subprocess.run(
        [sys.executable, "-c", "from importlinter.cli import lint_imports_command as run; run()"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert checked.returncode == 0, checked.stdout + checked.stderr
    assert "0 broken" in checked.stdout


def test_the_contracts_name_every_layer_of_the_design() -> None:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"]
    layers = " ".join(settings["contracts"][0]["layers"])
    for package in ("ecotui.cli", "ecotui.app", "screens", "checks", "config"):
        assert package in layers
    assert sorted(settings["root_packages"]) == sorted(PACKAGES)


def test_every_module_stands_in_a_layer_or_under_one() -> None:
    # A module of the engine that no contract names could import anything.
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"]
    named = {
        word
        for contract in settings["contracts"]
        for key in ("layers", "source_modules")
        for entry in contract.get(key, [])
        for word in entry.replace("|", " ").split()
    }
    rooms = {
        f"ecotui.{path.stem}"
        for path in (ROOT / "ecotui").iterdir()
        if (path.suffix == ".py" and path.stem != "__init__") or (path / "__init__.py").is_file()
    }
    assert rooms - named == set()


def test_no_modules_import_each_other_in_a_circle() -> None:
    # Imports inside functions and for types count: a circle that is tied late is as hard to read.
    graph = grimp.build_graph(*PACKAGES, cache_dir=None)
    below = {module: graph.find_modules_directly_imported_by(module) for module in graph.modules}
    try:
        graphlib.TopologicalSorter(below).prepare()
    except graphlib.CycleError as circle:
        pytest.fail(" -> ".join(reversed(circle.args[1])))

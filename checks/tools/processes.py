"""Which terraform runs on this machine, and where: read from /proc, which every Linux has; elsewhere nothing is known."""

from __future__ import annotations

import os
from pathlib import Path

from checks.finding import Value
from checks.sanitize import one_line

_PROC = Path("/proc")
_NAMES = frozenset({"terraform", "tofu", "terragrunt"})


class Process(Value, frozen=True):
    pid: int
    command: str
    """Its command line, in one line; values of -var are left out."""
    started: float
    """Seconds since the epoch."""
    folder: str = ""
    """Its working folder; empty when it may not be read (another user's)."""

    @property
    def words(self) -> str:
        return f"process {self.pid} ({self.command})"


def known_here() -> bool:
    """Whether this system tells about its processes."""
    return (_PROC / "self" / "stat").exists()


def terraforms(command: str = "") -> tuple[Process, ...]:
    """Every terraform (or tofu, or `command`) that runs, oldest first."""
    names = _NAMES | {Path(command).name} if command else _NAMES
    boot = _boot_time()
    found = []
    try:
        numbers = [int(one.name) for one in _PROC.iterdir() if one.name.isdigit()]
    except OSError:
        return ()
    for pid in numbers:
        one = _process(pid, names, boot)
        if one is not None:
            found.append(one)
    return tuple(sorted(found, key=lambda each: each.started))


def _process(pid: int, names: frozenset[str], boot: float) -> Process | None:
    at = _PROC / str(pid)
    words = _words(at)
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
    return Process(
        pid=pid, command=_line(words), started=boot + ticks / os.sysconf("SC_CLK_TCK"), folder=folder
    )


def _words(at: Path) -> list[str]:
    try:
        raw = (at / "cmdline").read_bytes()[:8_000]
    except OSError:
        return []
    return [word.decode("utf-8", "replace") for word in raw.split(b"\0") if word]


def _line(words: list[str]) -> str:
    kept = [word if not word.startswith("-var=") else "-var=…" for word in words]
    return one_line(" ".join([Path(kept[0]).name, *kept[1:]]), limit=120) if kept else ""


def _boot_time() -> float:
    try:
        for line in (_PROC / "stat").read_text().splitlines():
            if line.startswith("btime "):
                return float(line.split()[1])
    except (OSError, ValueError):
        pass
    return 0.0

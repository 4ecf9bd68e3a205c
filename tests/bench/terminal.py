"""A program in a terminal of its own, seen from outside: what it writes, when, and what it uses up."""

from __future__ import annotations

import contextlib
import fcntl
import os
import pty
import re
import select
import signal
import struct
import termios
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

SIZE = (36, 120)
"""Lines and columns."""


class Terminal:
    """A child under a pseudo-terminal. Times are seconds, memory is bytes."""

    def __init__(self, argv: Sequence[str], env: Mapping[str, str], cwd: Path) -> None:
        self.started = time.perf_counter()
        self.pid, self._fd = pty.fork()
        if self.pid == 0:
            try:
                fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", *SIZE, 0, 0))
                os.chdir(cwd)
                os.execve(argv[0], list(argv), {**env, "TERM": "xterm-256color"})
            finally:
                os._exit(127)
        self.seen = bytearray()
        """All that was written."""

    def read(self, seconds: float) -> int:
        """Wait for something to be written, at most so long; how many bytes it was (0: nothing, -1: it has ended)."""
        if not select.select([self._fd], [], [], max(seconds, 0))[0]:
            return 0
        try:
            part = os.read(self._fd, 1 << 16)
        except OSError:
            return -1
        self.seen += part
        return len(part) or -1

    def until(self, mark: bytes, *, start: int = 0, limit: float = 60.0) -> float:
        """Seconds from now until these bytes are seen. Raises TimeoutError."""
        begun = time.perf_counter()
        while mark not in self.seen[start:]:
            left = limit - (time.perf_counter() - begun)
            if left <= 0 or self.read(left) < 0:
                raise TimeoutError(f"{mark!r} was not seen; the end of what was: {bytes(self.seen[-500:])!r}")
        return time.perf_counter() - begun

    def count(self, seconds: float) -> int:
        """How many bytes are written in so many seconds."""
        end, total = time.perf_counter() + seconds, 0
        while (left := end - time.perf_counter()) > 0:
            total += max(self.read(left), 0)
        return total

    def quiet(self, seconds: float, *, limit: float = 120.0) -> None:
        """Wait until nothing was written for so long. Raises TimeoutError."""
        end = time.perf_counter() + limit
        while self.count(seconds):
            if time.perf_counter() > end:
                raise TimeoutError("it never came to rest")

    def press(self, keys: bytes) -> None:
        os.write(self._fd, keys)

    @property
    def peak(self) -> int:
        """The most memory that it ever had (VmHWM)."""
        return peak_memory(self.pid)

    @property
    def cpu(self) -> float:
        """Seconds of CPU that its threads have used: schedstat counts in nanoseconds, `stat` only in ticks."""
        total = 0
        for thread in Path(f"/proc/{self.pid}/task").iterdir():
            with contextlib.suppress(OSError):
                total += int((thread / "schedstat").read_text().split()[0])
        return total / 1e9

    def close(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGTERM)
        end = time.perf_counter() + 5
        while time.perf_counter() < end:
            if os.waitpid(self.pid, os.WNOHANG)[0]:
                break
            self.read(0.05)
        else:
            os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)
        os.close(self._fd)


def peak_memory(pid: int) -> int:
    """VmHWM of a process, in bytes."""
    found = re.search(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())
    return int(found[1]) * 1024 if found else 0


@contextlib.contextmanager
def opened(argv: Sequence[str], env: Mapping[str, str], cwd: Path) -> Iterator[Terminal]:
    """A terminal for the length of a `with`."""
    terminal = Terminal(argv, env, cwd)
    try:
        yield terminal
    finally:
        terminal.close()

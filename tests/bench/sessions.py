"""Ten thousand sessions, and one with a million events and a gigabyte of output."""

from __future__ import annotations

import json
import os
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import msgspec

from ecotui.history.text_search import search_forward
from ecotui.session import hash_chain
from ecotui.session.index import SessionIndex
from ecotui.session.log import SessionSummary
from ecotui.session.store import SessionStore
from ecotui.supervisor.paths import OUTPUT_LOG
from ecotui.supervisor.tail import Tail

from .table import Row
from .terminal import Terminal, opened

SESSIONS, EVENTS, BYTES = 10_000, 1_000_000, 1_000_000_000
BATCH = 10_000
NEEDLE = "the only line that says quetzal"
ONE_SESSION = (sys.executable, "-P", str(Path(__file__).with_name("one_session.py")))
VOLUME = 125
"""MB/s that an EBS volume of type gp3 gives without paying for more (the EBS user guide, "General Purpose SSD")."""
SCREENS = 3
"""Times that each screen is opened; the median counts."""


def measure(scale: float = 1.0) -> list[Row]:
    """`scale`: of the issue's sizes, at most 1."""
    with tempfile.TemporaryDirectory() as name:
        return _many(Path(name) / "many", int(SESSIONS * scale)) + _long(Path(name) / "long", scale)


def _many(root: Path, count: int) -> list[Row]:
    store = SessionStore(root)
    root.mkdir(mode=0o700)
    store.folder.mkdir(mode=0o700)
    for number in range(count):
        _session(store, number)
    os.utime(store.folder, (1e9, 1e9))  # as if the newest had not begun in the last two seconds
    store.list_summaries()  # from here on everything comes from the cache of the file system
    index = SessionIndex(store)
    # By turns: what else the machine does meanwhile hinders both alike.
    turns = [(_took(store.list_summaries), _took(index.rebuild)) for _ in range(5)]
    every, rebuild = (min(times) for times in zip(*turns, strict=True))
    newest = min(_took(lambda: index.find_summaries(limit=50)) for _ in range(5))
    if index.in_memory:
        raise RuntimeError("the index was not used")
    listing, finding = _on_screen(root)
    return [
        Row(
            f"{count:,} sessions: the newest 50",
            f"{newest * 1000:.1f} ms",
            f"every summary opened: {every:.2f} s",
            every / newest,
            50,
            at_least=True,
        ),
        Row("  the index made again", f"{rebuild:.2f} s", f"the same {every:.2f} s", rebuild / every, 1.5),
        Row(
            "  the screen that lists them",
            f"{listing * 1000:.0f} ms",
            "from the key",
            listing,
            0.5,
            unit=" s",
        ),
        Row("  found as one types", f"{finding * 1000:.0f} ms", "from the last key", finding, 0.5, unit=" s"),
    ]


def _screen(root: Path, look: Callable[[Terminal], tuple[float, ...]]) -> tuple[float, ...]:
    """The medians of what is measured in a terminal of its own, a new one each time."""
    env = {"PATH": os.environ["PATH"], "HOME": str(root), "LANG": "C.UTF-8", "TEXTUAL_ANIMATIONS": "none"}
    times = []
    for _ in range(SCREENS):
        with opened((*ONE_SESSION, str(root)), env, root) as terminal:
            terminal.until(b"ready to look")
            terminal.quiet(0.5)
            times.append(look(terminal))
    return tuple(sorted(each)[SCREENS // 2] for each in zip(*times, strict=True))


def _pressed(terminal: Terminal, keys: bytes, mark: bytes) -> float:
    start = len(terminal.seen)
    terminal.press(keys)
    return terminal.until(mark, start=start)


def _on_screen(root: Path) -> tuple[float, ...]:
    """Seconds until the newest are shown, and until the list follows what was typed."""

    def look(terminal: Terminal) -> tuple[float, ...]:
        listing = _pressed(terminal, b"s", b"project-")
        terminal.quiet(0.5)
        terminal.press(b"/")
        terminal.quiet(0.3)
        return listing, _pressed(terminal, b"project-3", b"found")

    return _screen(root, look)


def _session(store: SessionStore, number: int) -> None:
    folder = store.folder / f"20260101-{number:06}-abcdef"
    folder.mkdir(mode=0o700)
    line = b'{"v":1,"n":1,"at":1.0,"prev":"%s","event":{"type":"noted","text":"n"}}\n' % hash_chain.FIRST_HASH.encode()
    (folder / hash_chain.LOG_NAME).write_bytes(line)
    steps = {"environment": "ok", "quota": "ok", "cleanup": "warn", "apply": "ok", "nodes": "ok"}
    summary = SessionSummary(
        id=folder.name,
        project=f"project-{number % 7}",
        folder="/srv/project",
        by="operator",
        started=1.7e9 + number,
        ended=1.7e9 + number + 900,
        outcome="done",
        steps=steps,
        count=1,
        size=len(line),
    )
    (folder / "summary.json").write_bytes(msgspec.json.encode(summary))


def _long(root: Path, scale: float) -> list[Row]:
    store = SessionStore(root)
    session = store.create(project="long", folder=root, env={})
    session.close()
    count, size = int(EVENTS * scale), int(BYTES * scale)
    events = [b'{"type":"noted","text":"event %d of a long session"}' % number for number in range(BATCH)]
    log = hash_chain.HashChain(session.events_path)
    began = time.perf_counter()
    for _ in range(count // BATCH):
        log.append_all(events, sync=False)
    appending = time.perf_counter() - began
    log.close()
    session.end("done")
    command = session.folder / "commands" / "one"
    command.mkdir(parents=True, mode=0o700)
    _output(command / OUTPUT_LOG, size)
    asked = {"step": "apply", "title": "Apply", "argv": ["sh"], "cwd": "/", "started": time.time()}
    (command / "command.json").write_text(json.dumps(asked))

    def opened() -> None:
        again = store.open(session.id)
        again.read_summary()
        if len(again.read_last_records(5_000)) != 5_000:
            raise RuntimeError("the events are not there")
        tail = Tail(command)
        tail.seek_end(200)
        if NEEDLE not in tail.read(200):
            raise RuntimeError("the output is not there")

    opening = _took(opened)
    _forget(command / OUTPUT_LOG)
    reading = _took(lambda: _read(command / OUTPUT_LOG))
    _forget(command / OUTPUT_LOG)
    searching = _took(lambda: _one_hit(command / OUTPUT_LOG, "QUETZAL"))
    _forget(command / OUTPUT_LOG)
    commonly = _took(lambda: _one_hit(command / OUTPUT_LOG, "LINE THAT"))
    shown, found = _review(root, command / OUTPUT_LOG)
    return [
        Row(
            f"a session of {count:,} events, {size / 1e9:.2g} GB of output: opens at its end",
            f"{opening:.2f} s",
            "",
            opening,
            1,
            unit=" s",
        ),
        Row("  on the screen, at its end", f"{shown:.2f} s", "from the key", shown, 1, unit=" s"),
        Row(
            "  its output searched on the screen",
            f"{size / found / 1e6:.0f} MB/s",
            f"only read: {size / reading / 1e6:.0f} MB/s",
            found / reading,
            2,
        ),
        Row(
            "  its output searched, from the disk",
            f"{size / searching / 1e6:.0f} MB/s",
            f"only read: {size / reading / 1e6:.0f} MB/s",
            searching / reading,
            1.5,
        ),
        Row(
            "  the same for words whose letters are in every line",
            f"{size / commonly / 1e6:.0f} MB/s",
            f"only read: {size / reading / 1e6:.0f} MB/s",
            size / commonly / 1e6,
            VOLUME,
            at_least=True,
            unit=" MB/s",
        ),
        Row(
            f"  events added, {BATCH:,} at a time",
            f"{count / appending:,.0f} a second",
            f"{appending / (count / BATCH) * 1000:.0f} ms a batch",
            count / appending,
            100_000,
            at_least=True,
            unit=" a second",
        ),
    ]


def _review(root: Path, output: Path) -> tuple[float, ...]:
    """Seconds until the end of the log is shown, and until a word at the end of the output is found."""

    def look(terminal: Terminal) -> tuple[float, ...]:
        shown = _pressed(terminal, b"r", b"session ended: done")
        terminal.quiet(0.5)
        terminal.press(b"/quetzal")
        terminal.quiet(0.3)
        _forget(output)
        return shown, _pressed(terminal, b"\r", b"that is all")

    return _screen(root, look)


def _output(path: Path, size: int) -> None:
    line = b"aws_instance.node: Still creating... [10s elapsed] and so on and so forth\n"
    block = line * (1_000_000 // len(line))
    with path.open("wb") as stream:
        for _ in range(size // len(block)):
            stream.write(block)
        stream.write(NEEDLE.encode() + b"\n")
        stream.flush()
        os.fsync(stream.fileno())


def _forget(path: Path) -> None:
    """Out of the cache of the file system, where the system lets us."""
    with path.open("rb") as stream:
        if hasattr(os, "posix_fadvise"):
            os.posix_fadvise(stream.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def _read(path: Path) -> None:
    with path.open("rb", buffering=0) as stream:
        while stream.read(1 << 20):
            pass


def _one_hit(path: Path, words: str) -> None:
    if [hit.text for hit in search_forward(path, words)] != [NEEDLE]:
        raise RuntimeError("the search did not find the line")


def _took(what: Callable[[], object]) -> float:
    began = time.perf_counter()
    what()
    return time.perf_counter() - began

"""Redaction: what leaks, what is masked for nothing, and how fast; on made-up output that looks like the real one."""

from __future__ import annotations

import random
import time
from collections import Counter

from ecotui.redact.redactor import RedactingStream, Redactor

from .secrets_corpus import KNOWN, harmless, lines
from .table import Row

SALT = bytes(range(32))
MASKED = "«secret:"


def leaks(rounds: int, seed: int = 1) -> tuple[int, Counter[str]]:
    """How many secrets were tried, and which kinds were left standing, whole or in a part of 12 characters."""
    chance, redactor, found, tried = random.Random(seed), Redactor(SALT, env=KNOWN), Counter[str](), 0
    for _ in range(rounds):
        for kind, text, secrets in lines(chance):
            told = redactor.redact(f"{harmless(chance)}\n{text}\n{harmless(chance)}\n")
            tried += len(secrets)
            found[kind] += sum(_left(secret, told) for secret in secrets)
    return tried, +found


def split_leaks(seed: int = 2) -> tuple[int, int]:
    """Each kind, written in two writes split at every byte: how many splits, and how many told something else."""
    chance, redactor, tried, wrong = random.Random(seed), Redactor(SALT, env=KNOWN), 0, 0
    for _, text, _ in lines(chance):
        data = text[:400].encode() + b"\n"
        whole = RedactingStream(redactor)
        due = whole.feed(data) + whole.close()
        for at in range(1, len(data)):
            stream = RedactingStream(redactor)
            tried += 1
            wrong += stream.feed(data[:at]) + stream.feed(data[at:]) + stream.close() != due
    return tried, wrong


def overmasked(count: int, seed: int = 3) -> tuple[int, list[str]]:
    """How many words of harmless output there were, and those that were masked."""
    chance, redactor, words, gone = random.Random(seed), Redactor(SALT, env=KNOWN), 0, []
    for _ in range(count):
        line = harmless(chance)
        for before, after in zip(line.split(), redactor.redact(line).split(), strict=True):
            words += 1
            if before != after:
                gone.append(before)
    return words, gone


def speed(megabytes: int, seed: int = 4, times: int = 3) -> float:
    """MB a second through the stream of a supervisor, one line in fifty with a secret in it; the best of several times."""
    chance = random.Random(seed)
    parts, secret = [], [text for _, text, _ in lines(chance)]
    for n in range(20_000):
        parts.append(secret[n // 50 % len(secret)] if n % 50 == 0 else harmless(chance))
    data = "\n".join(parts).encode()
    data *= max(megabytes * 1_000_000 // len(data), 1)
    took = []
    for _ in range(times):
        stream = RedactingStream(Redactor(SALT, env=KNOWN))
        begun = time.perf_counter()
        for at in range(0, len(data), 1 << 18):
            stream.feed(data[at : at + (1 << 18)])
        stream.close()
        took.append(time.perf_counter() - begun)
    return len(data) / 1e6 / min(took)


def measure() -> list[Row]:
    """All four, as rows beside the targets."""
    tried, left = leaks(40)
    splits, wrong = split_leaks()
    words, gone = overmasked(50_000)
    quick = speed(15)
    share = len(gone) / words * 100
    return [
        Row(
            "secrets in output of tools",
            f"{left.total()} of {tried:,} leak",
            ", ".join(left),
            left.total(),
            0,
            unit="",
        ),
        Row("  split over two writes, at every byte", f"{wrong} of {splits:,} differ", "", wrong, 0, unit=""),
        Row(
            "  other words masked",
            f"{len(gone)} of {words:,}",
            ", ".join(sorted(set(gone))[:3]),
            share,
            0.1,
            unit=" %",
        ),
        Row(
            "  redacted",
            f"{quick:.0f} MB/s",
            "1 line in 50 with a secret",
            quick,
            20,
            at_least=True,
            unit=" MB/s",
        ),
    ]


def _left(secret: str, told: str) -> bool:
    part = min(len(secret), 12)
    return any(secret[at : at + part] in told for at in range(len(secret) - part + 1))

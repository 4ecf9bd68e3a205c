"""A plan of 50 MB with 5,000 resources: read, and reviewed in a terminal."""

from __future__ import annotations

import json
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from checks.apply import plan_store
from checks.apply.forecast.model import Forecast, SavedReview
from checks.apply.plan.model import read_plan

from .table import Row
from .terminal import Terminal, opened

RESOURCES = 5_000
BYTES = 50_000_000
ONE_REVIEW = (sys.executable, "-P", str(Path(__file__).with_name("one_review.py")))
PAGE_DOWN, DOWN = b"\x1b[6~", b"\x1b[B"
PRESSES = 40
_TYPES = ("aws_instance", "aws_s3_bucket", "aws_iam_policy", "aws_db_instance", "aws_subnet")
_ACTIONS = (["create"], ["update"], ["delete"], ["delete", "create"], ["create"], ["create"])


def document() -> bytes:
    """A plan as `terraform show -json` writes it, filled up to 50 MB with what big plans hold: policies and scripts."""
    changes = list(_changes())
    short = BYTES - len(json.dumps(changes))
    for one in changes:
        side = "before" if one["change"]["after"] is None else "after"
        one["change"][side]["template_body"] = "x" * (short // RESOURCES)
    return json.dumps({"format_version": "1.2", "resource_changes": changes}).encode()


def _changes() -> Iterator[dict[str, Any]]:
    for number in range(RESOURCES):
        actions = _ACTIONS[number % len(_ACTIONS)]
        module, type_ = f"module.part[{number % 40}]", _TYPES[number % len(_TYPES)]
        policy = {"Statement": [{"Action": ["s3:Get*"], "Resource": f"arn:aws:s3:::b{n}"} for n in range(6)]}
        values = {f"argument_{n}": f"value {number} {n}" for n in range(30)}
        table = {**values, "policy": json.dumps(policy), "tags": {f"태그_{n}": "한국어" for n in range(8)}}
        yield {
            "address": f"{module}.{type_}.many[{number}]",
            "module_address": module,
            "mode": "managed",
            "type": type_,
            "change": {
                "actions": actions,
                "before": None if actions == ["create"] else table,
                "after": None if actions == ["delete"] else {**table, "argument_1": "new", "tags": {"새": "값"}},
                "after_unknown": {"id": True, "arn": True},
            },
        }  # fmt: skip


def measure(env: Mapping[str, str], project: Path) -> list[Row]:
    """Read it once, save the review, open it, and press keys."""
    text = document()
    begun = time.perf_counter()
    plan, _ = read_plan(text)
    reading = time.perf_counter() - begun
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / plan_store.PLAN_FILE).write_bytes(b"")
        plan_store.write_review(
            folder,
            SavedReview(
                plan_sha256="", created_at=time.time(), folder="", workspace="", plan=plan, forecast=Forecast()
            ),
        )
        size = (folder / plan_store.REVIEW_FILE).stat().st_size
        with opened((*ONE_REVIEW, str(folder / plan_store.PLAN_FILE)), env, project) as terminal:
            terminal.until(b"ready to review")
            terminal.quiet(1)
            start = len(terminal.seen)
            terminal.press(b"p")
            opening = terminal.until(b"module.part[3]", start=start)
            terminal.quiet(1)
            answers = [_answered(terminal, b"e")]
            answers += [_answered(terminal, PAGE_DOWN) for _ in range(PRESSES)]
            scrolled = [_answered(terminal, DOWN) for _ in range(PRESSES)]
            losses = [_answered(terminal, b"d") for _ in range(5)]
            peak = terminal.peak
    return [
        Row(
            f"a plan of {len(text) / 1e6:.0f} MB, {RESOURCES:,} resources: read",
            f"{reading:.1f} s",
            f"its review: {size / 1e6:.0f} MB",
            reading,
            15,
            unit=" s",
        ),
        Row("  its review opens", f"{opening:.2f} s", "", opening, 2, unit=" s"),
        Row(
            "  a page further, all opened",
            f"{statistics.median(answers) * 1000:.0f} ms (median of {len(answers)})",
            f"a line: {statistics.median(scrolled) * 1000:.0f} ms; slowest {max(*answers, *scrolled) * 1000:.0f} ms",
            statistics.median([*answers, *scrolled]),
            0.1,
            unit=" s",
        ),
        Row(
            "  to the next destroy",
            f"{statistics.median(losses) * 1000:.0f} ms",
            f"slowest {max(losses) * 1000:.0f} ms",
            max(losses),
            0.5,
            unit=" s",
        ),
        Row("  the peak memory of it", f"{peak / 1e6:.0f} MB", "", peak / 1e6, 350, unit=" MB"),
    ]


def _answered(terminal: Terminal, key: bytes) -> float:
    """Seconds until something is drawn after a key; then lets it come to rest."""
    begun = time.perf_counter()
    terminal.press(key)
    if terminal.read(10) <= 0:
        raise TimeoutError(f"{key!r} was not answered")
    took = time.perf_counter() - begun
    while terminal.count(0.1):
        pass
    return took

"""The guide: how many errors are named, how often it is rightly silent, and how quickly a long log is read."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from ecotui.guide.diagnosis import diagnose
from ecotui.guide.library import shipped

from .table import Row

CASES = Path(__file__).parents[1] / "diagnosis"
SIZE = 100_000_000
"""Bytes of the log."""

QUIET = (
    b"2026-03-02T01:34:46Z module.vpc.aws_subnet.private[0]: Refreshing state... [id=subnet-1]\n"
    b"aws_instance.node[3]: Creation complete after 32s [id=i-0abc]\n"
    b"aws_iam_policy.alb_controller: Refreshing state... [id=arn:aws:iam::123456789012:policy/x]\n"
)
WAITING = b"aws_cloudfront_distribution.images: Still creating... [6m0s elapsed]\n"
LAST = b"Error: creating EC2 Instance: VcpuLimitExceeded: You have requested more vCPU capacity\n"


def measure() -> list[Row]:
    """Accuracy over the labelled cases, then time and memory of `ecotui diagnose`."""
    rows: list[Row] = []
    for name, what in (("samples.jsonl", "labelled samples"), ("own.jsonl", "our own wordings")):
        rows += _accuracy(name, what)
    rows += _speed("100 MB of log, error in the last line", QUIET)
    rows += _speed("  one line in 60 of them waits for CloudFront", QUIET * 20 + WAITING)
    return rows


def _accuracy(name: str, what: str) -> list[Row]:
    library = shipped("en")
    known = right = silent = kept = 0
    for line in (CASES / name).read_text(encoding="utf-8").splitlines():
        case = json.loads(line)
        found = [
            match.entry for match in diagnose(library, case["text"]) if match.entry not in case["accept"]
        ]
        if case["expect"]:
            known += 1
            right += found[:1] == case["expect"][:1]
        else:
            silent += 1
            kept += not found
    return [
        Row(f"{what}: first answer", f"{right} of {known}", "", right / known * 100, 97, True, " %"),
        Row(
            "  silence where nothing is known", f"{kept} of {silent}", "", kept / silent * 100, 97, True, " %"
        ),
    ]


def _speed(what: str, lines: bytes) -> list[Row]:
    """The whole command, from its start to its end."""
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder, "long.log")
        with log.open("wb") as stream:
            block = lines * (1_000_000 // len(lines))
            for _ in range(SIZE // len(block)):
                stream.write(block)
            stream.write(LAST)
        begun = time.perf_counter()
        with subprocess.Popen(
            [sys.executable, "-m", "ecotui", "diagnose", "--json", str(log)],
            stdout=subprocess.PIPE,
            cwd=folder,
            env={**os.environ, "HOME": folder},
        ) as child:
            assert child.stdout is not None
            answer = json.load(child.stdout)
            _, status, usage = os.wait4(child.pid, 0)
            child.returncode = os.waitstatus_to_exitcode(status)
        took = time.perf_counter() - begun
    first = answer["matches"][0]["entry"] if answer["matches"] else "nothing"
    return [
        Row(what, f"found {first}", "", took, 3, unit=" s"),
        # Linux counts in KiB, macOS in bytes.
        Row(
            "  memory",
            "",
            "",
            usage.ru_maxrss / (1e6 if sys.platform == "darwin" else 976.6),
            100,
            unit=" MB",
        ),
    ]

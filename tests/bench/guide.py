"""The guide: how many errors are named, how often it is rightly silent, and how quickly a long log is read."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from support.diagnosis import SETS, cases

from ecotui.guide.matching.matcher import Diagnosis, diagnose
from ecotui.guide.reading.library import load_shipped_library

from . import big_guide
from .table import Row

NAMES = {
    "samples.jsonl": "labelled samples",
    "own.jsonl": "our own wordings",
    "dev.jsonl": "wordings that the rules were mended by",
    "held.jsonl": "wordings held out",
}
SIZE = 100_000_000
"""Bytes of the log."""

QUIET = (
    b"2026-03-02T01:34:46Z module.vpc.aws_subnet.private[0]: Refreshing state... [id=subnet-1]\n"
    b"aws_instance.node[3]: Creation complete after 32s [id=i-0abc]\n"
    b"aws_iam_policy.alb_controller: Refreshing state... [id=arn:aws:iam::123456789012:policy/x]\n"
)
WAITING = b"aws_cloudfront_distribution.images: Still creating... [6m0s elapsed]\n"
ALMOST = (
    b"An error occurred (InvalidKeyPair.NotFound) when calling the DescribeKeyPairs operation: "
    b"The key pair 'k8s-cluster-key' does not exist\n"
)
LAST = b"Error: creating EC2 Instance: VcpuLimitExceeded: You have requested more vCPU capacity\n"


def measure() -> list[Row]:
    """Accuracy over the labelled cases, then time and memory of `ecotui diagnose`."""
    rows: list[Row] = []
    for name in SETS:
        rows += _accuracy(name, NAMES[name])
    rows += _speed("100 MB of log, error in the last line", QUIET)
    rows += _speed("  one line in 61 of them waits for CloudFront", QUIET * 20 + WAITING)
    rows += _speed("  one line in 61 of them is like a known error", QUIET * 20 + ALMOST)
    return [*rows, _first(), *big_guide.measure()]


def _accuracy(name: str, what: str) -> list[Row]:
    library = load_shipped_library("en")
    known = right = silent = kept = 0
    for case in cases(name):
        held = case.right([match.entry for match in diagnose(library, case.text)])
        if case.expect:
            known += 1
            right += held
        else:
            silent += 1
            kept += held
    return [
        Row(f"{what}: first answer", f"{right} of {known}", "", right / known * 100, 97, True, " %"),
        Row("  silence where nothing is known", f"{kept} of {silent}", "", kept / silent * 100, 97, True, " %"),
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
        Row(what, f"found {first}, {usage.ru_utime + usage.ru_stime:.1f} s of a core", "", took, 3, unit=" s"),
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


def _first() -> Row:
    """From the moment a block with an error is there to the moment the entry is told."""

    class Log(io.RawIOBase):
        """A log that goes on after its error, which stands behind 20 MB."""

        def __init__(self) -> None:
            self.left, self.given = 20, 0.0

        def read1(self, size: int = -1) -> bytes:
            self.left -= 1
            if self.left == 0:
                self.given = time.perf_counter()
                return LAST + QUIET * 3
            return QUIET * (1_000_000 // len(QUIET)) if self.left > -20 else b""

    log, told = Log(), list[float]()
    Diagnosis(load_shipped_library("en")).read(log, lambda _: told.append(time.perf_counter()))  # type: ignore[arg-type]
    late = (told[0] - log.given) * 1000
    return Row("  an entry is told after its line has come", "", "", late, 250, unit=" ms")

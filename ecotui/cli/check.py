"""`ecotui check`: look at the steps, all at once, and say what is in the way."""

from __future__ import annotations

import argparse
import os
import signal
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, as_completed
from functools import partial

import msgspec

from checks.context import World
from checks.finding import Report, public, worst
from checks.sanitize import one_line
from checks.steps import BY_ID, STEPS
from config.model import Guide
from ecotui import exit_codes
from ecotui.check_runner import Saying
from ecotui.cli.context import world
from ecotui.cli.printing import SIGNS, document


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("steps", nargs="*", metavar="STEP", help=f"one of: {', '.join(BY_ID)} (default: all)")
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    # For the TUI, which follows the looks one by one: a report a line, in the order in which they end.
    parser.add_argument("--stream", action="store_true", help=argparse.SUPPRESS)


def run(args: argparse.Namespace) -> int:
    unknown = [step for step in args.steps if step not in BY_ID]
    if unknown:
        print(
            f"ecotui check: there is no step {unknown[0]!r}; the steps are {', '.join(BY_ID)}",
            file=sys.stderr,
        )
        return exit_codes.USAGE
    signal.signal(signal.SIGTERM, _end)
    chosen = args.steps or [step.id for step in STEPS]
    where = world(args)
    reports = look(where, chosen, stream=args.stream)
    findings = [finding for step in chosen for finding in reports[step].findings]
    if args.stream:
        pass
    elif args.json:
        document("check", {"findings": [public(finding) for finding in findings]})
    else:
        for step in chosen:
            _print(reports[step], where.settings.guide)
    return exit_codes.of(worst(finding.state for finding in findings))


def _end(number: int, frame: object) -> None:
    """Asked to end: what a look has started ends with it, or a tool that hangs would outlive us."""
    from checks.tools.run import stop_all

    stop_all()
    os._exit(128 + number)


def look(where: World, steps: list[str], *, stream: bool = False) -> dict[str, Report]:
    """Look at the steps side by side; with `stream`, print each report as a line of JSON when it is there, and before that
    what each step is about to look at."""
    needs_aws = {"environment", "quota", "cleanup", "cloudfront", "nodes"}
    if needs_aws.intersection(steps):
        where.aws  # noqa: B018 - made here, once: making clients in parallel threads is slower than in sequence
    reports: dict[str, Report] = {}
    alone = threading.Lock()

    def write(line: Report | Saying) -> None:
        with alone:
            sys.stdout.buffer.write(msgspec.json.encode(line) + b"\n")
            sys.stdout.buffer.flush()

    def of(step: str) -> World:
        return where.saying(partial(_said, step, write)) if stream else where

    with ThreadPoolExecutor(max_workers=len(steps), thread_name_prefix="look") as pool:
        futures = {pool.submit(BY_ID[step].look, of(step)): step for step in dict.fromkeys(steps)}
        for future in as_completed(futures):
            report = future.result()
            reports[futures[future]] = report
            if stream:
                write(report)
    return reports


def _said(step: str, write: Callable[[Saying], None], text: str) -> None:
    write(Saying(saying=one_line(text), step=step))


def _print(report: Report, guide: Guide) -> None:
    step = BY_ID[report.step]
    print(f"{SIGNS[report.state]} {step.title}  {report.state.value}  ({report.seconds:.1f} s)")
    for finding in report.findings:
        print(f"  {SIGNS[finding.state]} {finding.summary}  [{finding.id}]")
        if finding.denied:
            print(f"      not allowed: {', '.join(finding.denied)}")
        if cited := guide.cited(finding.guide):
            print(f"      guide: {', '.join(f'ecotui guide {entry}' for entry in cited)}")
        for fix in finding.fixes:
            print(f"      → {fix.title}{f': {fix.command}' if fix.command else ''}")

"""`ecotui check`: checks the steps side by side and prints the findings."""

from __future__ import annotations

import argparse
import os
import signal
import sys
import threading
from concurrent.futures import ThreadPoolExecutor, as_completed

from checks.context import CheckContext
from checks.finding import STATE_ICONS, Report, finding_to_json, worst_state
from checks.sanitize import one_line
from checks.steps import STEPS, STEPS_BY_ID
from config.model import GuideSettings
from ecotui import exit_codes
from ecotui.cli.context import check_context
from ecotui.cli.printing import print_document
from ecotui.stream import CheckProgress, Message, StepReport, encode_message


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("steps", nargs="*", metavar="STEP", help=f"one of: {', '.join(STEPS_BY_ID)} (default: all)")
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    # For the TUI (`ecotui.stream`).
    parser.add_argument("--stream", action="store_true", help=argparse.SUPPRESS)


def run(args: argparse.Namespace) -> int:
    unknown = [step for step in args.steps if step not in STEPS_BY_ID]
    if unknown:
        print(
            f"ecotui check: there is no step {unknown[0]!r}; the steps are {', '.join(STEPS_BY_ID)}",
            file=sys.stderr,
        )
        return exit_codes.USAGE
    signal.signal(signal.SIGTERM, _terminate)
    chosen = args.steps or [step.id for step in STEPS]
    where = check_context(args)
    reports = check_steps(where, chosen, stream=args.stream)
    findings = [finding for step in chosen for finding in reports[step].findings]
    if args.stream:
        pass
    elif args.json:
        print_document("check", {"findings": [finding_to_json(finding) for finding in findings]})
    else:
        for step in chosen:
            _print_report(reports[step], where.settings.guide)
    return exit_codes.exit_code_for(worst_state(finding.state for finding in findings))


def _terminate(number: int, frame: object) -> None:
    """End, with everything that a check has started: a tool that hangs would outlive us."""
    from checks.tools.run import stop_all_commands

    stop_all_commands()
    os._exit(128 + number)


def check_steps(context: CheckContext, steps: list[str], *, stream: bool = False) -> dict[str, Report]:
    """Check the steps side by side. With `stream`, write progress and reports as they come (`ecotui.stream`)."""
    needs_aws = {"environment", "quota", "cleanup", "cloudfront", "nodes"}
    if needs_aws.intersection(steps):
        context.aws  # noqa: B018 - made here, once: making clients in parallel threads is slower than in sequence
    reports: dict[str, Report] = {}
    write_lock = threading.Lock()

    def write(message: Message) -> None:
        with write_lock:
            sys.stdout.buffer.write(encode_message(message) + b"\n")
            sys.stdout.buffer.flush()

    def context_of(step: str) -> CheckContext:
        return (
            context.with_progress(lambda text: write(CheckProgress(step=step, text=one_line(text))))
            if stream
            else context
        )

    with ThreadPoolExecutor(max_workers=len(steps), thread_name_prefix="check") as pool:
        futures = {pool.submit(STEPS_BY_ID[step].check, context_of(step)): step for step in dict.fromkeys(steps)}
        for future in as_completed(futures):
            report = future.result()
            reports[futures[future]] = report
            if stream:
                write(StepReport(report=report))
    return reports


def _print_report(report: Report, guide: GuideSettings) -> None:
    step = STEPS_BY_ID[report.step]
    print(f"{STATE_ICONS[report.state]} {step.title}  {report.state.value}  ({report.seconds:.1f} s)")
    for finding in report.findings:
        print(f"  {STATE_ICONS[finding.state]} {finding.summary}  [{finding.id}]")
        if finding.denied:
            print(f"      not allowed: {', '.join(finding.denied)}")
        if cited := guide.qualify_entry_numbers(finding.guide):
            print(f"      guide: {', '.join(f'ecotui guide {entry}' for entry in cited)}")
        for fix in finding.fixes:
            print(f"      → {fix.title}{f': {fix.command}' if fix.command else ''}")

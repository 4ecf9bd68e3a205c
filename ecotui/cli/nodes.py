"""`ecotui nodes`: list the nodes and what is missing, or wait until all are Ready."""

from __future__ import annotations

import argparse
import signal

import msgspec

from checks.context import CheckContext
from checks.finding import STATE_ICONS, Report, finding_to_json
from checks.nodes.model import NodeRow, NodesDetail
from checks.steps import STEPS_BY_ID
from ecotui import exit_codes
from ecotui.cli.context import check_context
from ecotui.cli.printing import print_document


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    parser.add_argument("--wait", action="store_true", help="wait until every expected node is Ready")
    parser.add_argument("--progress", action="store_true", help="with --wait: a line of JSON a second")
    parser.add_argument("--poll", type=_parse_seconds, metavar="SECONDS", help="time between two checks (nodes.poll)")
    parser.add_argument("--limit", type=_parse_seconds, metavar="SECONDS", help="when waiting ends (nodes.wait)")


def run(args: argparse.Namespace) -> int:
    context = check_context(args)
    if args.wait:
        return _wait_until_ready(context, args)
    report = STEPS_BY_ID["nodes"].check(context)
    # A check that failed has no detail.
    detail = msgspec.convert(report.detail, NodesDetail) if report.detail else NodesDetail(answers=False)
    if args.json:
        print_document("nodes", _nodes_document(report, detail))
    else:
        _print_nodes(report, detail)
    return exit_codes.exit_code_for(report.state)


def _wait_until_ready(context: CheckContext, args: argparse.Namespace) -> int:
    from checks.nodes.check import poll_nodes
    from ecotui.cli.wait import wait_until_done

    settings = context.settings.nodes
    # A stop from outside ends the running queries as Ctrl-C does; without a handler they would outlive this process.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    return wait_until_done(
        "nodes",
        context,
        lambda: poll_nodes(context),
        interval=args.poll or settings.poll,
        limit=args.limit or settings.wait,
        progress=args.progress,
    )


def _nodes_document(report: Report, detail: NodesDetail) -> dict[str, object]:
    return {
        "answers": detail.answers,
        "expected": detail.expected,
        "ready": detail.ready,
        "groups": [msgspec.structs.asdict(group) for group in detail.groups],
        "nodes": [msgspec.structs.asdict(row) for row in detail.rows],
        "findings": [finding_to_json(finding) for finding in report.findings],
    }


def _print_nodes(report: Report, detail: NodesDetail) -> None:
    for finding in report.findings:
        print(f"{STATE_ICONS[finding.state]} {finding.summary}  [{finding.id}]")
        if finding.denied:
            print(f"    not allowed: {', '.join(finding.denied)}")
        for fix in finding.fixes:
            print(f"    → {fix.title}{f': {fix.command}' if fix.command else ''}")
    if not detail.rows:
        return
    table: list[tuple[str, ...]] = [("NAME", "GROUP", "STATUS", "AGE", "INSTANCE", "VERSION")]
    table += [_table_row(row) for row in detail.rows]
    widths = [max(len(line[column]) for line in table) for column in range(len(table[0]))]
    print()
    for line in table:
        print("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip())


def _table_row(row: NodeRow) -> tuple[str, ...]:
    status = "Ready" if row.ready else "NotReady" if row.joined else "not joined"
    extra = [one for one in row.conditions if not one.startswith("Ready=")]
    if not row.schedulable:
        extra.append("cordoned")
    return (
        row.name,
        row.group or "-",
        ", ".join((status, *extra)),
        "-" if row.age is None else _format_age(row.age),
        " ".join(part for part in (row.instance_id, row.instance_state) if part) or "-",
        row.version or "-",
    )


def _format_age(seconds: float) -> str:
    for size, unit in ((86_400, "d"), (3_600, "h"), (60, "m")):
        if seconds >= size * 2:
            return f"{int(seconds // size)}{unit}"
    return f"{int(seconds)}s"


def _parse_seconds(text: str) -> float:
    value = float(text)
    if not 0 < value < 1e7:
        raise argparse.ArgumentTypeError(f"{text} is not a number of seconds")
    return value

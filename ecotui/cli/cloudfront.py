"""`ecotui cloudfront`: list the project's distributions, or wait until they are deployed."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

from checks.finding import STATE_ICONS, worst_state
from ecotui import exit_codes
from ecotui.cli.context import check_context
from ecotui.cli.printing import print_document

if TYPE_CHECKING:
    from checks.cloudfront.model import DistributionRow
    from checks.context import CheckContext
    from checks.polling import PollClock


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--wait", action="store_true", help="wait until every distribution is deployed")
    parser.add_argument("--progress", action="store_true", help="with --wait: a line of JSON a second")
    parser.add_argument("--json", action="store_true", help="print one JSON document")


def run(args: argparse.Namespace, clock: PollClock | None = None) -> int:
    where = check_context(args)
    return _wait_until_deployed(where, args.progress, clock) if args.wait else _print_distributions(where, args.json)


def _print_distributions(context: CheckContext, as_json: bool) -> int:
    from checks.cloudfront.check import check_distributions

    findings, detail = check_distributions(context)
    if as_json:
        print_document(
            "cloudfront",
            {
                "distributions": [_row_document(row) for row in detail.rows],
                "normal_minutes": list(detail.normal_minutes),
            },
        )
    stream = sys.stderr if as_json else sys.stdout
    for finding in findings:
        if not as_json or not detail.rows:
            print(f"{STATE_ICONS[finding.state]} {finding.summary}", file=stream)
    return exit_codes.exit_code_for(worst_state(finding.state for finding in findings))


def _row_document(row: DistributionRow) -> dict[str, object]:
    """A row in the shape of `ecotui.cloudfront/1`: every key present."""
    import msgspec

    return {name: msgspec.to_builtins(getattr(row, name)) for name in row.__struct_fields__}


def _wait_until_deployed(context: CheckContext, progress: bool, clock: PollClock | None) -> int:
    from checks.cloudfront.check import poll_distributions
    from ecotui.cli.wait import wait_until_done

    settings = context.settings.cloudfront
    return wait_until_done(
        "cloudfront",
        context,
        lambda: poll_distributions(context),
        interval=settings.poll,
        limit=settings.wait,
        progress=progress,
        clock=clock,
    )

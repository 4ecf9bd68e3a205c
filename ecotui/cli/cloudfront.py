"""`ecotui cloudfront`: look at the project's distributions, or wait until they are deployed."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

from checks.finding import worst
from ecotui import exit_codes
from ecotui.cli.context import world
from ecotui.cli.printing import SIGNS, document

if TYPE_CHECKING:
    from checks.cloudfront.check import DistributionRow
    from checks.context import World
    from checks.polling import Clock


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--wait", action="store_true", help="wait until every distribution is deployed")
    parser.add_argument("--progress", action="store_true", help="with --wait: a line of JSON a second")
    parser.add_argument("--json", action="store_true", help="print one JSON document")


def run(args: argparse.Namespace, clock: Clock | None = None) -> int:
    where = world(args)
    return _wait(where, args.progress, clock) if args.wait else _list(where, args.json)


def _list(where: World, as_json: bool) -> int:
    from checks.cloudfront.check import rows

    findings, detail = rows(where)
    if as_json:
        document(
            "cloudfront",
            {
                "distributions": [_public(row) for row in detail.rows],
                "normal_minutes": list(detail.normal_minutes),
            },
        )
    stream = sys.stderr if as_json else sys.stdout
    for finding in findings:
        if not as_json or not detail.rows:
            print(f"{SIGNS[finding.state]} {finding.summary}", file=stream)
    return exit_codes.of(worst(finding.state for finding in findings))


def _public(row: DistributionRow) -> dict[str, object]:
    """A row in the shape of `ecotui.cloudfront/1`: every key present."""
    import msgspec

    return {name: msgspec.to_builtins(getattr(row, name)) for name in row.__struct_fields__}


def _wait(where: World, progress: bool, clock: Clock | None) -> int:
    from checks.aws.errors import errors
    from checks.cloudfront.check import sight
    from checks.polling import REAL
    from ecotui.cli.wait import follow

    def passing(error: Exception) -> str | None:
        trouble = where.aws.explain(error)
        return trouble.summary if trouble.passing else None

    settings = where.settings.cloudfront
    try:
        return follow(
            lambda: sight(where),
            poll=settings.poll,
            limit=settings.wait,
            progress=progress,
            passing=passing,
            clock=clock or REAL,
        )
    except errors() as error:
        trouble = where.aws.explain(error)
        print(f"ecotui cloudfront: {trouble.summary}", file=sys.stderr)
        for fix in trouble.fixes:
            print(f"  → {fix.title}: {fix.command}", file=sys.stderr)
        return exit_codes.BLOCKED

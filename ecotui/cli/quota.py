"""`ecotui quota`: list the quotas, request an increase of one, or wait for it."""

from __future__ import annotations

import argparse
import math
import sys
from typing import TYPE_CHECKING

from checks.finding import worst
from checks.quota.model import QuotaRow, number, public
from config.model import QuotaLimit
from ecotui import exit_codes
from ecotui.cli.context import world
from ecotui.cli.locks import configure as configure_holding
from ecotui.cli.locks import holding
from ecotui.cli.printing import SIGNS, document

if TYPE_CHECKING:
    from checks.context import World
    from checks.polling import Clock


def configure(parser: argparse.ArgumentParser) -> None:
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--request", metavar="CODE", help="request an increase of this quota (with --value)")
    what.add_argument(
        "--wait", metavar="CODE", help="wait until an increase of this quota is granted or refused"
    )
    parser.add_argument("--value", type=_value, metavar="N", help="the limit to ask for")
    parser.add_argument("--yes", action="store_true", help="do not ask before the request is sent")
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    parser.add_argument("--progress", action="store_true", help="with --wait: a line of JSON a second")
    configure_holding(parser)


def run(args: argparse.Namespace, clock: Clock | None = None) -> int:
    if (args.request is None) != (args.value is None):
        print("ecotui quota: --request and --value go together", file=sys.stderr)
        return exit_codes.USAGE
    where = world(args)
    code = args.request or args.wait
    if code is None:
        return _list(where, as_json=args.json)
    limit = next((item for item in where.settings.quota.limits if item.code == code), None)
    if limit is None:
        known = ", ".join(item.code for item in where.settings.quota.limits) or "none"
        print(f"ecotui quota: the settings name no quota {code!r} (quota.limits): {known}", file=sys.stderr)
        return exit_codes.USAGE
    from checks.aws.errors import errors

    try:
        if args.request:
            with holding(where, args.override):
                return _request(where, limit, args.value, yes=args.yes, as_json=args.json)
        return _wait(where, limit, progress=args.progress, clock=clock)
    except errors() as error:
        trouble = where.aws.explain(error)
        print(f"ecotui quota: {trouble.summary}", file=sys.stderr)
        for fix in trouble.fixes:
            print(f"  → {fix.title}: {fix.command}", file=sys.stderr)
        return exit_codes.BLOCKED


def _value(text: str) -> float:
    value = float(text)
    if not math.isfinite(value) or value <= 0:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number above zero")
    return value


def _list(where: World, *, as_json: bool) -> int:
    from checks.quota.check import rows

    findings, detail = rows(where)
    if as_json:
        document("quota", {"quotas": [public(row) for row in detail.rows], "region": detail.region})
    else:
        for row in detail.rows:
            print(_line(row))
    for finding in findings:
        if not as_json or not detail.rows:
            stream = sys.stderr if as_json else sys.stdout
            print(f"{SIGNS[finding.state]} {finding.summary}", file=stream)
    return exit_codes.of(worst(finding.state for finding in findings))


def _line(row: QuotaRow) -> str:
    columns = f"limit {number(row.limit):>5}  used {number(row.used):>5}  needed {number(row.needed):>5}  "
    return f"{SIGNS[row.state]} {row.code}  {columns}left {number(row.left):>5}  {row.title}"


def _request(where: World, limit: QuotaLimit, value: float, *, yes: bool, as_json: bool) -> int:
    from checks.quota.increase import equivalent, request

    identity = where.aws.identity_now()
    meant = where.settings.aws.account
    if meant and meant != identity.account:
        print(
            f"ecotui quota: the credentials are of account {identity.account}, the settings mean {meant} "
            "(aws.account); nothing was asked.",
            file=sys.stderr,
        )
        return exit_codes.BLOCKED
    name = f"{identity.account}{f' ({identity.alias})' if identity.alias else ''}"
    print(f"Account {name}, region {where.aws.region}, as {identity.arn}", file=sys.stderr)
    print(equivalent(limit.service, limit.code, value, where.aws.region), file=sys.stderr, flush=True)
    if not yes and not _agreed(f"Ask AWS to raise {limit.title} to {number(value)}? [y/N] "):
        return exit_codes.USAGE
    asked = request(where.aws, limit, value)
    if as_json:
        import msgspec

        document(
            "quota.request",
            {"state": asked.state.value, "text": asked.text, "request": msgspec.to_builtins(asked.request)},
        )
    else:
        print(asked.text)
        if asked.request is not None:
            print(f"Wait for the answer: ecotui quota --wait {limit.code}")
    return exit_codes.of(asked.state)


def _agreed(question: str) -> bool:
    if not sys.stdin.isatty():
        print("ecotui quota: nobody to ask; add --yes to send the request", file=sys.stderr)
        return False
    print(question, end="", file=sys.stderr, flush=True)
    if sys.stdin.readline().strip().lower() in ("y", "yes"):
        return True
    print("Nothing was asked.", file=sys.stderr)
    return False


def _wait(where: World, limit: QuotaLimit, *, progress: bool, clock: Clock | None) -> int:
    from checks.polling import REAL
    from checks.quota.increase import sight
    from ecotui.cli.wait import follow

    def passing(error: Exception) -> str | None:
        trouble = where.aws.explain(error)
        return trouble.summary if trouble.passing else None

    settings = where.settings.quota
    return follow(
        lambda: sight(where.aws, limit),
        poll=settings.poll,
        limit=settings.wait,
        progress=progress,
        passing=passing,
        clock=clock or REAL,
    )

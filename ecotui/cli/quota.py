"""`ecotui quota`: list the quotas, request an increase of one, or wait for it."""

from __future__ import annotations

import argparse
import math
import sys
from typing import TYPE_CHECKING

from checks.aws.errors import aws_error_types
from checks.finding import STATE_ICONS, worst_state
from checks.quota.model import QuotaRow, format_quantity, quota_to_json
from config.model import QuotaLimitSettings
from ecotui import exit_codes
from ecotui.cli.context import check_context
from ecotui.cli.locks import configure_override, hold_locks
from ecotui.cli.printing import print_document
from ecotui.cli.wait import print_aws_error, wait_until_done

if TYPE_CHECKING:
    from checks.context import CheckContext
    from checks.polling import PollClock


def configure(parser: argparse.ArgumentParser) -> None:
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--request", metavar="CODE", help="request an increase of this quota (with --value)")
    what.add_argument("--wait", metavar="CODE", help="wait until an increase of this quota is granted or refused")
    parser.add_argument("--value", type=_parse_value, metavar="N", help="the limit to ask for")
    parser.add_argument("--yes", action="store_true", help="do not ask before the request is sent")
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    parser.add_argument("--progress", action="store_true", help="with --wait: a line of JSON a second")
    configure_override(parser)


def run(args: argparse.Namespace, clock: PollClock | None = None) -> int:
    if (args.request is None) != (args.value is None):
        print("ecotui quota: --request and --value go together", file=sys.stderr)
        return exit_codes.USAGE
    context = check_context(args)
    code = args.request or args.wait
    if code is None:
        return _print_quotas(context, as_json=args.json)
    limit = next((item for item in context.settings.quota.limits if item.code == code), None)
    if limit is None:
        known = ", ".join(item.code for item in context.settings.quota.limits) or "none"
        print(f"ecotui quota: the settings name no quota {code!r} (quota.limits): {known}", file=sys.stderr)
        return exit_codes.USAGE
    if args.wait:
        return _wait_for_decision(context, limit, progress=args.progress, clock=clock)
    try:
        with hold_locks(context, args.override):
            return _request_increase(context, limit, args.value, yes=args.yes, as_json=args.json)
    except aws_error_types() as error:
        return print_aws_error("quota", context, error)


def _parse_value(text: str) -> float:
    value = float(text)
    if not math.isfinite(value) or value <= 0:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number above zero")
    return value


def _print_quotas(context: CheckContext, *, as_json: bool) -> int:
    from checks.quota.check import check_quotas

    findings, detail = check_quotas(context)
    if as_json:
        print_document("quota", {"quotas": [quota_to_json(row) for row in detail.rows], "region": detail.region})
    else:
        for row in detail.rows:
            print(_format_row(row))
    for finding in findings:
        if not as_json or not detail.rows:
            stream = sys.stderr if as_json else sys.stdout
            print(f"{STATE_ICONS[finding.state]} {finding.summary}", file=stream)
    return exit_codes.exit_code_for(worst_state(finding.state for finding in findings))


def _format_row(row: QuotaRow) -> str:
    columns = f"limit {format_quantity(row.limit):>5}  used {format_quantity(row.used):>5}  needed {format_quantity(row.needed):>5}  "
    return f"{STATE_ICONS[row.state]} {row.code}  {columns}left {format_quantity(row.left):>5}  {row.title}"


def _request_increase(
    context: CheckContext, limit: QuotaLimitSettings, value: float, *, yes: bool, as_json: bool
) -> int:
    from checks.quota.increase import increase_cli_command, request_increase

    identity = context.aws.refetch_identity()
    meant = context.settings.aws.account
    if meant and meant != identity.account:
        print(
            f"ecotui quota: the credentials are of account {identity.account}, the settings mean {meant} "
            "(aws.account); nothing was requested.",
            file=sys.stderr,
        )
        return exit_codes.BLOCKED
    name = f"{identity.account}{f' ({identity.alias})' if identity.alias else ''}"
    print(f"Account {name}, region {context.aws.region}, as {identity.arn}", file=sys.stderr)
    print(increase_cli_command(limit.service, limit.code, value, context.aws.region), file=sys.stderr, flush=True)
    if not yes and not _confirm_request(f"Ask AWS to raise {limit.title} to {format_quantity(value)}? [y/N] "):
        return exit_codes.USAGE
    asked = request_increase(context.aws, limit, value)
    if as_json:
        import msgspec

        print_document(
            "quota.request",
            {"state": asked.state.value, "text": asked.text, "request": msgspec.to_builtins(asked.request)},
        )
    else:
        print(asked.text)
        if asked.request is not None:
            print(f"Wait for the answer: ecotui quota --wait {limit.code}")
    return exit_codes.exit_code_for(asked.state)


def _confirm_request(question: str) -> bool:
    if not sys.stdin.isatty():
        print("ecotui quota: nobody to ask; add --yes to send the request", file=sys.stderr)
        return False
    print(question, end="", file=sys.stderr, flush=True)
    if sys.stdin.readline().strip().lower() in ("y", "yes"):
        return True
    print("Nothing was requested.", file=sys.stderr)
    return False


def _wait_for_decision(
    context: CheckContext, limit: QuotaLimitSettings, *, progress: bool, clock: PollClock | None
) -> int:
    from checks.quota.increase import poll_increase

    settings = context.settings.quota
    return wait_until_done(
        "quota",
        context,
        lambda: poll_increase(context.aws, limit),
        interval=settings.poll,
        limit=settings.wait,
        progress=progress,
        clock=clock,
    )

"""`ecotui sessions compare`: two sessions side by side."""

from __future__ import annotations

import argparse
import shutil
from unicodedata import east_asian_width

from checks.duration import format_duration
from ecotui import exit_codes
from ecotui.cli.printing import print_document
from ecotui.history.compare import ComparisonRow, ComparisonSection, compare_sessions, comparison_to_json
from ecotui.session.event_text import format_local_time
from ecotui.session.store import SessionStore

MIN_DIFFERENCE_SECONDS = 1.5
"""Seconds below which a difference is not shown: terraform reports whole ones."""
MAX_RESOURCES = 15
"""Resources that are shown without --all."""


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("before", metavar="ID")
    parser.add_argument("after", metavar="ID", nargs="?", help="default: the latest")
    parser.add_argument("--all", action="store_true", help="also what is the same in both")


def run(args: argparse.Namespace, store: SessionStore) -> int:
    """Raises SessionError."""
    before = store.open(args.before)
    after = store.open(args.after) if args.after else store.open_latest()
    comparison = compare_sessions(before, after)
    if args.json:
        print_document("sessions.compare", comparison_to_json(comparison))
        return exit_codes.OK
    for sign, compared in (("A", comparison.before), ("B", comparison.after)):
        print(
            f"{sign}  {compared.id}  {compared.project}  {format_local_time(compared.started)}  {compared.outcome or 'open'}"
        )
    sections = [(section, _select_rows(section, args.all)) for section in comparison.sections]
    if not any(rows for _, rows in sections):
        print(f"{before.id} and {after.id} have the same results.")
    width = shutil.get_terminal_size((100, 24)).columns
    for section, rows in sections:
        if rows:
            print(f"\n{section.title}")
            _print_table(rows, width)
    return exit_codes.OK


def _select_rows(section: ComparisonSection, show_all: bool) -> list[ComparisonRow]:
    rows = list(section.rows if show_all else section.changed_rows)
    if section.title.startswith("Resources") and not show_all:
        rows = [row for row in rows if row.change_seconds is None or abs(row.change_seconds) >= MIN_DIFFERENCE_SECONDS][
            :MAX_RESOURCES
        ]
    return rows


def _print_table(rows: list[ComparisonRow], width: int) -> None:
    """Columns as wide as they need; long texts one below the other."""
    names = max(min(max(display_width(row.label) for row in rows), width // 2), 12)
    first = max(min(max(display_width(row.before) for row in rows), width // 4), 6)
    for row in rows:
        if display_width(row.before) > first or display_width(row.after) > width - names - first - 16:
            print(f"  {row.label}\n    A  {row.before or '-'}\n    B  {row.after or '-'}")
            continue
        print(
            f"  {pad_to_width(row.label, names)}  {pad_to_width(row.before or '-', first)}  {row.after or '-'}{_format_change(row)}"
        )


def _format_change(row: ComparisonRow) -> str:
    if not row.change_seconds:
        return ""
    return f"  ({'+' if row.change_seconds > 0 else '−'}{format_duration(abs(row.change_seconds), tenths=True)})"


def display_width(text: str) -> int:
    """How wide a text is in a terminal: a Korean letter takes two cells."""
    return sum(2 if east_asian_width(sign) in "WF" else 1 for sign in text)


def pad_to_width(text: str, width: int) -> str:
    """Fill up with blanks by what a terminal shows: a Korean sign is two cells wide."""
    return text + " " * max(width - display_width(text), 0)

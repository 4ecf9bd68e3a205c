"""`ecotui sessions compare`: two sessions side by side."""

from __future__ import annotations

import argparse
import shutil
from unicodedata import east_asian_width

from checks.duration import span
from ecotui import exit_codes
from ecotui.cli.printing import document
from ecotui.history.compare import Row, Section, compare, public
from ecotui.session.event_text import clock
from ecotui.session.log import Session

LEAST = 1.5
"""Seconds below which a difference is not told: terraform tells whole ones."""
SHOWN = 15
"""Resources that are told without --all."""


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("before", metavar="ID")
    parser.add_argument("after", metavar="ID", nargs="?", help="default: the latest")
    parser.add_argument("--all", action="store_true", help="also what is the same in both")


def run(args: argparse.Namespace, before: Session, after: Session) -> int:
    """Raises SessionError."""
    found = compare(before, after)
    if args.json:
        document("sessions.compare", public(found))
        return exit_codes.OK
    for sign, one in (("A", found.before), ("B", found.after)):
        print(f"{sign}  {one.id}  {one.project}  {clock(one.started)}  {one.outcome or 'open'}")
    sections = [(section, _chosen(section, args.all)) for section in found.sections]
    if not any(rows for _, rows in sections):
        print(f"{before.id} and {after.id} came out the same.")
    width = shutil.get_terminal_size((100, 24)).columns
    for section, rows in sections:
        if rows:
            print(f"\n{section.title}")
            _table(rows, width)
    return exit_codes.OK


def _chosen(section: Section, everything: bool) -> list[Row]:
    rows = list(section.rows if everything else section.different)
    if section.title.startswith("Resources") and not everything:
        rows = [row for row in rows if row.change is None or abs(row.change) >= LEAST][:SHOWN]
    return rows


def _table(rows: list[Row], width: int) -> None:
    """Columns as wide as they need; long texts one below the other."""
    names = max(min(max(cells(row.what) for row in rows), width // 2), 12)
    first = max(min(max(cells(row.before) for row in rows), width // 4), 6)
    for row in rows:
        if cells(row.before) > first or cells(row.after) > width - names - first - 16:
            print(f"  {row.what}\n    A  {row.before or '-'}\n    B  {row.after or '-'}")
            continue
        print(f"  {pad(row.what, names)}  {pad(row.before or '-', first)}  {row.after or '-'}{_change(row)}")


def _change(row: Row) -> str:
    if not row.change:
        return ""
    return f"  ({'+' if row.change > 0 else '−'}{span(abs(row.change), tenths=True)})"


def cells(text: str) -> int:
    """How wide a text is in a terminal: a Korean letter takes two cells."""
    return sum(2 if east_asian_width(sign) in "WF" else 1 for sign in text)


def pad(text: str, width: int) -> str:
    """Fill up with blanks by what a terminal shows: a Korean sign is two cells wide."""
    return text + " " * max(width - cells(text), 0)

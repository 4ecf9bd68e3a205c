"""`ecotui diagnose`: matches an error text against the guide."""

from __future__ import annotations

import argparse
import os
import sys
from typing import TYPE_CHECKING

import msgspec

from config.load import load_settings
from ecotui import exit_codes
from ecotui.cli.printing import print_document
from ecotui.guide.matching.matcher import Diagnosis, EntryMatch
from ecotui.guide.reading.library import GuideError, open_library

if TYPE_CHECKING:
    from checks.tools.terraform_crash import Crash

LARGE_FILE_BYTES = 10_000_000
"""Bytes of a file above which entries are reported while it is read: a smaller one takes a moment."""


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", nargs="?", default="-", metavar="FILE", help="the text (default: standard input)")
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    parser.add_argument("--why", action="store_true", help="with --json: add the rule that found each entry")


def run(args: argparse.Namespace) -> int:
    loaded = load_settings(project=args.project, file=args.config, overrides=args.set, env=os.environ)
    try:
        library = open_library(loaded.settings, loaded.project, os.environ)
        diagnosis = Diagnosis(library)
        if args.file == "-":
            diagnosis.read(sys.stdin.buffer, None if args.json else _print_early_match)
        else:
            with open(args.file, "rb") as stream:  # noqa: PTH123 - a path as the operator typed it
                long = os.fstat(stream.fileno()).st_size > LARGE_FILE_BYTES
                diagnosis.read(stream, _print_early_match if long and not args.json else None)
    except (GuideError, OSError) as error:
        print(f"ecotui diagnose: {error}", file=sys.stderr)
        return exit_codes.USAGE
    matches = diagnosis.matches
    for note in diagnosis.notes:
        print(f"ecotui diagnose: {note}", file=sys.stderr)
    if args.json:
        reasons = {"reasons": [_reason_document(match) for match in matches]} if args.why else {}
        print_document("diagnose", {"matches": [_match_document(match) for match in matches], **reasons})
    elif not matches:
        print("The guide has nothing about this text.")
        if found := _detect_crash(args.file):
            print("\n".join(found.lines))
    else:
        for match in matches:
            print(f"{match.entry}  {match.title}")
            print(f"      line {match.line}: {match.excerpt}")
            print(f"      by “{match.rule}”: {KIND_DESCRIPTIONS[match.kind]}")
            print(f"      ecotui guide {match.entry}")
    return exit_codes.OK


def _detect_crash(file: str) -> Crash | None:
    """Detect a crashed provider, which no guide has to explain. Files only: a pipe is read once."""
    from pathlib import Path

    from checks.tools import terraform_crash
    from checks.tools.terraform_errors import parse_diagnostics

    try:
        if file == "-" or Path(file).stat().st_size > LARGE_FILE_BYTES:
            return None
        text = Path(file).read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    return terraform_crash.find_crash(parse_diagnostics(text), text)


KIND_DESCRIPTIONS = {
    "error": "the error that this entry is about",
    "near": "an error of the kind that this entry is about",
    "warning": "a warning; nothing failed because of it",
    "progress": "a line of progress; nothing failed",
    "text": "words of the entry's own error text",
}
"""The kinds of rules, in words."""


def _reason_document(match: EntryMatch) -> dict[str, object]:
    return {"entry": match.entry, "line": match.line, "rule": match.rule, "kind": match.kind}


def _print_early_match(match: EntryMatch) -> None:
    """Report an entry as soon as it is found, before the end of a long log or pipe."""
    print(f"{match.entry} found in line {match.line}; reading on", file=sys.stderr, flush=True)


def _match_document(match: EntryMatch) -> dict[str, object]:
    """The fields of a match in the public document."""
    fields = msgspec.to_builtins(match)
    return {name: fields[name] for name in ("entry", "title", "score", "line", "excerpt")}

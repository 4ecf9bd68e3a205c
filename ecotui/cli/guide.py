"""`ecotui guide`: read an entry, or search."""

from __future__ import annotations

import argparse
import os
import sys

from checks.sanitize import sanitize
from config.load import load
from ecotui import exits
from ecotui.cli.output import document
from ecotui.guide.document import Entry
from ecotui.guide.library import GuideError, Library, open_library


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "words", nargs="*", metavar="ENTRY|WORDS", help="an entry (3.1), or words to search for"
    )
    parser.add_argument(
        "--language", choices=("ko", "en"), help="the language (default: the setting, then LANG)"
    )
    parser.add_argument("--json", action="store_true", help="print one JSON document")


def run(args: argparse.Namespace) -> int:
    overrides = [*args.set, *([f"guide.language={args.language}"] if args.language else [])]
    loaded = load(project=args.project, file=args.config, overrides=overrides, env=os.environ)
    try:
        library = open_library(loaded.settings, loaded.project, os.environ)
    except GuideError as error:
        print(f"ecotui guide: {error}", file=sys.stderr)
        return exits.USAGE
    words = sanitize(" ".join(args.words))
    entry = library.entry(words.strip())
    entries = (entry,) if entry else library.search(words)
    if args.json:
        document("guide", {"entries": [_plain(library, found) for found in entries]})
    elif entry:
        _print(library, entry)
    else:
        for found in entries:
            print(f"{found.id:<6} {found.title}")
    if not entries:
        print(f"ecotui guide: nothing in the guide about {words!r}", file=sys.stderr)
        return exits.ERROR
    return exits.OK


def _plain(library: Library, entry: Entry) -> dict[str, object]:
    return {
        "id": entry.id,
        "title": entry.title,
        "chapter": entry.chapter,
        "text": entry.text,
        "corrections": list(library.corrections(entry.id)),
    }


def _print(library: Library, entry: Entry) -> None:
    print(f"{entry.id}  {entry.title}\n{'=' * 60}\n\n{entry.text}")
    for note in library.corrections(entry.id):
        print(f"\n> Correction: {note}")

"""`ecotui guide`: reads an entry, searches, lints the documents, or drafts an entry from a session."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

import msgspec

from checks.sanitize import sanitize
from config.load import LoadedSettings, load_settings
from ecotui import exit_codes
from ecotui.cli.printing import print_document
from ecotui.guide.lint import lint_library
from ecotui.guide.reading.document import Entry
from ecotui.guide.reading.library import GuideError, GuideLibrary, open_library
from ecotui.guide.search import EntryHit, EntryIndex


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "words",
        nargs="*",
        metavar="ENTRY|WORDS|lint [FILE]|new [SESSION]",
        help="an entry (3.1), or words to search for; lint: list what the documents have that could not be used; "
        "new: draft an entry from the last session",
    )
    parser.add_argument("--language", choices=("ko", "en"), help="the language (default: the setting, then LANG)")
    parser.add_argument("--out", metavar="FILE", help="with new: write the draft to a new file")
    parser.add_argument("--json", action="store_true", help="print one JSON document")


def run(args: argparse.Namespace) -> int:
    overrides = [*args.set, *([f"guide.language={args.language}"] if args.language else [])]
    loaded = load_settings(project=args.project, file=args.config, overrides=overrides, env=os.environ)
    if args.words[:1] == ["lint"] and len(args.words) <= 2:
        return _lint(args, loaded)
    if args.words[:1] == ["new"] and len(args.words) <= 2:
        return _draft_entry(args, loaded)
    try:
        library = open_library(loaded.settings, loaded.project, os.environ)
    except GuideError as error:
        print(f"ecotui guide: {error}", file=sys.stderr)
        return exit_codes.USAGE
    words = sanitize(" ".join(args.words))
    entry = library.find_entry(words.strip())
    hits = (EntryHit(entry),) if entry else EntryIndex(library).search(words)
    if args.json:
        print_document("guide", {"entries": [_entry_document(library, hit.entry) for hit in hits]})
    elif entry:
        _print_entry(library, entry)
    else:
        _print_hits(library, hits, group_by_document=not words.strip())
    if not hits:
        print(f"ecotui guide: nothing in the guide about {words!r}", file=sys.stderr)
        return exit_codes.ERROR
    return exit_codes.OK


def _lint(args: argparse.Namespace, loaded: LoadedSettings) -> int:
    settings = loaded.settings
    if args.words[1:]:
        # A file on the command line is relative to the current folder.
        own = msgspec.structs.replace(settings.guide, documents=(os.path.abspath(args.words[1]),))  # noqa: PTH100 - folds `..`
        settings = msgspec.structs.replace(settings, guide=own)
    try:
        library = open_library(settings, loaded.project, os.environ)
    except GuideError as error:
        print(f"ecotui guide: {error}", file=sys.stderr)
        return exit_codes.USAGE
    remarks = lint_library(library)
    if args.json:
        print_document("guide.lint", {"remarks": [msgspec.to_builtins(remark) for remark in remarks]})
    else:
        for remark in remarks:
            print(f"{remark.document}:{remark.line}: {remark.text}")
        count = sum(len(one.entries) for one in library.documents)
        print(f"{count} entries in {len(library.documents)} documents, {len(remarks)} remarks")
    return exit_codes.WARNINGS if remarks else exit_codes.OK


def _draft_entry(args: argparse.Namespace, loaded: LoadedSettings) -> int:
    """Exit 0 with a draft, 1 without anything to draft, 2 if something cannot be read or written."""
    from config.folders import state_folder
    from ecotui.history.diagnose import draft_entry_for_session
    from ecotui.session import SessionError
    from ecotui.session.store import SessionStore

    try:
        library = open_library(loaded.settings, loaded.project, os.environ)
        store = SessionStore(state_folder(loaded.settings, os.environ))
        session = store.open(args.words[1]) if args.words[1:] else store.open_latest()
        draft = draft_entry_for_session(session, library)
        if draft is None:
            print("ecotui guide: no failure in this session that the guide has nothing about", file=sys.stderr)
            return exit_codes.ERROR
        if args.out:
            # Never over a file that is there.
            with Path(args.out).open("x", encoding="utf-8") as file:
                file.write(draft.text)
        else:
            print(draft.text, end="")
        if not draft.is_recognised:
            print(
                "ecotui guide: its error text is too general to be found by; name a signature in the overlay",
                file=sys.stderr,
            )
    except (GuideError, SessionError, OSError) as error:
        print(f"ecotui guide: {error}", file=sys.stderr)
        return exit_codes.USAGE
    return exit_codes.OK


def _print_hits(library: GuideLibrary, hits: tuple[EntryHit, ...], *, group_by_document: bool) -> None:
    """Print one line an entry, and the line of the hit; grouped by guide if there are several."""
    width = min(max((len(hit.entry.id) for hit in hits), default=0), 24)
    titles = {one.guide: one.title for one in library.guides}
    above = ""
    for hit in hits:
        if group_by_document and len(titles) > 1 and hit.entry.guide != above:
            above = hit.entry.guide
            print(f"{above}: {titles[above]}")
        print(f"{hit.entry.id:<{max(width, 5)}}  {hit.entry.title}")
        if hit.line:
            print(f"{'':<{max(width, 5)}}    line {hit.line}: {hit.excerpt}")


def _entry_document(library: GuideLibrary, entry: Entry) -> dict[str, object]:
    return {
        "id": entry.id,
        "title": entry.title,
        "chapter": entry.chapter,
        "text": entry.text,
        "corrections": list(library.corrections_for(entry.id)),
    }


def _print_entry(library: GuideLibrary, entry: Entry) -> None:
    print(f"{entry.id}  {entry.title}\n{'=' * 60}\n\n{entry.text}")
    overlay = library.file_overlays.get(entry.id)
    for note in overlay.corrections if overlay else ():
        print(f"\n> Correction: {note.text_in(library.language)}")
        if note.verified:
            print(f"> Verified by: {note.verified}")

"""`ecotui guide new`: draft an entry from a session's failure that the guide has nothing about."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from config.folders import state_folder
from config.load import LoadedSettings
from ecotui import exit_codes
from ecotui.guide.reading.library import GuideError, open_library
from ecotui.history.diagnose import draft_entry_for_session
from ecotui.session import SessionError
from ecotui.session.store import SessionStore


def run_new(args: argparse.Namespace, loaded: LoadedSettings) -> int:
    """Exit 0 with a draft, 1 where there is nothing to draft, 2 where something cannot be read or written."""
    try:
        library = open_library(loaded.settings, loaded.project, os.environ)
        store = SessionStore(state_folder(loaded.settings, os.environ))
        session = store.open(args.words[1]) if args.words[1:] else store.open_latest()
        known = draft_entry_for_session(session, library)
        if known is None:
            print("ecotui guide: no failure in this session that the guide has nothing about", file=sys.stderr)
            return exit_codes.ERROR
        if args.out:
            # Never over a file that is there.
            with Path(args.out).open("x", encoding="utf-8") as file:
                file.write(known.text)
        else:
            print(known.text, end="")
        if not known.is_recognised:
            print(
                "ecotui guide: its error text is too general to be found by; name a signature in the overlay",
                file=sys.stderr,
            )
    except (GuideError, SessionError, OSError) as error:
        print(f"ecotui guide: {error}", file=sys.stderr)
        return exit_codes.USAGE
    return exit_codes.OK

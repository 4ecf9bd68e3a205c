"""`ecotui guide new`: draft an entry from a session's failure that the guide has nothing about."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from config.load import Loaded
from ecotui import exits
from ecotui.guide.drafting import draft, next_number, written
from ecotui.guide.library import GuideError, open_library
from ecotui.session import SessionError
from ecotui.session.store import Store, root
from ecotui.supervisor.folder import OUTPUT

TAIL = 200_000
"""Bytes of an output, from its end, in which the error is looked for."""


def new(args: argparse.Namespace, loaded: Loaded) -> int:
    """Exit 0 with a draft, 1 where there is nothing to draft, 2 where something cannot be read or written."""
    try:
        library = open_library(loaded.settings, loaded.project, os.environ)
        store = Store(root(loaded.settings, os.environ))
        session = store.open(args.words[1]) if args.words[1:] else store.latest()

        def output(command: str) -> str:
            try:
                with (session.commands / command / OUTPUT).open("rb") as stream:
                    stream.seek(max(os.fstat(stream.fileno()).st_size - TAIL, 0))
                    return stream.read().decode("utf-8", errors="replace")
            except OSError:
                return ""

        known = draft(session.records(), output, library)
        if known is None:
            print(
                "ecotui guide: no failure in this session that the guide has nothing about", file=sys.stderr
            )
            return exits.ERROR
        text = written(known, next_number(library), library.language)
        if args.out:
            # Never over a file that is there.
            with Path(args.out).open("x", encoding="utf-8") as file:
                file.write(text)
        else:
            print(text, end="")
    except (GuideError, SessionError, OSError) as error:
        print(f"ecotui guide: {error}", file=sys.stderr)
        return exits.USAGE
    return exits.OK

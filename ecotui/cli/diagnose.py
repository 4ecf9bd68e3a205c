"""`ecotui diagnose`: match an error text against the guide."""

from __future__ import annotations

import argparse
import os
import sys

import msgspec

from config.load import load
from ecotui import exits
from ecotui.cli.output import document
from ecotui.guide.diagnosis import Diagnosis
from ecotui.guide.library import GuideError, open_library


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "file", nargs="?", default="-", metavar="FILE", help="the text (default: standard input)"
    )
    parser.add_argument("--json", action="store_true", help="print one JSON document")


def run(args: argparse.Namespace) -> int:
    loaded = load(project=args.project, file=args.config, overrides=args.set, env=os.environ)
    try:
        library = open_library(loaded.settings, loaded.project, os.environ)
        diagnosis = Diagnosis(library)
        if args.file == "-":
            diagnosis.read(sys.stdin.buffer)
        else:
            with open(args.file, "rb") as stream:  # noqa: PTH123 - a path as the operator typed it
                diagnosis.read(stream)
    except (GuideError, OSError) as error:
        print(f"ecotui diagnose: {error}", file=sys.stderr)
        return exits.USAGE
    matches = diagnosis.matches
    if args.json:
        document("diagnose", {"matches": [msgspec.to_builtins(match) for match in matches]})
    elif not matches:
        print("The guide has nothing about this text.")
    else:
        for match in matches:
            print(
                f"{match.entry}  {match.title}\n      line {match.line}: {match.excerpt}\n      ecotui guide {match.entry}"
            )
    return exits.OK

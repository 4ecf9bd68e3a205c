"""The command line: one module a command, imported only when that command is called.

A command module has `configure(parser)` and `run(args) -> int`. A new command is one module, and one line here.
"""

from __future__ import annotations

import argparse
import importlib
import os
import signal
import sys
from collections.abc import Sequence

COMMANDS = {
    "demo": "the whole rebuild against an embedded AWS, GitHub and Kubernetes",
    "check": "check the steps; changes nothing",
    "quota": "request an increase of a quota, or wait for one",
    "cleanup": "list leftovers of an earlier deployment, or delete the approved ones",
    "plan": "plan, and forecast what would go wrong",
    "adopt": "import what has a planned name already into the state",
    "apply": "apply the reviewed plan",
    "script": "show or run the team's own rebuild script, instead of plan and apply",
    "why": "explain why a resource of the running apply is not done yet",
    "team": "show who works in the account, on any machine",
    "unlock": "show who has the lock of the state, or remove it",
    "recover": "show what an interrupted apply left: an unsaved state, resources missing from it",
    "cloudfront": "check the distributions, or wait until they are deployed",
    "nodes": "check the nodes, or wait until all are Ready",
    "diagnose": "match an error text against the guide",
    "guide": "read or search the guide",
    "sessions": "list and review past sessions",
    "init": "write an ecotui.yaml for the project in this folder",
    "config": "show, explain or validate the settings",
}
"""Every command with its one-line help, in the order of the help text."""


class Parser(argparse.ArgumentParser):
    """An argument parser whose usage errors have our exit code."""

    def error(self, message: str) -> None:  # type: ignore[override]
        from ecotui.exit_codes import USAGE

        self.print_usage(sys.stderr)
        self.exit(USAGE, f"{self.prog}: {message}\n")


def add_common_options(parser: argparse.ArgumentParser, *, after_command: bool = False) -> None:
    """Add the options that every command takes, before its name or after it."""

    def default(value: object) -> object:
        # A default of the nested parser must not undo an option before the command's name.
        return argparse.SUPPRESS if after_command else value

    parser.add_argument(
        "-C", "--project", metavar="DIR", default=default(None), help="the project's folder (default: here)"
    )
    parser.add_argument(
        "--config",
        metavar="FILE",
        default=default(None),
        help="the settings file (default: ecotui.yaml, found upward)",
    )
    parser.add_argument(
        "--set",
        metavar="KEY=VALUE",
        action="append",
        default=default([]),
        help="override one setting: aws.region=eu-west-1",
    )


def _build_parser(command: str | None) -> Parser:
    parser = Parser(
        prog="ecotui",
        description="Guides you through rebuilding a Kubernetes cluster on AWS. Without a command: the terminal UI.",
    )
    parser.add_argument("--version", action="store_true", help="print the version")
    add_common_options(parser)
    subparsers = parser.add_subparsers(dest="command", metavar="COMMAND", title="commands")
    for name, purpose in COMMANDS.items():
        sub = subparsers.add_parser(name, help=purpose, description=f"{purpose[0].upper()}{purpose[1:]}.")
        if name == command:
            add_common_options(sub, after_command=True)
            importlib.import_module(f"ecotui.cli.{name}").configure(sub)
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code (`ecotui.exit_codes`). Never shows a traceback for bad input."""
    try:
        from ecotui.exit_codes import BLOCKED, ERROR, INTERRUPTED, USAGE
    except KeyboardInterrupt:
        print("ecotui: interrupted", file=sys.stderr)
        return 130  # INTERRUPTED: it could not be imported any more

    argv = list(sys.argv[1:] if argv is None else argv)
    command = next((word for word in argv if word in COMMANDS), None)
    try:
        args = _build_parser(command).parse_args(argv)
        if args.version:
            from ecotui.version import version

            print(f"ecotui {version()}")
            return 0
        if args.command is None:
            import gc

            # Everything allocated at the start stays: a collection before the first paint finds nothing.
            gc.disable()
            from ecotui.app import run_app

            return run_app(args)
        return int(importlib.import_module(f"ecotui.cli.{args.command}").run(args))
    except KeyboardInterrupt:
        print("ecotui: interrupted", file=sys.stderr)
        return INTERRUPTED
    except BrokenPipeError:
        # The reader of our output ended (`| head`): no error, and nothing can be written any more.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 128 + signal.SIGPIPE
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else ERROR
    except Exception as error:
        from config.load import SettingsError

        if isinstance(error, SettingsError):
            print(f"ecotui: {error}", file=sys.stderr)
            return USAGE
        from ecotui.session import SessionError

        if isinstance(error, SessionError):
            print(f"ecotui: {error}", file=sys.stderr)
            return ERROR
        from ecotui.cli.locks import LockUnavailable

        if isinstance(error, LockUnavailable):
            print(f"ecotui {command or ''}: {error}; nothing was changed", file=sys.stderr)
            return BLOCKED
        if os.environ.get("ECOTUI_DEBUG"):
            raise
        from checks.sanitize import one_line

        print(f"ecotui: {type(error).__name__}: {one_line(str(error))}", file=sys.stderr)
        print("Set ECOTUI_DEBUG=1 to see the traceback.", file=sys.stderr)
        return ERROR

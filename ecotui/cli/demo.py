"""`ecotui demo`: the whole rebuild against an embedded AWS, GitHub and Kubernetes, in a home of its own."""

from __future__ import annotations

import argparse
import contextlib
import os
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from ecotui import exit_codes

if TYPE_CHECKING:
    from ecotui.demo.process import Demo

_SIGNAL_EXIT_BASE = 128
_TUI_EXIT_SECONDS = 8.0
"""Seconds that the TUI has to leave after a signal, before it is killed."""


def configure(parser: argparse.ArgumentParser) -> None:
    mode = parser.add_mutually_exclusive_group()
    mode.add_argument("--auto", action="store_true", help="play the whole rebuild unattended")
    mode.add_argument(
        "--prepare-only",
        action="store_true",
        help="start the world, print its environment as export lines, and wait for Ctrl-C",
    )
    parser.add_argument(
        "--speed", type=_parse_speed, default=1.0, metavar="N", help="the world's waits go by N times as fast"
    )
    parser.add_argument(
        "--keep", type=Path, metavar="DIR", help="use this new or empty folder as the home, and keep it"
    )
    parser.add_argument("--json", action="store_true", help="with --auto: print one JSON document at the end")


def run(args: argparse.Namespace) -> int:
    from ecotui.demo.process import DemoError, run_demo

    if args.json and not args.auto:
        print("ecotui demo: --json goes with --auto", file=sys.stderr)
        return exit_codes.USAGE
    shown = args.auto or args.prepare_only
    if not shown and not (sys.stdin.isatty() and sys.stdout.isatty()):
        print(
            "ecotui demo: this needs a terminal; `ecotui demo --auto` plays the rebuild without one",
            file=sys.stderr,
        )
        return exit_codes.USAGE
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _exit_on_signal)
    try:
        _print_status("Starting an AWS, a GitHub and a Kubernetes on this machine; it takes about 5 seconds.")
        with run_demo(keep=args.keep, speed=args.speed, report=lambda text: _print_status(f"  {text}")) as demo:
            _print_introduction(demo)
            if args.prepare_only:
                return _print_environment_and_wait(demo)
            if args.auto:
                from ecotui.demo.unattended import run_unattended

                return run_unattended(demo, json=args.json, keep=args.keep)
            code = _run_tui(demo, args)
            if code < _SIGNAL_EXIT_BASE:
                _print_session_location(demo, args.keep)
            return code
    except DemoError as error:
        print(f"ecotui demo: {error}", file=sys.stderr)
        return exit_codes.ERROR


def _parse_speed(text: str) -> float:
    value = float(text)
    if not 0.1 <= value <= 1000:
        raise argparse.ArgumentTypeError("a number from 0.1 to 1000")
    return value


def _print_status(text: str) -> None:
    """Progress goes to stderr: stdout is for what was asked for."""
    with contextlib.suppress(OSError):  # a terminal that was closed must not keep us from tidying up
        print(text, file=sys.stderr, flush=True)


def _print_introduction(demo: Demo) -> None:
    _print_status(
        f"Ready after {demo.start_seconds:.0f} s: {', '.join(f'{name} {kind}' for name, kind in demo.tools.items())}."
    )
    for note in demo.notes:
        _print_status(f"  {note}")
    _print_status(f"The account is called {demo.account}; a GitHub token to paste, should you want to: {demo.token}")


def _print_environment_and_wait(demo: Demo) -> int:
    """Print lines for a shell, then wait until the world or we are told to end."""
    taken_out = sorted(name for name in os.environ if _is_conflicting_variable(name) and name not in demo.env)
    if taken_out:
        print(f"unset {' '.join(taken_out)}")
    for name, value in sorted(demo.env.items()):
        if os.environ.get(name) != value:
            print(f"export {name}={shlex.quote(value)}")
    print(f"cd {shlex.quote(str(demo.project))}")
    sys.stdout.flush()
    _print_status("Paste the lines above into another shell, and try by hand. Ctrl-C here ends the world.")
    try:
        while demo.is_alive:
            time.sleep(0.5)
    except KeyboardInterrupt:
        return exit_codes.OK
    print("ecotui demo: the world ended by itself", file=sys.stderr)
    return exit_codes.ERROR


def _is_conflicting_variable(name: str) -> bool:
    """Variables of the user's shell that would shadow the demo's."""
    return name.startswith(("AWS_", "GH_", "GITHUB_", "TF_", "ECOTUI_", "KUBE"))


def _run_tui(demo: Demo, args: argparse.Namespace) -> int:
    """The TUI in a process of its own, with the terminal; signals that reach us are passed on to it."""
    argv = [sys.executable, "-P", "-m", "ecotui", *_forwarded_options(args)]
    child = subprocess.Popen(argv, env=demo.env, cwd=demo.project)
    told: list[int] = []

    def forward(number: int, frame: object) -> None:
        told.append(number)
        child.send_signal(number)
        signal.alarm(int(_TUI_EXIT_SECONDS))

    def give_up(number: int, frame: object) -> None:
        child.kill()

    # A handler, not SIG_IGN: what is ignored stays ignored in children. The terminal sends Ctrl-C to the TUI itself.
    handlers: dict[int, Callable[[int, object], None]] = {
        signal.SIGINT: lambda number, frame: None,
        signal.SIGTERM: forward,
        signal.SIGHUP: forward,
        signal.SIGALRM: give_up,
    }
    before = {number: signal.signal(number, handler) for number, handler in handlers.items()}
    try:
        code = child.wait()
    finally:
        signal.alarm(0)
        for number, handler in before.items():
            signal.signal(number, handler)
    return 128 + told[0] if told else (code if code >= 0 else 128 - code)


def _forwarded_options(args: argparse.Namespace) -> list[str]:
    return [word for setting in args.set for word in ("--set", setting)]


def _print_session_location(demo: Demo, keep: Path | None) -> None:
    from ecotui.demo.process import save_sessions

    if keep is not None:
        _print_status(f"The demo's home stays in {keep}")
        return
    kept = save_sessions(demo)
    if kept is not None:
        _print_status(f"The session log stays in {kept}; to review it: ECOTUI_STATE_DIR={kept} ecotui sessions list")


def _exit_on_signal(number: int, frame: object) -> None:
    raise SystemExit(128 + number)

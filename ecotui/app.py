"""The Textual app: themes, signals, and opening the project after the first paint."""

from __future__ import annotations

import argparse
import asyncio
import gc
import os
import select
import signal
from collections.abc import Iterable
from contextlib import suppress
from typing import TYPE_CHECKING, Any, ClassVar

# Read by Textual when it is imported. On a slow link an animation is a stutter.
if os.environ.get("SSH_CONNECTION"):
    os.environ.setdefault("TEXTUAL_ANIMATIONS", "none")
    os.environ.setdefault("TEXTUAL_SMOOTH_SCROLL", "0")
    os.environ.setdefault("TEXTUAL_FPS", "30")

from rich.text import Text
from textual.app import App, SystemCommand
from textual.binding import BindingType
from textual.screen import Screen
from textual.worker import Worker

from screens.actions import bindings
from screens.main.screen import MainScreen
from screens.style.themes import THEMES, initial_theme

if TYPE_CHECKING:
    from textual.driver import Driver

    from ecotui.project import OpenProject


STDIN_FD = 0
TERMINAL_POLL_SECONDS = 1.0
"""Seconds between two checks that the terminal is still there; each is one system call."""


class EcotuiApp(App[int]):
    """Opens the project after the first paint: settings and session are read while the main screen is already drawn."""

    TITLE = "ecotui"
    # The default screen is not pushed, so its own CSS_PATH is never read.
    CSS_PATH = "../screens/main/main.tcss"
    BINDINGS: ClassVar[list[BindingType]] = bindings("app")

    def __init__(self, options: argparse.Namespace, env: dict[str, str]) -> None:
        super().__init__()
        self.options = options
        self.env = env
        self.project: OpenProject | None = None
        for theme in THEMES:
            self.register_theme(theme)
        self.theme = initial_theme(env)

    def get_driver_class(self) -> type[Driver]:
        driver = super().get_driver_class()
        if driver.__name__ != "LinuxDriver":
            return driver  # headless, or another system
        from screens.widgets.bracketed_paste import BracketedPasteDriver

        return BracketedPasteDriver

    def get_default_screen(self) -> Screen[Any]:
        return MainScreen()

    def on_mount(self) -> None:
        loop = asyncio.get_running_loop()
        # A hang-up or SIGTERM restores the terminal. Running commands continue without us.
        for number in (signal.SIGHUP, signal.SIGTERM):
            with suppress(NotImplementedError, RuntimeError, ValueError):
                loop.add_signal_handler(number, self._exit_on_signal, number)
        if not self.is_headless and os.isatty(STDIN_FD):
            self.set_interval(TERMINAL_POLL_SECONDS, self._exit_when_terminal_closed, name="hang-up")
        self.call_after_refresh(self._start_opening_project)

    def _exit_when_terminal_closed(self) -> None:
        """Exit without a SIGHUP: the kernel sends it to the session's leader only, which may be `make`, `sudo` or `script`.
        Textual's reader would loop on the end of the input."""
        poll = select.poll()
        poll.register(STDIN_FD, 0)  # POLLHUP, POLLERR and POLLNVAL are always reported (poll(2))
        if poll.poll(0):
            self._exit_on_signal(signal.SIGHUP)

    def _exit_on_signal(self, number: int) -> None:
        self.exit(128 + number)

    def _start_opening_project(self) -> None:
        gc.enable()  # disabled at the start, for the first paint
        _worker: Worker[None] = self.run_worker(
            self._open_project, name="open", group="open", exclusive=True, exit_on_error=False
        )

    async def _open_project(self) -> None:
        from config.load import SettingsError, load_settings
        from ecotui.exit_codes import ERROR, USAGE
        from ecotui.session import SessionError

        def open_project() -> OpenProject:
            # Imported here: the first paint does not wait for the session log and the settings.
            from ecotui.project import OpenProject

            options = self.options
            loaded = load_settings(project=options.project, file=options.config, overrides=options.set, env=self.env)
            return OpenProject.open(loaded, self.env)

        try:
            self.project = await asyncio.to_thread(open_project)
        except SettingsError as error:
            self.exit(USAGE, return_code=USAGE, message=_without_markup(f"ecotui: {error}"))
        except (SessionError, OSError) as error:
            self.exit(ERROR, return_code=ERROR, message=_without_markup(f"ecotui: {error}"))
        else:
            if isinstance(self.screen, MainScreen):
                self.screen.set_project(self.project)

    def get_system_commands(self, screen: Screen[object]) -> Iterable[SystemCommand]:
        yield SystemCommand("Theme", "Change the colours", self.action_change_theme)
        yield SystemCommand("Quit", "Quit; running commands continue", self.action_leave)
        for _key, active in screen.active_bindings.items():
            binding = active.binding
            if (
                binding.description
                and not binding.system
                and active.enabled
                and binding.action not in ("leave", "move('down')", "move('up')")
                # Textual's own widgets describe theirs too: Down, Page up, ...
                and type(active.node).__module__.startswith(("screens.", "ecotui."))
            ):
                yield SystemCommand(
                    binding.description,
                    binding.tooltip or binding.description,
                    lambda action=binding.action, node=active.node: self.call_next(self.run_action, action, node),
                )

    def action_next_theme(self) -> None:
        names = [theme.name for theme in THEMES]
        self.theme = names[(names.index(self.theme) + 1) % len(names)] if self.theme in names else names[0]
        self.notify(f"Theme: {self.theme}", markup=False, timeout=2)

    def action_move(self, direction: str) -> None:
        """Up or down in the list, or the text, that has the focus."""
        for name in (f"action_cursor_{direction}", f"action_scroll_{direction}"):
            if (act := getattr(self.focused, name, None)) is not None:
                act()
                return

    def action_leave(self) -> None:
        screen = self.screen_stack[0]
        if isinstance(screen, MainScreen):
            screen.action_leave()
        else:
            self.exit()


def _without_markup(text: str) -> Text:
    """Without markup: a path may hold brackets."""
    return Text(text)


def run_app(options: argparse.Namespace) -> int:
    """Run the TUI; returns the process's exit code."""
    app = EcotuiApp(options, dict(os.environ))
    try:
        code = app.run()
    finally:
        if app.project is not None:
            with suppress(Exception):
                app.project.close("rebuilt" if app.project.rebuild.is_done else "left")
    return code or app.return_code or 0

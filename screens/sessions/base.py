"""What all screens of past sessions share: the key that shows all their keys, and failures of their background work."""

from __future__ import annotations

from typing import ClassVar

from textual import on
from textual.binding import Binding, BindingType
from textual.screen import Screen
from textual.worker import Worker

from screens import workers
from screens.dialogs import ScreenKeysDialog


class SessionScreenBase(Screen[None]):
    """Base of the screens of past sessions."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("question_mark", "keys", "All keys", show=False),
    ]
    EXTRA_KEYS: ClassVar[tuple[tuple[str, str], ...]] = (("↑ ↓ or k j", "move"),)
    """Keys of the lists and texts in it."""

    @on(Worker.StateChanged)
    def _handle_worker_error(self, event: Worker.StateChanged) -> None:
        workers.notify_worker_error(self, event)

    def action_keys(self) -> None:
        keys = [
            (binding.key_display or _format_keys(binding.key), binding.tooltip or binding.description)
            for binding in type(self).BINDINGS
            if isinstance(binding, Binding) and (binding.tooltip or binding.description)
        ]
        self.app.push_screen(ScreenKeysDialog([*self.EXTRA_KEYS, *keys]))


def _format_keys(keys: str) -> str:
    """`escape,q` to `Escape, q`."""
    names = {"space": "Space", "escape": "Escape", "home": "Home", "end": "End", "number_sign": "#"}
    return ", ".join(names.get(key, key) for key in keys.split(","))

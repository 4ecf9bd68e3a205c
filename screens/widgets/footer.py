"""The line of keys at the bottom, made anew only when other keys are valid."""

from __future__ import annotations

from typing import Any

from textual.app import ComposeResult
from textual.screen import Screen
from textual.widgets import Footer
from textual.widgets._footer import FooterKey

FooterItem = tuple[str, str, str, str, bool, str]
"""Key, how it is shown, what it does in words, its action, whether it may be pressed, and its tooltip."""


class KeyFooter(Footer):
    """Textual's footer, for a screen that stays for hours.

    That one makes its keys anew whenever anybody asks whether they changed, and binds each to itself in a list that
    never lets go of it: a few kilobytes a key, for as long as the program runs.
    """

    _shown_items: tuple[FooterItem, ...] | None = None

    def _footer_items(self) -> tuple[FooterItem, ...]:
        """What the bar says now; of several keys for one action the first."""
        keys: dict[str, FooterItem] = {}
        for _node, binding, enabled, tooltip in self.screen.active_bindings.values():
            if binding.show and binding.action not in keys:
                shown = self.app.get_key_display(binding)
                keys[binding.action] = (
                    binding.key,
                    shown,
                    binding.description,
                    binding.action,
                    enabled,
                    tooltip,
                )
        return tuple(keys.values())

    def compose(self) -> ComposeResult:
        if self._shown_items is None:
            return
        self.styles.grid_size_columns = len(self._shown_items)
        for key, shown, description, action, enabled, tooltip in self._shown_items:
            made = FooterKey(key, shown, description, action, disabled=not enabled, tooltip=tooltip)
            made.compact = self.compact
            yield made

    def bindings_changed(self, screen: Screen[Any]) -> None:
        if not screen.app.app_focus or not self.is_attached or screen is not self.screen:
            return
        keys = self._footer_items()
        if keys != self._shown_items:
            self._shown_items = keys
            self.call_after_refresh(self.recompose)

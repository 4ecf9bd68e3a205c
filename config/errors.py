"""The one error of the settings."""

from __future__ import annotations

_MAX_MESSAGE_LENGTH = 400


class SettingsError(Exception):
    """Settings that cannot be used. Its text is one printable line: `file:line: key: what is wrong`."""

    def __init__(self, *parts: str) -> None:
        text = ": ".join(part for part in parts if part)
        # Keys and values come from a file: nothing in them may reach the terminal as a control sequence.
        folded = " ".join("".join(sign if sign.isprintable() else " " for sign in text).split())
        super().__init__(folded if len(folded) <= _MAX_MESSAGE_LENGTH else folded[: _MAX_MESSAGE_LENGTH - 1] + "…")


def quote_value(text: str, limit: int = 60) -> str:
    """A value from a file as it is quoted in a message."""
    return repr(text if len(text) <= limit else text[: limit - 1] + "…")

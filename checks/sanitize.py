"""Text from outside, made safe to show. Called once, where the text enters the program.

Lives in the lowest layer that meets outside text, so that the wrappers can use it as well as the engine.
"""

from __future__ import annotations

import re

_ESCAPES = re.compile(
    r"\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)?"  # OSC: titles, links, the clipboard (52)
    r"|\x1b[PX^_].*?(?:\x1b\\|$)"  # DCS, SOS, PM, APC
    r"|\x1b\[[0-?]*[ -/]*[@-~]?"  # CSI, SGR included
    r"|\x1b[ -/]*[0-~]?",  # the two- and three-byte rest, such as ESC c
    re.DOTALL,
)
_C1 = re.compile("[\x80-\x9f]")
_CONTROLS = re.compile("[\x00-\x08\x0b-\x1f\x7f]")
# Signs that reorder or hide what is displayed: bidirectional controls, zero width, the byte order mark.
_DECEIVERS = re.compile("[\u202a-\u202e\u2066-\u2069\u200b\u200e\u200f\u2060\ufeff]")


def sanitize(text: str | bytes, *, limit: int | None = None) -> str:
    """Plain text without control sequences, control characters or reordering signs.

    Newlines and tabs stay; a carriage return starts its line anew, as a terminal would show it.
    `limit` is in characters; what is cut is said.
    """
    if isinstance(text, bytes):
        text = text.decode("utf-8", errors="replace")
    if limit is not None and len(text) > limit:
        text = f"{text[:limit]}… ({len(text) - limit} more characters)"
    if "\x1b" in text:
        text = _ESCAPES.sub("", text)
    text = _C1.sub("", text)
    if "\r" in text:
        text = text.replace("\r\n", "\n")
        if "\r" in text:
            text = "\n".join(line.rstrip("\r").rpartition("\r")[2] for line in text.split("\n"))
    text = _CONTROLS.sub("", text)
    return _DECEIVERS.sub("", text)


def one_line(text: str | bytes, *, limit: int = 300) -> str:
    """The same, folded into one line of at most `limit` characters."""
    folded = " ".join(sanitize(text, limit=limit * 8).split())
    return folded if len(folded) <= limit else folded[: limit - 1] + "…"

"""The part of a line that is meant for people."""

from __future__ import annotations

import json


def message_text(line: str) -> str:
    """Programs that report in JSON carry it as a message; any other line is as it is."""
    if not line.startswith("{"):
        return line
    try:
        event = json.loads(line)
    except (ValueError, RecursionError):
        return line
    if not isinstance(event, dict):
        return line
    text = event.get("@message") or event.get("message")
    if not isinstance(text, str) or not text:
        return line
    item = event.get("item")
    return f"{item}  {text}" if isinstance(item, str) and item else text

"""Commands in words: how one ended, and the part of an output line that is meant for people.

Imports little: the first paint needs it.
"""

from __future__ import annotations

import json
from collections.abc import Sequence

from checks.finding import CheckState
from ecotui import exit_codes


def command_outcome(argv: Sequence[str], outcome: str, exit_code: int | None) -> tuple[CheckState, str]:
    """How a command ended: the state and the word. Our own commands answer with exit codes; those are no failures."""
    if outcome == "succeeded":
        return CheckState.OK, "succeeded"
    if "ecotui" in argv[:4]:
        match exit_code:
            case exit_codes.WARNINGS:
                return CheckState.WARN, "done, with warnings"
            case exit_codes.BLOCKED:
                return CheckState.BLOCKED, "done; blocked"
            case exit_codes.INTERRUPTED:
                return CheckState.WARN, "interrupted"
    return CheckState.BLOCKED, outcome or "ended"


def message_text(line: str) -> str:
    """The message of a line of JSON, as terraform and ecotui report; any other line as it is."""
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

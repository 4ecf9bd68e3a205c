"""Prints a command's JSON document, and asks for typed consent at a terminal."""

from __future__ import annotations

import json
import sys
from typing import Any


def print_document(command: str, body: dict[str, Any], *, version: int = 1) -> None:
    """Print one JSON document with its schema name; stdout carries nothing else."""
    json.dump({"schema": f"ecotui.{command}/{version}", **body}, sys.stdout, ensure_ascii=False, indent=2)
    sys.stdout.write("\n")


def is_interactive() -> bool:
    """Whether somebody is there to read a question and to answer it."""
    return sys.stdin.isatty() and sys.stdout.isatty()


def confirm_typed(word: str, purpose: str) -> bool:
    """Ask for a word to be typed; an end of the input is a no."""
    try:
        return input(f"Type `{word}` to {purpose}: ").strip() == word
    except EOFError:
        return False

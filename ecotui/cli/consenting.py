"""Consent that is typed at a terminal."""

from __future__ import annotations

import sys


def is_interactive() -> bool:
    """Whether somebody is there to read a question and to answer it."""
    return sys.stdin.isatty() and sys.stdout.isatty()


def confirm_typed(word: str, purpose: str) -> bool:
    """Ask for a word to be typed; an end of the input is a no."""
    try:
        return input(f"Type `{word}` to {purpose}: ").strip() == word
    except EOFError:
        return False

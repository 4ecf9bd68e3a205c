"""The colours: dark, light, and the terminal's own."""

from __future__ import annotations

from collections.abc import Mapping

from textual.theme import BUILTIN_THEMES, Theme

DARK = Theme(
    name="ecotui-dark",
    primary="#5fb3b3",
    secondary="#8fbcbb",
    accent="#7fd1ae",
    warning="#e5b567",
    error="#ef6b73",
    success="#8cc570",
    foreground="#d8dee4",
    background="#14181c",
    surface="#1b2126",
    panel="#232b32",
    dark=True,
)
LIGHT = Theme(
    name="ecotui-light",
    primary="#1f6f78",
    secondary="#33848c",
    accent="#0b7a55",
    warning="#8f5a00",
    error="#b3202c",
    success="#2f7d1e",
    foreground="#20262b",
    background="#fbfbf8",
    surface="#f2f2ec",
    panel="#e6e7df",
    dark=False,
)
MUTED = "$foreground 62%"
"""The style of what is less important than the text beside it."""
THEMES = (DARK, LIGHT, BUILTIN_THEMES["ansi-dark"], BUILTIN_THEMES["ansi-light"])


def initial_theme(env: Mapping[str, str]) -> str:
    """The theme named in ECOTUI_THEME (dark, light, ansi), else what COLORFGBG tells of the terminal, else dark.

    COLORFGBG ends with the background's colour number; 7 and 9 to 15 are light (rxvt's convention).
    """
    names = {
        "dark": DARK.name,
        "light": LIGHT.name,
        "ansi": "ansi-dark",
        "ansi-dark": "ansi-dark",
        "ansi-light": "ansi-light",
    }
    if chosen := names.get(env.get("ECOTUI_THEME", "")):
        return chosen
    background = env.get("COLORFGBG", "").rpartition(";")[2]
    if background.isdigit() and (int(background) == 7 or 9 <= int(background) <= 15):
        return LIGHT.name
    return DARK.name

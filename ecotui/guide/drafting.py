"""Drafts an entry for a failure that the guide has nothing about, from a session, in the document's own form."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from checks.sanitize import sanitize
from ecotui.guide.diagnosis import diagnose
from ecotui.guide.library import Library
from ecotui.session import events

SHOWN = 30
"""Lines of an error text that are taken: a box of terraform has about ten."""


@dataclass(frozen=True)
class Draft:
    """What a session knows of one failure."""

    error: str
    failed: str
    """The command line that failed."""
    run: tuple[str, ...]
    """What was run after it, of what succeeded."""
    solved: bool
    """The same command succeeded later."""


def draft(records: Iterable[events.Record], output: Callable[[str], str], library: Library) -> Draft | None:
    """The last failure that nothing in the guide explains. `output` gives what a command (by its id) said."""
    started: dict[str, events.CommandStarted] = {}
    ended: list[events.CommandEnded] = []
    for record in records:
        match record.event:
            case events.CommandStarted() as begun:
                started[begun.command] = begun
            case events.CommandEnded() as end if end.command in started:
                ended.append(end)
    for place in range(len(ended) - 1, -1, -1):
        end = ended[place]
        if end.outcome != "failed":
            continue
        text = output(end.command)
        if not text.strip() or diagnose(library, text):
            continue
        failed = line_of(started[end.command].argv)
        after = [
            line_of(started[one.command].argv) for one in ended[place + 1 :] if one.outcome == "succeeded"
        ]
        return Draft(error_of(text), failed, tuple(dict.fromkeys(after)), failed in after)
    return None


def line_of(argv: Sequence[str]) -> str:
    return shlex.join(argv)


def error_of(text: str) -> str:
    """From the last line that speaks of an error, else the last lines."""
    lines = [line.rstrip() for line in sanitize(text).splitlines() if line.strip()]
    starts = [at for at, line in enumerate(lines) if "error" in line.lower()]
    # A box has one line that begins its error; the lines behind it belong to it.
    begun = next((at for at in reversed(starts) if "Error:" in lines[at]), starts[-1] if starts else -1)
    return "\n".join(lines[begun : begun + SHOWN] if begun >= 0 else lines[-SHOWN:])


def written(known: Draft, number: str, language: str) -> str:
    """The entry in Markdown; what nobody knows yet is left open for the team."""
    korean = language == "ko"
    title = known.error.splitlines()[0].lstrip("│ ").removeprefix("Error:").strip()[:80]
    problem, cause, fix = ("문제", "원인", "해결") if korean else ("Problem", "Cause", "Fix")
    todo = "(팀에서 채워 주세요)" if korean else "(to be filled in by the team)"
    fence = "````" if "```" in known.error else "```"
    said = (
        ("같은 명령이 그 뒤에 성공했습니다." if korean else "The same command succeeded after this.")
        if known.solved
        else todo
    )
    parts = [
        f"### {number} {title}",
        f"#### {problem}",
        f"{fence}\n{known.error}\n{fence}",
        f"`{known.failed}`",
        f"#### {cause}",
        todo,
        f"#### {fix}",
        said,
    ]
    if known.run:
        parts.append("```bash\n" + "\n".join(known.run) + "\n```")
    return "\n\n".join(parts) + "\n"


def next_number(library: Library) -> str:
    """A number behind the last chapter of the guide."""
    heads = [int(entry.id.split(".")[0]) for entry in library.entries if entry.id.split(".")[0].isdigit()]
    return f"{max(heads, default=0) + 1}.1"

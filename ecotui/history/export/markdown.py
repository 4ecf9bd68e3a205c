"""A session as a Markdown document. What comes from outside cannot get out of its place in it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from checks.finding import State
from ecotui.history.anonymize import Clean
from ecotui.history.export.model import Explain, Story, story
from ecotui.session.event_text import Output, clock
from ecotui.session.log import Session
from ecotui.session.readable import readable


def markdown(
    session: Session,
    output: Output,
    *,
    lines: int = 40,
    clean: Clean = str,
    explain: Explain = lambda command: (),
) -> str:
    """The session as a document to hand over: decisions first, the timeline, and the end of the output of what failed.

    Raises SessionError when the log cannot be read.
    """
    told = story(session)
    return "\n".join(_parts(session, told, output, lines, clean, explain)) + "\n"


def _parts(
    session: Session, told: Story, output: Output, lines: int, clean: Clean, explain: Explain
) -> Iterator[str]:
    yield f"# {_escaped(clean(told.summary.project or 'Session'))} {session.id}"
    yield ""
    for name, value in told.facts:
        yield f"- {name}: {_escaped(clean(value))}"
    yield ""
    yield "| Step | Last look | Its commands took |"
    yield "| --- | --- | --- |"
    for step in told.steps:
        yield f"| {step.id} | {step.word} | {step.took} |"
    for heading, moments in (("Decisions", told.decisions), ("Notes", told.notes)):
        if moments:
            yield ""
            yield f"## {heading}"
            yield ""
            for moment in moments:
                yield from _lines(moment.at, moment.text, moment.detail, clean)
    yield ""
    yield "## Timeline"
    yield ""
    if told.left_out:
        yield f"- The first {told.left_out:,} events are left out here; `ecotui sessions show {session.id}` tells them."
    for moment in told.moments:
        yield from _lines(moment.at, moment.text, moment.detail, clean)
    for one in told.ran:
        if one.state in (None, State.OK):
            continue
        yield ""
        yield f"## Output of “{_escaped(clean(one.title))}” (`{one.id}`)"
        yield ""
        yield f"{one.sign} {_escaped(clean(one.told))}"
        for line in explain(one.id):
            yield f"- {_escaped(clean(line))}"
        yield ""
        yield from _fenced(clean("\n".join(map(readable, output(one.id, lines)))).splitlines())


def _lines(at: float, text: str, detail: Sequence[str], clean: Clean) -> Iterator[str]:
    yield f"- **{clock(at)}** {_escaped(clean(text))}"
    for line in map(clean, detail):
        yield f"  - {_code(line[2:])}" if line.startswith("$ ") else f"  - {_escaped(line)}"


def _fenced(lines: Sequence[str]) -> list[str]:
    """A fence longer than any in the text: output cannot get out of it."""
    longest = max((len(line) - len(line.lstrip("`")) for line in map(str.strip, lines)), default=0)
    fence = "`" * max(3, longest + 1)
    return [fence, *(lines or ["(no output)"]), fence]


def _code(text: str) -> str:
    ticks = "`" * (max((len(run) for run in re.findall("`+", text)), default=0) + 1)
    return f"{ticks}{' ' if '`' in text else ''}{text}{' ' if '`' in text else ''}{ticks}"


def _escaped(text: str) -> str:
    """Text that Markdown takes for nothing but text."""
    return "".join(f"\\{sign}" if sign in "\\`*_[]<>|#" else sign for sign in text)

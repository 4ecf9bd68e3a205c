"""A session as a Markdown document, in which outputs and names cannot become markup."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from checks.finding import CheckState
from ecotui.history.anonymize import MaskText
from ecotui.history.export.model import ExplainCommand, SessionExport, read_export
from ecotui.session.command_text import message_text
from ecotui.session.event_text import ReadOutput, format_local_time
from ecotui.session.log import Session


def export_markdown(
    session: Session,
    read_output: ReadOutput,
    *,
    lines: int = 40,
    mask: MaskText = str,
    explain: ExplainCommand = lambda command: (),
) -> str:
    """Decisions first, then the timeline, and the end of the output of each failed command.

    Raises SessionError when the log cannot be read.
    """
    export = read_export(session)
    return "\n".join(_render_document(session, export, read_output, lines, mask, explain)) + "\n"


def _render_document(
    session: Session,
    export: SessionExport,
    read_output: ReadOutput,
    lines: int,
    mask: MaskText,
    explain: ExplainCommand,
) -> Iterator[str]:
    yield f"# {_escape_markdown(mask(export.summary.project or 'Session'))} {session.id}"
    yield ""
    for name, value in export.header_rows:
        yield f"- {name}: {_escape_markdown(mask(value))}"
    yield ""
    yield "| Step | Last check | Duration of its commands |"
    yield "| --- | --- | --- |"
    for step in export.steps:
        yield f"| {step.id} | {step.state_text} | {step.duration} |"
    for heading, entries in (("Decisions", export.decisions), ("Notes", export.notes)):
        if entries:
            yield ""
            yield f"## {heading}"
            yield ""
            for entry in entries:
                yield from _render_entry(entry.timestamp, entry.text, entry.details, mask)
    yield ""
    yield "## Timeline"
    yield ""
    if export.omitted_events:
        yield f"- The first {export.omitted_events:,} events are left out here; `ecotui sessions show {session.id}` shows them."
    for entry in export.entries:
        yield from _render_entry(entry.timestamp, entry.text, entry.details, mask)
    for command in export.commands:
        if command.state in (None, CheckState.OK):
            continue
        yield ""
        yield f"## Output of “{_escape_markdown(mask(command.title))}” (`{command.id}`)"
        yield ""
        yield f"{command.icon} {_escape_markdown(mask(command.outcome_text))}"
        for line in explain(command.id):
            yield f"- {_escape_markdown(mask(line))}"
        yield ""
        yield from _fence_code(mask("\n".join(map(message_text, read_output(command.id, lines)))).splitlines())


def _render_entry(timestamp: float, text: str, detail: Sequence[str], mask: MaskText) -> Iterator[str]:
    yield f"- **{format_local_time(timestamp)}** {_escape_markdown(mask(text))}"
    for line in map(mask, detail):
        yield f"  - {_inline_code(line[2:])}" if line.startswith("$ ") else f"  - {_escape_markdown(line)}"


def _fence_code(lines: Sequence[str]) -> list[str]:
    """A fence longer than any in the text: output cannot get out of it."""
    longest = max((len(line) - len(line.lstrip("`")) for line in map(str.strip, lines)), default=0)
    fence = "`" * max(3, longest + 1)
    return [fence, *(lines or ["(no output)"]), fence]


def _inline_code(text: str) -> str:
    ticks = "`" * (max((len(run) for run in re.findall("`+", text)), default=0) + 1)
    return f"{ticks}{' ' if '`' in text else ''}{text}{' ' if '`' in text else ''}{ticks}"


def _escape_markdown(text: str) -> str:
    """Text that Markdown takes for nothing but text."""
    return "".join(f"\\{sign}" if sign in "\\`*_[]<>|#" else sign for sign in text)

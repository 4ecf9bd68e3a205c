"""Renders a session's events: a line of the timeline, the details of one, and the header and filter above."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

from textual.content import Content

from checks.finding import CheckState, Report
from checks.size import format_size
from checks.steps import STEPS, STEPS_BY_ID
from ecotui.session import events
from ecotui.session.event_filter import EVENT_CATEGORIES, EventFilter
from ecotui.session.event_text import TimelineEntry
from ecotui.session.log import SessionSummary
from screens.sessions.rendering import format_session_duration, step_icons
from screens.style.columns import hanging_indent
from screens.style.icons import state_icon, state_style
from screens.style.themes import MUTED

if TYPE_CHECKING:
    from ecotui.guide.matching.matcher import EntryMatch

MAX_SETTINGS = 60
"""Settings of a session's start that are shown."""

KIND_ICON = {"session": "•", "decision": "⚑", "command": "▶", "guide": "§", "note": "✎", "check": "·", "other": "·"}


def render_event(entry: TimelineEntry, *, show_date: bool = False) -> Content:
    """One event as a line of the timeline."""
    format = "%m-%d %H:%M:%S  " if show_date else "%H:%M:%S  "
    clock = Content.styled(time.strftime(format, time.localtime(entry.timestamp)), MUTED)
    if entry.state is not None:
        icon = Content.styled(state_icon(entry.state), state_style(entry.state))
    else:
        icon = Content.styled(KIND_ICON[entry.kind], "$text-warning" if entry.is_decision else "$text-accent")
    text = Content(entry.text)
    if entry.is_decision:
        text = text.stylize("$text-warning")
    elif entry.kind in ("session", "note"):
        text = text.stylize("bold")
    detail = next((detail for detail in entry.details), "")
    if entry.kind == "check":
        detail = detail.partition(": ")[2].rpartition(" [")[0]
    tail = Content.styled(f"  {detail}", MUTED) if detail else Content("")
    return Content.assemble(clock, icon, " ", text, tail)


def render_hit(title: str, text: str, words: str, width: int) -> Content:
    """A line of an output in which words were found, cut so that they are visible."""
    content = Content(text)
    index = text.lower().find(words.lower())
    if index >= 0:
        content = content.stylize("bold $text-warning", index, index + len(words))
        if index > width // 2:
            content = Content.assemble("…", content[index - width // 4 :])
    return Content.assemble(Content.styled(f"{title}  ", MUTED), content)


def render_event_details(entry: TimelineEntry, event: events.AnyEvent | events.UnknownEvent, width: int) -> Content:
    """All that the log has of an event."""
    clock = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(entry.timestamp))
    parts = [
        hanging_indent(Content(""), entry.text, width, "bold"),
        Content.styled(f"{clock}   event {entry.event_number}", MUTED),
        Content(""),
    ]
    match event:
        case events.CheckReported(report=report):
            parts.append(_render_report(report, width))
        case events.CommandStarted(cwd=cwd):
            parts += [_render_detail_lines(entry, width), Content.styled(f"in {cwd}", MUTED)]
        case events.SessionStarted(settings=settings, digest=digest):
            parts.append(_render_detail_lines(entry, width))
            if settings:
                parts += [Content(""), Content.styled(f"Settings (digest {digest})", "bold")]
                parts += [
                    hanging_indent(Content.styled(f"{key} ", MUTED), value, width)
                    for key, value in list(settings.items())[:MAX_SETTINGS]
                ]
        case events.UnknownEvent(raw=raw):
            parts.append(hanging_indent(Content(""), raw, width, MUTED))
        case _ if entry.details:
            parts.append(_render_detail_lines(entry, width))
        case _:
            parts.pop()
    return Content("\n").join(parts)


def _render_detail_lines(entry: TimelineEntry, width: int) -> Content:
    return Content("\n").join(
        hanging_indent(
            Content.styled("$ ", "$text-accent") if text.startswith("$ ") else Content(""),
            text.removeprefix("$ "),
            width,
            "$text-accent" if text.startswith("$ ") else "",
        )
        for text in entry.details
    )


def _render_report(report: Report, width: int) -> Content:
    order = (CheckState.BLOCKED, CheckState.UNKNOWN, CheckState.WARN, CheckState.OK, CheckState.SKIPPED)
    lines = []
    for finding in sorted(report.findings, key=lambda finding: order.index(finding.state)):
        icon = Content.styled(f"{state_icon(finding.state)} ", state_style(finding.state))
        lines.append(hanging_indent(icon, finding.summary, width))
        references = [finding.id, *(f"guide {entry}" for entry in finding.guide)]
        lines.append(Content.styled(f"  {'   '.join(references)}", MUTED))
        if finding.state not in (CheckState.OK, CheckState.SKIPPED):
            lines += [
                hanging_indent(Content.styled(f"  {fact.label}  ", MUTED), fact.value, width) for fact in finding.facts
            ]
    return Content("\n").join(lines)


def render_session_header(session_id: str, summary: SessionSummary | None, verify_result: Content) -> Content:
    """The title: the session, its outcome, and the result of checking its log."""
    parts: list[str | Content] = [Content.styled("Session", "bold $text-accent"), f"  {session_id}  "]
    if summary is not None:
        tags = "".join(f" #{tag}" for tag in summary.tags)
        parts += [
            step_icons(summary),
            f"  {summary.project}  {summary.outcome or 'open'}",
            Content.styled(f"  {format_session_duration(summary)}", MUTED),
            Content.styled(tags, "$text-accent"),
        ]
    return Content.assemble(*parts, "  ", verify_result)


def render_filter(event_filter: EventFilter, progress: str) -> Content:
    """The filter of the timeline, and the keys that change it; `progress`: how far the log was read."""
    parts = [
        Content.styled(f" {category} ", "reverse" if category == event_filter.category else MUTED)
        for category in EVENT_CATEGORIES
    ]
    step = f"step {STEPS_BY_ID[event_filter.step].title} (0: any)" if event_filter.step else f"1-{len(STEPS)} a step"
    return Content.assemble(*parts, Content.styled(f"  {step}  {progress}", MUTED))


def render_search_summary(words: str, count: int, status: str) -> Content:
    """What was searched for, and how many lines have it."""
    return Content.assemble(
        Content.styled(f"“{words}” in the outputs", "bold"),
        f"  {count:,} lines  ",
        Content.styled(status, MUTED),
        Content.styled("  Escape goes back to the timeline", MUTED),
    )


def render_guide_matches(matches: Sequence[EntryMatch] | None, width: int) -> list[Content]:
    """The guide's entries for a failure; None: not found yet."""
    if matches is None:
        return [Content.styled("searching the guide…", MUTED)]
    if not matches:
        return [Content.styled("The guide has nothing about this error; d drafts an entry.", MUTED)]
    return [
        hanging_indent(Content.styled(f"§ {match.entry} ", "bold $text-accent"), match.title, width)
        for match in matches
    ]


def render_output_tail(size: int, lines: Sequence[str]) -> list[Content]:
    """The end of an output of so many bytes."""
    if not size:
        return [Content(""), Content.styled("No output.", MUTED)]
    return [Content(""), Content.styled(f"Output, {format_size(size)}; Enter opens it", "bold"), *map(Content, lines)]


def guide_entries_for(event: events.AnyEvent | events.UnknownEvent) -> tuple[str, ...]:
    """Entries of the guide that an event or its findings name."""
    match event:
        case (
            events.RunbookOpened(entry=entry) | events.RunbookStepTicked(entry=entry) | events.RunbookRated(entry=entry)
        ):
            return (entry,)
        case events.CheckReported(report=report):
            no_problem = (CheckState.OK, CheckState.SKIPPED)
            return tuple(
                entry for finding in report.findings if finding.state not in no_problem for entry in finding.guide
            )
    return ()

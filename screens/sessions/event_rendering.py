"""How what happened in a session is drawn: a line of its timeline, what is behind one, and what stands above them."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

from textual.content import Content

from checks.finding import Report, State
from checks.steps import BY_ID, STEPS
from ecotui.session import events
from ecotui.session.event_filter import ORDER, Narrowed
from ecotui.session.event_text import Moment
from ecotui.session.log import Summary
from screens.sessions.output import bytes_told
from screens.sessions.rendering import MUTED, picture, took
from screens.style.columns import hang
from screens.style.icons import sign, style

if TYPE_CHECKING:
    from ecotui.guide.matching.matcher import Match

SETTINGS = 60
"""Settings that are shown of a session's beginning."""

MARKS = {
    "session": "•",
    "decision": "⚑",
    "command": "▶",
    "guide": "§",
    "note": "✎",
    "look": "·",
    "other": "·",
}


def line(moment: Moment, *, day: bool = False) -> Content:
    """One event as a line of the timeline."""
    form = "%m-%d %H:%M:%S  " if day else "%H:%M:%S  "
    when = Content.styled(time.strftime(form, time.localtime(moment.at)), MUTED)
    if moment.state is not None:
        mark = Content.styled(sign(moment.state), style(moment.state))
    else:
        mark = Content.styled(MARKS[moment.kind], "$text-warning" if moment.decided else "$text-accent")
    text = Content(moment.text)
    if moment.decided:
        text = text.stylize("$text-warning")
    elif moment.kind in ("session", "note"):
        text = text.stylize("bold")
    more = next((one for one in moment.detail), "")
    if moment.kind == "look":
        more = more.partition(": ")[2].rpartition(" [")[0]
    tail = Content.styled(f"  {more}", MUTED) if more else Content("")
    return Content.assemble(when, mark, " ", text, tail)


def hit_line(title: str, text: str, words: str, width: int) -> Content:
    """A line of an output in which words were found, so that they are in sight."""
    content = Content(text)
    at = text.lower().find(words.lower())
    if at >= 0:
        content = content.stylize("bold $text-warning", at, at + len(words))
        if at > width // 2:
            content = Content.assemble("…", content[at - width // 4 :])
    return Content.assemble(Content.styled(f"{title}  ", MUTED), content)


def behind(moment: Moment, event: events.Event | events.Unknown, width: int) -> Content:
    """All that the log has of an event, for reading."""
    when = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(moment.at))
    parts = [
        hang(Content(""), moment.text, width, "bold"),
        Content.styled(f"{when}   event {moment.n}", MUTED),
        Content(""),
    ]
    match event:
        case events.Looked(report=report):
            parts.append(_report(report, width))
        case events.CommandStarted(cwd=cwd):
            parts += [_detail(moment, width), Content.styled(f"in {cwd}", MUTED)]
        case events.SessionStarted(settings=settings, digest=digest):
            parts.append(_detail(moment, width))
            if settings:
                parts += [Content(""), Content.styled(f"Settings (digest {digest})", "bold")]
                parts += [
                    hang(Content.styled(f"{key} ", MUTED), value, width)
                    for key, value in list(settings.items())[:SETTINGS]
                ]
        case events.Unknown(raw=raw):
            parts.append(hang(Content(""), raw, width, MUTED))
        case _ if moment.detail:
            parts.append(_detail(moment, width))
        case _:
            parts.pop()
    return Content("\n").join(parts)


def _detail(moment: Moment, width: int) -> Content:
    return Content("\n").join(
        hang(
            Content.styled("$ ", "$text-accent") if text.startswith("$ ") else Content(""),
            text.removeprefix("$ "),
            width,
            "$text-accent" if text.startswith("$ ") else "",
        )
        for text in moment.detail
    )


def _report(report: Report, width: int) -> Content:
    order = (State.BLOCKED, State.UNKNOWN, State.WARN, State.OK, State.SKIPPED)
    lines = []
    for finding in sorted(report.findings, key=lambda one: order.index(one.state)):
        mark = Content.styled(f"{sign(finding.state)} ", style(finding.state))
        lines.append(hang(mark, finding.summary, width))
        known = [finding.id, *(f"guide {entry}" for entry in finding.guide)]
        lines.append(Content.styled(f"  {'   '.join(known)}", MUTED))
        if finding.state not in (State.OK, State.SKIPPED):
            lines += [
                hang(Content.styled(f"  {fact.label}  ", MUTED), fact.value, width) for fact in finding.facts
            ]
    return Content("\n").join(lines)


def head(id: str, summary: Summary | None, checked: Content) -> Content:
    """The title: the session, how it ended, and what checking its log said."""
    parts: list[str | Content] = [Content.styled("Session", "bold $text-accent"), f"  {id}  "]
    if summary is not None:
        tags = "".join(f" #{tag}" for tag in summary.tags)
        parts += [
            picture(summary),
            f"  {summary.project}  {summary.outcome or 'open'}",
            Content.styled(f"  {took(summary)}", MUTED),
            Content.styled(tags, "$text-accent"),
        ]
    return Content.assemble(*parts, "  ", checked)


def narrowed_line(narrowed: Narrowed, reading: str) -> Content:
    """What is left out of the timeline, and the keys that change it; `reading`: how far it was read."""
    parts = [Content.styled(f" {only} ", "reverse" if only == narrowed.only else MUTED) for only in ORDER]
    step = f"step {BY_ID[narrowed.step].title} (0: any)" if narrowed.step else f"1-{len(STEPS)} a step"
    return Content.assemble(*parts, Content.styled(f"  {step}  {reading}", MUTED))


def searched_line(words: str, count: int, said: str) -> Content:
    """What was searched for, and how many lines have it."""
    return Content.assemble(
        Content.styled(f"“{words}” in the outputs", "bold"),
        f"  {count:,} lines  ",
        Content.styled(said, MUTED),
        Content.styled("  Escape goes back to the timeline", MUTED),
    )


def explained(matches: Sequence[Match] | None, width: int) -> list[Content]:
    """What the guide says about a failure; None: it is being asked."""
    if matches is None:
        return [Content.styled("looking it up in the guide…", MUTED)]
    if not matches:
        return [Content.styled("The guide has nothing about this error; d drafts an entry.", MUTED)]
    return [hang(Content.styled(f"§ {one.entry} ", "bold $text-accent"), one.title, width) for one in matches]


def output_end(size: int, lines: Sequence[str]) -> list[Content]:
    """The end of an output of so many bytes."""
    if not size:
        return [Content(""), Content.styled("It wrote nothing.", MUTED)]
    return [
        Content(""),
        Content.styled(f"Output, {bytes_told(size)}; Enter opens it", "bold"),
        *map(Content, lines),
    ]


def entries(event: events.Event | events.Unknown) -> tuple[str, ...]:
    """Entries of the guide that an event names, or that its findings name."""
    match event:
        case (
            events.EntryWalked(entry=entry) | events.StepTicked(entry=entry) | events.EntryJudged(entry=entry)
        ):
            return (entry,)
        case events.Looked(report=report):
            fine = (State.OK, State.SKIPPED)
            return tuple(entry for one in report.findings if one.state not in fine for entry in one.guide)
    return ()

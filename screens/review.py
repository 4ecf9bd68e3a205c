"""One past session: its timeline, and behind each line what was found, run and decided."""

from __future__ import annotations

import shlex
import time
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.screen import Screen
from textual.widgets import Footer, OptionList, Static
from textual.widgets.option_list import Option

from checks.finding import Report
from checks.steps import BY_ID
from ecotui.session import SessionError, events
from ecotui.session.log import Session
from screens.dialogs import RawText
from screens.signs import duration, sign, style

OUTPUT = 200_000
"""Bytes of a command's output that are shown, from its end; the whole is in the session folder."""


SHOWN = 5_000
"""Events shown, the newest; a log with more opens at its end as quickly as a short one."""


class ReviewScreen(Screen[None]):
    CSS_PATH = "review.tcss"
    AUTO_FOCUS = "OptionList"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q", "dismiss(None)", "Back"),
        Binding("v", "verify", "Verify", tooltip="Check the hash chain of this session's log"),
    ]

    def __init__(self, session: Session) -> None:
        super().__init__()
        self.session = session
        self._records: list[events.Record] = []

    def compose(self) -> ComposeResult:
        yield Static(id="review-title")
        yield OptionList(markup=False)
        yield Footer(compact=True, show_command_palette=False)

    def on_mount(self) -> None:
        summary = self.session.summary()
        self.query_one("#review-title", Static).update(
            Content.assemble(
                Content.styled("Session", "bold $text-accent"),
                f"  {summary.id}  {summary.project}  {summary.outcome or 'open'}    Enter: what is behind a line",
            )
        )
        try:
            self._records = self.session.newest(SHOWN)
        except SessionError as error:
            self.notify(str(error), severity="error", markup=False)
        if self._records and self._records[0].n > 1:
            self.notify(
                f"These are the newest {len(self._records):,} events; all: ecotui sessions show {self.session.id}",
                markup=False,
            )
        self.query_one(OptionList).add_options([Option(line(record)) for record in self._records])

    @on(OptionList.OptionSelected)
    def _opened(self, event: OptionList.OptionSelected) -> None:
        record = self._records[event.option_index]
        title, text = behind(record, self.session)
        self.app.push_screen(RawText(title, text))

    def action_verify(self) -> None:
        try:
            verdict = self.session.verify()
        except SessionError as error:
            self.notify(str(error), severity="error", markup=False)
            return
        self.notify(
            str(verdict.reason) if not verdict.whole else f"The log is whole: {verdict.events} events.",
            severity="information" if verdict.whole else "error",
            markup=False,
        )


def moment(at: float | None) -> str:
    """Local time, to the second; empty for none."""
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(at)) if at else ""


def seconds(at: float | None) -> float | None:
    return at or None


def line(record: events.Record) -> Content:
    """One event as a line of the timeline."""
    when = Content.styled(time.strftime("%H:%M:%S  ", time.localtime(record.at)), "$foreground 62%")
    return Content.assemble(when, _told(record.event))


def _told(event: events.Event | events.Unknown) -> Content:
    match event:
        case events.SessionStarted(project=project, by=by):
            return Content.assemble(Content.styled("Session began", "bold"), f"  {project}, {by}")
        case events.Looked(report=report):
            step = BY_ID.get(report.step)
            worst = next(
                (finding.summary for finding in report.findings if finding.state is report.state), ""
            )
            return Content.assemble(
                Content.styled(sign(report.state), style(report.state)),
                f" {step.title if step else report.step}  ",
                Content.styled(worst, "$foreground 62%"),
            )
        case events.FixChosen(title=title):
            return Content.assemble("→ chose: ", Content.styled(title, "bold"))
        case events.Overridden(finding=finding, reason=reason):
            return Content.styled(f"⚑ override of {finding}: {reason}", "$text-warning")
        case events.CommandStarted(title=title, argv=argv):
            return Content.assemble(f"▶ {title}  ", Content.styled(f"$ {shlex.join(argv)}", "$text-accent"))
        case events.CommandEnded(outcome=outcome, seconds=took, command=command):
            mark = (
                Content.styled("✓", "$text-success")
                if outcome == "succeeded"
                else Content.styled("✗", "$text-error")
            )
            return Content.assemble(mark, f" {command}: {outcome} after {duration(took)}")
        case events.InterruptSent(force=force, by=by):
            return Content(f"■ interrupted{' by force' if force else ''} by {by or 'the operator'}")
        case events.VariableSet(name=name):
            return Content(f"· {name} set for this session")
        case events.ProfilePicked(profile=profile):
            return Content(f"· AWS profile {profile}")
        case events.Noted(text=text):
            return Content(f"✎ {text}")
        case events.Reattached(by=by):
            return Content(f"· came back: {by}")
        case events.SessionEnded(outcome=outcome):
            return Content.styled(f"Session ended: {outcome}", "bold")
    return Content(f"· {type(event).__name__}")


def behind(record: events.Record, session: Session) -> tuple[str, str]:
    """Title and text of what is behind a line: the findings of a look, the output of a command."""
    match record.event:
        case events.Looked(report=report):
            return f"{report.step}: {report.state.value}", _report(report)
        case (
            events.CommandStarted(command=command, title=title)
            | events.CommandEnded(command=command, step=title)
        ):
            file = session.commands / command / "output.log"
            try:
                with file.open("rb") as stream:
                    size = stream.seek(0, 2)
                    stream.seek(max(size - OUTPUT, 0))
                    text = stream.read().decode("utf-8", errors="replace")
            except OSError as error:
                text = f"The output cannot be read: {error.strerror}"
            return title, text or "It wrote nothing."
    import msgspec

    return "Event", msgspec.json.format(msgspec.json.encode(record.event)).decode()


def _report(report: Report) -> str:
    lines = []
    for finding in report.findings:
        lines.append(f"{sign(finding.state)} {finding.summary}  [{finding.id}]")
        lines += [f"    {fact.label}: {fact.value}" for fact in finding.facts]
        if finding.raw:
            lines += ["", *(f"    {text}" for text in finding.raw.splitlines()), ""]
    return "\n".join(lines)

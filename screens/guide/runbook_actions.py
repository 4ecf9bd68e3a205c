"""What is done at a step of a walk: run, set, edited, copied, written to a file, and judged in the end."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Protocol

import msgspec
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.widgets import Static

from checks.cleanup.model import CleanupDetail, Ownership
from checks.finding import CheckState, Finding, OpenStep, Risk
from checks.sanitize import sanitize
from ecotui.guide.cause import CauseCheck
from ecotui.guide.runbook.step import (
    RunbookContext,
    RunbookStep,
    StepKind,
    destroy_confirmation,
    edit_step,
    fix_from_step,
)
from ecotui.session import events
from screens import workers
from screens.dialogs import Dialog, PromptDialog, TypedConfirmDialog, dialog_box
from screens.guide.location import RunbookPosition
from screens.guide.runbook_rendering import render_cause_check
from screens.messages import CleanupApproved, FixRequested
from screens.style.icons import format_leftover_count
from screens.widgets.footer import KeyFooter

if TYPE_CHECKING:
    from textual.app import App
    from textual.notifications import SeverityLevel

    from ecotui.project import OpenProject
    from screens.frame import MainScreenProtocol

MAX_ERROR_CHARS = 300
"""Characters of the error that the session's log keeps with a walk."""


class RunbookScreenProtocol(Protocol):
    """The part of a walk's screen that the deeds need."""

    project: OpenProject
    position: RunbookPosition
    verdict: CauseCheck

    @property
    def app(self) -> App[object]: ...

    @property
    def main_screen(self) -> MainScreenProtocol: ...

    @property
    def logged_entry(self) -> str:
        """What the session's log calls the entry."""

    @property
    def runbook_context(self) -> RunbookContext:
        """What the commands of the entry may refer to."""

    def refresh_steps(self) -> None:
        """Draw again what follows from the looks and from what was done."""

    def mark_done(self, step: RunbookStep, *, done: bool) -> None:
        """Mark a step as done, or as not done."""

    def can_act(self) -> bool:
        """Whether this operator may change something now; says why not."""

    def log_event(self, event: events.AnyEvent) -> None:
        """Write into the session's log, if it is ours."""

    def show_rating(self, solved: bool) -> None:
        """The operator has answered whether it helped."""

    def notify(
        self,
        message: str,
        *,
        title: str = "",
        severity: SeverityLevel = "information",
        timeout: float | None = None,
        markup: bool = True,
    ) -> None: ...


class RateDialog(Dialog[bool]):
    """Did it help?"""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("y,enter", "dismiss(True)", "Yes, it did"),
        Binding("n", "dismiss(False)", "No"),
        Binding("escape", "dismiss(None)", "Not yet"),
    ]

    def __init__(self, title: str, body: Content) -> None:
        super().__init__()
        self._title = title
        self._body = body

    def compose(self) -> ComposeResult:
        with dialog_box(self._title):
            yield Static(self._body, classes="body")
            yield Static(Content("y yes    n no    Escape: not yet"), classes="hint")
        yield KeyFooter(compact=True, show_command_palette=False)


def run_step(screen: RunbookScreenProtocol, step: RunbookStep, step_id: str) -> None:
    """Ask the frame to carry a step out; it asks for consent, starts it under the supervisor, and logs it."""
    title = f"Guide {screen.position.entry}"
    finding = step.finding or Finding(
        id=f"{step_id}.guide", step=step_id, state=CheckState.SKIPPED, title=title, summary=title
    )
    if step.fix is not None:
        screen.position.attempted_fixes[step.key] = step
    screen.main_screen.post_message(
        FixRequested(finding, fix_from_step(step, screen.position.entry, destroy_confirmation(step.argv)))
    )


def leftovers_deleted_by(step: RunbookStep) -> tuple[str, ...]:
    """The leftovers that a way out of the cleanup deletes; empty for any other."""
    action = step.fix.action if step.fix is not None else None
    if isinstance(action, OpenStep) and action.step == "cleanup" and step.risk is Risk.DESTROYS:
        return action.select
    return ()


def confirm_deletion(screen: RunbookScreenProtocol, step: RunbookStep) -> bool:
    """Ask for typed consent to the deletion of exactly these leftovers; False when the last look does not have them."""
    report = screen.project.rebuild.reports.get("cleanup")
    try:
        detail = msgspec.convert((report.detail if report else None) or {}, type=CleanupDetail)
    except msgspec.ValidationError:
        return False
    chosen = [one for one in detail.resources if one.deletable and one.key in leftovers_deleted_by(step)]
    if not chosen or len(chosen) != len(leftovers_deleted_by(step)):
        return False
    lines = [Content(f"Deleted for good, in account {detail.account} ({detail.account_name}):"), Content("")]
    for one in chosen:
        doubt = "   matched by name only: is it ours?" if one.ownership is Ownership.NAME_ONLY else ""
        lines.append(Content.assemble(f"  {one.kind:<16} {one.name}", Content.styled(doubt, "$text-warning")))
    lines += [
        Content(""),
        Content("What it is attached to is detached first; what has changed is left alone."),
    ]

    def typed(answer: str | None) -> None:
        if answer:
            screen.position.attempted_fixes[step.key] = step
            screen.main_screen.post_message(CleanupApproved(detail, tuple(one.key for one in chosen)))

    expected = f"{detail.account_name or detail.account} {len(chosen)}"
    screen.app.push_screen(
        TypedConfirmDialog(f"Delete {format_leftover_count(len(chosen))}", Content("\n").join(lines), expected), typed
    )
    return True


def prompt_step_variable(screen: RunbookScreenProtocol, step: RunbookStep) -> None:
    """Ask for the value of a variable that is no secret, and set it for this session."""

    def given(value: str | None) -> None:
        if value and screen.can_act():
            workers.report_errors(
                screen.main_screen, lambda desk: desk.set_variable(step.variable, value, secret=False)
            )
            screen.mark_done(step, done=True)
            screen.refresh_steps()

    said = Content(f"{step.variable}, for everything that this session starts from now on.")
    screen.app.push_screen(PromptDialog(f"Set {step.variable}", said, value=step.value), given)


def edit_command(screen: RunbookScreenProtocol, step: RunbookStep) -> None:
    """Let the operator change a command before it runs."""

    def given(text: str | None) -> None:
        if text is None:
            return
        made = edit_step(step, sanitize(text), screen.runbook_context)
        if made.reason:
            screen.notify(f"It cannot be run: {made.reason}.", severity="warning", markup=False)
        else:
            screen.position.edited_commands[step.key] = made.text
            screen.refresh_steps()

    first = "Put a value in the place of what stands in < > or begins with $. " if step.missing else ""
    said = Content(f"{first}It is started as it stands, without a shell: no pipes, no substitutions.")
    screen.app.push_screen(PromptDialog("Edit the command", said, value=step.text), given)


def copy_step(screen: RunbookScreenProtocol, step: RunbookStep) -> None:
    """To the terminal's clipboard."""
    screen.app.copy_to_clipboard(step.text)
    lines = step.text.count("\n") + 1
    what = f"{lines} lines" if lines > 1 else step.text[:60]
    screen.notify(f"Sent to your terminal's clipboard (OSC 52): {what}", markup=False)


def write_step_file(screen: RunbookScreenProtocol, step: RunbookStep) -> None:
    """Where no clipboard reaches: a file in the session's folder."""
    from ecotui.session.private_files import make_private_folder, raise_session_error, replace_atomically

    ending = step.language if step.kind is StepKind.FILE and step.language.isalnum() else "sh"
    key = f"{screen.position.entry}-{step.key}"
    name = "".join(sign if sign.isalnum() or sign in ".-" else "-" for sign in key).strip(".")

    def put(desk: OpenProject) -> str:
        folder = make_private_folder(desk.session.folder / "guide")
        file = folder / f"{name}.{ending}"
        with raise_session_error("cannot write to", file):
            replace_atomically(file, f"{step.text}\n".encode())
        return str(file)

    if file := workers.report_errors(screen.main_screen, put):
        screen.notify(file, title="Written to a file", markup=False, timeout=15)


def ask_rating(screen: RunbookScreenProtocol) -> None:
    """Did the entry solve it? The answer orders the entries of the next time."""
    walk = screen.position

    def said(answer: bool | None) -> None:
        if answer is None or not screen.can_act():
            return
        error = " ".join(walk.error.split())[:MAX_ERROR_CHARS]
        screen.log_event(events.RunbookRated(entry=screen.logged_entry, solved=answer, error=error))
        screen.show_rating(answer)

    width = min(screen.app.size.width * 9 // 10, 96) - 8
    words = render_cause_check(screen.verdict, walk.language, width, 4)
    korean = walk.language == "ko"
    title = f"{walk.entry}: 문제가 해결되었습니까?" if korean else f"Did {walk.entry} solve it?"
    screen.app.push_screen(RateDialog(title, words), said)

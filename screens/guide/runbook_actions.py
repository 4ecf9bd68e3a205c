"""What is done at a step of a walk: run, set, edited, copied, written to a file, and judged in the end."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Protocol

import msgspec
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.widgets import Static

from checks.cleanup.model import CleanupDetail, Ownership
from checks.finding import Finding, Risk, State, Visit
from checks.sanitize import sanitize
from ecotui.guide.cause import Verdict
from ecotui.guide.runbook.step import Context, Kind, Step, as_fix, destroy_word, edited
from ecotui.session import events
from screens import workers
from screens.dialogs import Ask, Dialog, Typed, boxed
from screens.guide.location import Walk
from screens.guide.runbook_rendering import verdict_line
from screens.messages import CleanupApproved, FixWanted
from screens.style.icons import leftovers
from screens.widgets.footer import KeyBar

if TYPE_CHECKING:
    from textual.app import App
    from textual.notifications import SeverityLevel

    from ecotui.project import Desk
    from screens.frame import Frame

ERROR = 300
"""Characters of the error that the session's log keeps with a walk."""


class Walking(Protocol):
    """The part of a walk's screen that the deeds need."""

    desk: Desk
    walk: Walk
    verdict: Verdict

    @property
    def app(self) -> App[object]: ...

    @property
    def frame(self) -> Frame: ...

    @property
    def logged(self) -> str:
        """What the session's log calls the entry."""

    @property
    def context(self) -> Context:
        """What the commands of the entry may refer to."""

    def recount(self) -> None:
        """Draw again what follows from the looks and from what was done."""

    def tick(self, step: Step, *, done: bool) -> None:
        """Mark a step as done, or as not done."""

    def may_act(self) -> bool:
        """Whether this operator may change something now; says why not."""

    def log_event(self, event: events.Event) -> None:
        """Write into the session's log, if it is ours."""

    def judged(self, solved: bool) -> None:
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


class Judge(Dialog[bool]):
    """Did it help?"""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("y,enter", "dismiss(True)", "Yes, it did"),
        Binding("n", "dismiss(False)", "No"),
        Binding("escape", "dismiss(None)", "Not yet"),
    ]

    def __init__(self, title: str, said: Content) -> None:
        super().__init__()
        self._title = title
        self._said = said

    def compose(self) -> ComposeResult:
        with boxed(self._title):
            yield Static(self._said, classes="said")
            yield Static(Content("y yes    n no    Escape: not yet"), classes="hint")
        yield KeyBar(compact=True, show_command_palette=False)


def run(screen: Walking, step: Step, place: str) -> None:
    """Ask the frame to carry a step out; it asks for consent, starts it under the supervisor, and logs it."""
    title = f"Guide {screen.walk.entry}"
    finding = step.finding or Finding(
        id=f"{place}.guide", step=place, state=State.SKIPPED, title=title, summary=title
    )
    if step.fix is not None:
        screen.walk.tried[step.key] = step
    screen.frame.post_message(FixWanted(finding, as_fix(step, screen.walk.entry, destroy_word(step.argv))))


def deletes(step: Step) -> tuple[str, ...]:
    """The leftovers that a way out of the cleanup deletes; empty for any other."""
    action = step.fix.action if step.fix is not None else None
    if isinstance(action, Visit) and action.step == "cleanup" and step.risk is Risk.DESTROYS:
        return action.select
    return ()


def delete(screen: Walking, step: Step) -> bool:
    """Ask for typed consent to the deletion of exactly these leftovers; False when the last look does not have them."""
    report = screen.desk.rebuild.reports.get("cleanup")
    try:
        detail = msgspec.convert((report.detail if report else None) or {}, type=CleanupDetail)
    except msgspec.ValidationError:
        return False
    chosen = [one for one in detail.resources if one.deletable and one.key in deletes(step)]
    if not chosen or len(chosen) != len(deletes(step)):
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
            screen.walk.tried[step.key] = step
            screen.frame.post_message(CleanupApproved(detail, tuple(one.key for one in chosen)))

    expected = f"{detail.account_name or detail.account} {len(chosen)}"
    screen.app.push_screen(
        Typed(f"Delete {leftovers(len(chosen))}", Content("\n").join(lines), expected), typed
    )
    return True


def set_variable(screen: Walking, step: Step) -> None:
    """Ask for the value of a variable that is no secret, and set it for this session."""

    def given(value: str | None) -> None:
        if value and screen.may_act():
            workers.guarded(screen.frame, lambda desk: desk.set_variable(step.setting, value, secret=False))
            screen.tick(step, done=True)
            screen.recount()

    said = Content(f"{step.setting}, for everything that this session starts from now on.")
    screen.app.push_screen(Ask(f"Set {step.setting}", said, value=step.value), given)


def edit(screen: Walking, step: Step) -> None:
    """Let the operator change a command before it runs."""

    def given(text: str | None) -> None:
        if text is None:
            return
        made = edited(step, sanitize(text), screen.context)
        if made.reason:
            screen.notify(f"It cannot be run: {made.reason}.", severity="warning", markup=False)
        else:
            screen.walk.edits[step.key] = made.text
            screen.recount()

    first = "Put a value in the place of what stands in < > or begins with $. " if step.missing else ""
    said = Content(f"{first}It is started as it stands, without a shell: no pipes, no substitutions.")
    screen.app.push_screen(Ask("Edit the command", said, value=step.text), given)


def copy(screen: Walking, step: Step) -> None:
    """To the terminal's clipboard."""
    screen.app.copy_to_clipboard(step.text)
    lines = step.text.count("\n") + 1
    what = f"{lines} lines" if lines > 1 else step.text[:60]
    screen.notify(f"Sent to your terminal's clipboard (OSC 52): {what}", markup=False)


def write(screen: Walking, step: Step) -> None:
    """Where no clipboard reaches: a file in the session's folder."""
    from ecotui.session.private_files import explained, make_folder, replace_file

    ending = step.language if step.kind is Kind.FILE and step.language.isalnum() else "sh"
    key = f"{screen.walk.entry}-{step.key}"
    name = "".join(sign if sign.isalnum() or sign in ".-" else "-" for sign in key).strip(".")

    def put(desk: Desk) -> str:
        folder = make_folder(desk.session.folder / "guide")
        file = folder / f"{name}.{ending}"
        with explained("cannot write to", file):
            replace_file(file, f"{step.text}\n".encode())
        return str(file)

    if file := workers.guarded(screen.frame, put):
        screen.notify(file, title="Written to a file", markup=False, timeout=15)


def ask(screen: Walking) -> None:
    """Did the entry solve it? The answer orders the entries of the next time."""
    walk = screen.walk

    def said(answer: bool | None) -> None:
        if answer is None or not screen.may_act():
            return
        error = " ".join(walk.error.split())[:ERROR]
        screen.log_event(events.EntryJudged(entry=screen.logged, solved=answer, error=error))
        screen.judged(answer)

    width = min(screen.app.size.width * 9 // 10, 96) - 8
    words = verdict_line(screen.verdict, walk.language, width, 4)
    korean = walk.language == "ko"
    title = f"{walk.entry}: 문제가 해결되었습니까?" if korean else f"Did {walk.entry} solve it?"
    screen.app.push_screen(Judge(title, words), said)

"""Asks for the project's lock and the team's lease, and answers who asks for them, for the main screen."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.content import Content
from textual.widgets import Footer, Static

from screens.actions import bindings
from screens.dialogs import ConfirmDialog, Dialog, dialog_box
from screens.main.commands import CommandController
from screens.project_screen import ProjectScreen

if TYPE_CHECKING:
    from textual.notifications import SeverityLevel

    from ecotui.project import OpenProject
    from ecotui.session import events
    from ecotui.team.lease_client import LeaseStatus
    from ecotui.team.writer_lock import HandoffRequest, WriterLock

LOCK_POLL_SECONDS = 1.0
"""Seconds between two reads of the locks and of what others wrote into the log."""


class HandoffDialog(Dialog[bool]):
    """Somebody asks for the project. No key that one types by habit answers it."""

    BINDINGS: ClassVar[list[BindingType]] = bindings("dialog.handoff")

    def __init__(self, body: Content) -> None:
        super().__init__()
        self._body = body

    def compose(self) -> ComposeResult:
        with dialog_box("Release the lock?"):
            yield Static(self._body, classes="body")
            yield Static(Content("y: release the lock    n: keep it    Escape: answer later"), classes="hint")
        yield Footer(show_command_palette=False)

    def action_answer(self, granted: bool) -> None:
        self.dismiss(granted)


class LockController:
    """Knows whether this ecotui may write, and tells the operator when that changes."""

    def __init__(self, screen: ProjectScreen, commands: CommandController) -> None:
        self.screen = screen
        self.commands = commands
        self._last_notice = ""
        """The last question, or the freedom of the lock, that was shown."""
        self._last_lease_state = ""
        """The last state of the team's lease that was shown."""

    def start_polling(self) -> None:
        """Read the locks from now on: other processes write them."""
        self.screen.set_interval(LOCK_POLL_SECONDS, self._poll, name="locks")

    def _poll(self) -> None:
        project = self.screen.project
        if project is not None and not project.lock.unsupported_reason:
            self.screen.report_errors(self._poll_as_observer if project.is_read_only else self._poll_requests)

    def _poll_as_observer(self, project: OpenProject) -> None:
        """Somebody else writes: show what they do; take the lock when we asked for it and may have it."""
        news = project.read_new_events()
        for record in news:
            self._resume_logged_command(project, record.event)
        lock = project.lock
        if lock.pending_request is not None:
            granted = lock.read_answer()
            if (granted or lock.is_free) and project.acquire_lock():
                self._become_owner(project)
                return
            if granted is False:
                self._notify(f"{describe_lock_holder(project)} keeps the lock.", "warning")
        elif lock.is_free and self._last_notice != "free":
            self._last_notice = "free"
            self._notify("Nobody works on this project any more. Press T to take the lock.")
        if news:
            self.screen.refresh_rebuild()

    def _resume_logged_command(self, project: OpenProject, event: events.AnyEvent | events.UnknownEvent) -> None:
        from ecotui.session.events import CommandStarted
        from ecotui.supervisor import read_command

        if isinstance(event, CommandStarted):
            command = read_command(project.session.commands_folder / event.command)
            if command is not None and command.id in {one.id for one in project.running_commands()}:
                self.commands.resume(command)

    def _become_owner(self, project: OpenProject) -> None:
        """The lock is ours, with all commands that run."""
        self._last_notice = ""
        for command in project.running_commands():
            self.commands.resume(command)
        self._notify("You have the lock now.")
        self.screen.refresh_rebuild()

    def _poll_requests(self, project: OpenProject) -> None:
        """We write: does somebody ask for the lock, and do we still have the team's lease?"""
        lease = project.lease.status() if project.lease is not None else None
        incoming = project.incoming_request()
        requester = incoming[1].by if incoming is not None else ""
        if requester != self._last_notice:
            self._last_notice = requester
            if requester:
                self._notify(f"{requester} wants the lock. Press T to answer.", "warning", timeout=60)
            self.screen.refresh_rebuild()
        if lease is not None and lease.state != self._last_lease_state:
            self._notify_lease_change(project, lease)

    def _notify_lease_change(self, project: OpenProject, lease: LeaseStatus) -> None:
        before, self._last_lease_state = self._last_lease_state, lease.state
        running = " Running commands continue; nothing more is started." if project.running_commands() else ""
        match lease.state:
            case "held" if before in ("taken", "lost", "unreachable", "yielded"):
                self._notify(f"You have the team's lock of account {lease.account} now.")
            case "taken":
                self._notify(
                    f"{lease.holder} works in account {lease.account}; you are watching. Press T to ask for the lock.",
                    "warning",
                )
            case "unreachable":
                self._notify(f"{lease.refusal_reason()}.{running}", "error", timeout=30)
            case "lost":
                self._notify(f"{lease.refusal_reason()}.{running}", "error", timeout=60)
            case "yielded":
                self._notify(f"Lock released to {lease.holder}.")
        self.screen.refresh_rebuild()

    def _notify(self, text: str, severity: SeverityLevel = "information", timeout: float = 15) -> None:
        self.screen.notify(text, severity=severity, markup=False, timeout=timeout)

    # -- taking over ---------------------------------------------------------------------------------------------

    def take_over(self) -> None:
        """Ask for the lock, or answer who asks for it."""
        project = self.screen.project
        if project is None:
            return
        lease = project.lease
        if project.lock.unsupported_reason:
            self._notify(project.write_refusal(), "warning")
        elif project.is_read_only:
            if self.screen.report_errors(lambda project: project.acquire_lock()):
                self._become_owner(project)
            else:
                self._request(
                    project.lock,
                    f"{describe_lock_holder(project)} works on this project. They are asked and can refuse; without an"
                    " answer they keep the lock. Running commands continue either way.",
                    "Asked. You get the lock when they release it, or when their ecotui ends.",
                )
        elif (incoming := project.incoming_request()) is not None:
            self._answer(project, *incoming)
        elif lease is not None and lease.holder_text and lease.last_status.state in ("taken", "lost", "yielded"):
            self._request(
                lease,
                f"{lease.holder_text} works in account {lease.last_status.account}. They are asked and can refuse.",
                "Asked. Their ecotui shows it within half a minute.",
            )
        else:
            self._notify("You have the lock, and nobody asks for it.")

    def _request(self, lock: WriterLock, question: str, notice: str) -> None:
        """Ask its holder for a lock, when the operator agrees."""

        def request(agreed: bool | None) -> None:
            if agreed and not lock.is_held:
                self.screen.report_errors(lambda project: project.request_handoff(lock))
                self._notify(notice)
                self.screen.refresh_rebuild()

        self.screen.app.push_screen(ConfirmDialog("Ask to take over", Content(question)), request)

    def _answer(self, project: OpenProject, lock: WriterLock, request: HandoffRequest) -> None:
        """Let the operator answer who wants a lock of ours."""
        titles = ", ".join(command.title for command in project.running_commands())
        if lock is project.lock:
            running = f"\n\nIt continues, and they can interrupt it: {titles}." if titles else ""
            question = f"{request.by} wants the lock of this project.{running}"
        elif titles:
            self._notify(f"{request.by} has to wait until the commands on this machine have ended.", "warning")
            return
        else:
            account = project.lease.last_status.account if project.lease is not None else ""
            question = f"{request.by}, on another machine, wants the lock of account {account}."

        def answer(granted: bool | None) -> None:
            if granted is None:
                return
            self.screen.report_errors(lambda project: project.answer_handoff(lock, request, granted=granted))
            if lock is project.lock:
                self._notify(f"Lock released to {request.by}; you are watching." if granted else "You keep the lock.")
                self.screen.refresh_rebuild()

        self.screen.app.push_screen(HandoffDialog(Content(question)), answer)


def describe_lock_holder(project: OpenProject) -> str:
    """Who works on the project, in words."""
    holder = project.lock.holder
    return "nobody" if holder is None else f"{holder.user} on {holder.terminal or holder.host}, since {holder.since}"


def lock_notice(project: OpenProject, *, short: bool = False) -> str:
    """The right side of the header: who has the lock, when it is not us, or who asks us for it."""
    if project.lock.unsupported_reason:
        return "watching: no locks here"
    if project.is_read_only:
        asked = " (asked)" if project.lock.pending_request is not None else ""
        return f"watching: {describe_lock_holder(project)}{asked}"
    if (incoming := project.incoming_request()) is not None:
        return f"{incoming[1].by.partition(' ')[0]} wants the lock: T to answer"
    if project.lease is not None and (notice := lease_notice(project.lease.last_status)):
        return notice
    if demo := project.base_env.get("ECOTUI_DEMO"):
        return "DEMO" if short else f"DEMO {demo}"
    return ""


def lease_notice(lease: LeaseStatus) -> str:
    """The same for the team's lease; empty while it is ours."""
    match lease.state:
        case "held":
            return ""
        case "asking":
            return "asking for the team's lock"
        case "unreachable":
            return "team's lock: could not be checked"
        case "lost":
            return "team's lock lost"
        case _:
            return f"watching: {lease.holder.partition(',')[0]}"

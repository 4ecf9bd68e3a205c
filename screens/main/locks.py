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
    from ecotui.team.file_lock import HandoffRequest
    from ecotui.team.lease_client import LeaseStatus

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
        if project is not None and not project.no_locks_reason:
            self.screen.report_errors(self._poll_as_observer if project.is_read_only else self._poll_requests)

    def _poll_as_observer(self, project: OpenProject) -> None:
        """Somebody else writes: show what they do; take the lock when we asked for it and may have it."""
        news = project.read_new_events()
        for record in news:
            self._resume_logged_command(project, record.event)
        if project.pending_request is not None:
            granted = project.poll_handoff_answer()
            if (granted or project.is_lock_free) and project.acquire_lock():
                self._become_owner(project)
                return
            if granted is False:
                self._notify(f"{describe_lock_holder(project)} keeps the lock.", "warning")
        elif project.is_lock_free and self._last_notice != "free":
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
        lease = project.check_team_lease() if project.lease_client is not None else None
        request = project.incoming_handoff_request()
        requester = request.by if request is not None else lease.question if lease is not None else ""
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
        lease = project.lease_status if project.lease_client is not None else None
        if project.no_locks_reason:
            self._notify(project.write_refusal(), "warning")
        elif project.is_read_only:
            self._request_lock(project)
        elif (request := project.incoming_handoff_request()) is not None:
            self._answer_lock_request(project, request)
        elif lease is not None and lease.question:
            self._answer_lease_request(project)
        elif lease is not None and lease.state in ("taken", "lost", "yielded") and lease.holder:
            self._request_lease(lease)
        else:
            self._notify("You have the lock, and nobody asks for it.")

    def _request_lock(self, project: OpenProject) -> None:
        if self.screen.report_errors(lambda project: project.acquire_lock()):
            self._become_owner(project)
            return

        def request(agreed: bool | None) -> None:
            if agreed and project.is_read_only:
                self.screen.report_errors(lambda project: project.request_handoff())
                self._notify("Asked. You get the lock when they release it, or when their ecotui ends.")
                self.screen.refresh_rebuild()

        body = Content(
            f"{describe_lock_holder(project)} works on this project. They are asked and can refuse; without an answer"
            " they keep the lock. Running commands continue either way."
        )
        self.screen.app.push_screen(ConfirmDialog("Ask to take over", body), request)

    def _answer_lock_request(self, project: OpenProject, request: HandoffRequest) -> None:
        def answer(granted: bool | None) -> None:
            if granted is None:
                return
            self.screen.report_errors(lambda project: project.answer_handoff(request, granted=granted))
            self._notify(f"Lock released to {request.by}; you are watching." if granted else "You keep the lock.")
            self.screen.refresh_rebuild()

        titles = ", ".join(command.title for command in project.running_commands())
        running = f"\n\nIt continues, and they can interrupt it: {titles}." if titles else ""
        body = Content(f"{request.by} wants the lock of this project.{running}")
        self.screen.app.push_screen(HandoffDialog(body), answer)

    def _answer_lease_request(self, project: OpenProject) -> None:
        requester = project.lease_status.question
        if project.running_commands():
            self._notify(f"{requester} has to wait until the commands on this machine have ended.", "warning")
            return

        def answer(granted: bool | None) -> None:
            if granted is not None:
                self.screen.report_errors(lambda project: project.answer_team_handoff(granted=granted))

        body = Content(f"{requester}, on another machine, wants the lock of account {project.lease_status.account}.")
        self.screen.app.push_screen(HandoffDialog(body), answer)

    def _request_lease(self, lease: LeaseStatus) -> None:
        def request(agreed: bool | None) -> None:
            if agreed:
                self.screen.report_errors(lambda project: project.request_team_handoff())
                self._notify("Asked. Their ecotui shows it within half a minute.")

        body = Content(f"{lease.holder} works in account {lease.account}. They are asked and can refuse.")
        self.screen.app.push_screen(ConfirmDialog("Ask to take over", body), request)


def describe_lock_holder(project: OpenProject) -> str:
    """Who works on the project, in words."""
    holder = project.lock_holder
    return "nobody" if holder is None else f"{holder.user} on {holder.terminal or holder.host}, since {holder.since}"


def lock_notice(project: OpenProject, *, short: bool = False) -> str:
    """The right side of the header: who has the lock, when it is not us, or who asks us for it."""
    if project.no_locks_reason:
        return "watching: no locks here"
    if project.is_read_only:
        asked = " (asked)" if project.pending_request is not None else ""
        return f"watching: {describe_lock_holder(project)}{asked}"
    if (request := project.incoming_handoff_request()) is not None:
        return f"{request.by.partition(' ')[0]} wants the lock: T to answer"
    if project.lease_client is not None and (notice := lease_notice(project.lease_status)):
        return notice
    if demo := project.base_env.get("ECOTUI_DEMO"):
        return "DEMO" if short else f"DEMO {demo}"
    return ""


def lease_notice(lease: LeaseStatus) -> str:
    """The same for the team's lease; empty while it is ours."""
    match lease.state:
        case "held" if lease.question:
            return f"{lease.question.partition(' ')[0]} wants the lock: T to answer"
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

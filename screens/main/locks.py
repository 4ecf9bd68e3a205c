"""Who writes: the lock on this machine and the team's, being asked to hand over, and asking for it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, ClassVar, TypeVar, cast

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.widgets import Footer, Static

from screens import workers
from screens.dialogs import ConfirmDialog, Dialog, dialog_box
from screens.main.guide_door import GuideNavigation

if TYPE_CHECKING:
    from textual.notifications import SeverityLevel

    from ecotui.project import OpenProject
    from ecotui.session import events
    from ecotui.supervisor import Command
    from ecotui.team.handoff import HandoffRequest
    from ecotui.team.lease_client import LeaseStatus
    from screens.frame import MainScreenProtocol

Result = TypeVar("Result")

LOCK_POLL_SECONDS = 1.0
"""Seconds between two looks at the locks and at what others wrote."""


class HandoffDialog(Dialog[bool]):
    """Somebody asks for the project. No key that one types by habit answers it."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("y", "answer(True)", "Hand over"),
        Binding("n", "answer(False)", "Refuse"),
    ]

    def __init__(self, body: Content) -> None:
        super().__init__()
        self._body = body

    def compose(self) -> ComposeResult:
        with dialog_box("Hand over?"):
            yield Static(self._body, classes="body")
            yield Static(
                Content("y: hand over    n: refuse    Escape: answer later"),
                classes="hint",
            )
        yield Footer(show_command_palette=False)

    def action_answer(self, granted: bool) -> None:
        self.dismiss(granted)


class LockController(GuideNavigation):
    """The frame's part that knows whether it may write."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(
            "T",
            "take_over",
            "Take over",
            show=False,
            tooltip="Take over the project, or answer who asks for it",
            id="rebuild.take-over",
        ),
        Binding(
            "S",
            "team_sessions",
            "Team's sessions",
            show=False,
            tooltip="Sessions of all machines that share them (sessions.team)",
            id="rebuild.team-sessions",
        ),
    ]

    _last_notice = ""
    """The last question, or freedom, that was told."""
    _last_lease_state = ""
    """The state of the team's lock that was told."""

    # What the frame has beside this.
    def refresh_all(self) -> None: ...

    def resume_following(self, command: Command) -> None: ...

    def _report_errors(self, action: Callable[[OpenProject], Result]) -> Result | None:
        return workers.report_errors(cast("MainScreenProtocol", self), action)

    def start_lock_polling(self) -> None:
        """From now on, once a second."""
        self.set_interval(LOCK_POLL_SECONDS, self._poll_locks, name="locks")

    def _poll_locks(self) -> None:
        if self.project is not None and not self.project.no_locks_reason:
            self._report_errors(self._poll_as_observer if self.project.is_read_only else self._poll_handoff_requests)

    def _poll_as_observer(self, project: OpenProject) -> None:
        """Somebody else writes: show what they do; become the writer when we asked, and may."""
        news = project.read_new_events()
        for record in news:
            self._resume_logged_command(project, record.event)
        if project.pending_request is not None:
            given = project.poll_handoff_answer()
            if (given or project.is_lock_free) and project.acquire_lock():
                self._become_owner(project)
                return
            if given is False:
                self._notify(f"{workers.describe_lock_holder(project)} keeps the project.", "warning")
        elif project.is_lock_free and self._last_notice != "free":
            self._last_notice = "free"
            self._notify("Nobody works on this project any more: T takes it.")
        if news:
            self.refresh_all()

    def _resume_logged_command(self, project: OpenProject, event: events.AnyEvent | events.UnknownEvent) -> None:
        from ecotui.session import events as kinds
        from ecotui.supervisor import read_command

        if isinstance(event, kinds.CommandStarted):
            command = read_command(project.session.commands_folder / event.command)
            if command is not None and command.id in {one.id for one in project.running_commands()}:
                self.resume_following(command)

    def _become_owner(self, project: OpenProject) -> None:
        """The project is ours, with all that runs in it."""
        self._last_notice = ""
        for command in project.running_commands():
            self.resume_following(command)
        self._notify("The project is yours now.")
        self.refresh_all()

    def _poll_handoff_requests(self, project: OpenProject) -> None:
        """We write: does somebody ask for it, and do we still have the team's lock?"""
        team = project.check_team_lease() if project.lease_client is not None else None
        asked = project.incoming_handoff_request()
        by = asked.by if asked is not None else team.question if team is not None else ""
        if by != self._last_notice:
            self._last_notice = by
            if by:
                self._notify(f"{by} asks to take over the project. T answers.", "warning", timeout=60)
            self.refresh_all()
        if team is not None and team.state != self._last_lease_state:
            self._notify_lease_change(project, team)

    def _notify_lease_change(self, project: OpenProject, lease: LeaseStatus) -> None:
        before, self._last_lease_state = self._last_lease_state, lease.state
        runs = " What runs goes on; nothing more is started." if project.running_commands() else ""
        match lease.state:
            case "held" if before in ("taken", "lost", "unreachable", "yielded"):
                self._notify(f"The team's lock of account {lease.account} is ours now.")
            case "taken":
                self._notify(
                    f"{lease.holder} works in account {lease.account}: you are watching. T asks them.",
                    "warning",
                )
            case "unreachable":
                self._notify(f"{lease.refusal_reason()}.{runs}", "error", timeout=30)
            case "lost":
                self._notify(f"{lease.refusal_reason()}.{runs}", "error", timeout=60)
            case "yielded":
                self._notify(f"Handed over to {lease.holder}.")
        self.refresh_all()

    def _notify(self, text: str, severity: SeverityLevel = "information", timeout: float = 15) -> None:
        self.notify(text, severity=severity, markup=False, timeout=timeout)

    def action_team_sessions(self) -> None:
        from screens.sessions.team import TeamSessionsScreen

        if self.project is None:
            return
        if self.project.config.settings.sessions.team:
            self.app.push_screen(TeamSessionsScreen(self.project))
        else:
            self._notify("The settings name no team to share sessions with (sessions.team: s3://bucket/prefix).")

    # -- the key -------------------------------------------------------------------------------------------------

    def action_take_over(self) -> None:
        desk = self.project
        if desk is None:
            return
        if desk.no_locks_reason:
            self._notify(desk.write_refusal(), "warning")
        elif desk.is_read_only:
            self._request_lock(desk)
        elif (question := desk.incoming_handoff_request()) is not None:
            self._answer_lock_request(desk, question)
        elif desk.lease_client is not None and desk.lease_status.question:
            self._answer_lease_request(desk)
        elif (
            desk.lease_client is not None
            and desk.lease_status.state in ("taken", "lost", "yielded")
            and desk.lease_status.holder
        ):
            self._request_lease(desk)
        else:
            self._notify("You are the one who works on this project, and nobody asks for it.")

    def _request_lock(self, project: OpenProject) -> None:
        if self._report_errors(lambda at: at.acquire_lock()):
            self._become_owner(project)
            return

        def decided(agreed: bool | None) -> None:
            if agreed and project.is_read_only:
                self._report_errors(lambda at: at.request_handoff())
                self._notify("Asked. You become the one who works here as soon as they agree, or are gone.")
                self.refresh_all()

        holder = workers.describe_lock_holder(project)
        said = Content(
            f"{holder} works on this project. They are asked, and can refuse; without an answer they stay."
            " What runs goes on either way."
        )
        self.app.push_screen(ConfirmDialog("Ask to take over", said), decided)

    def _answer_lock_request(self, project: OpenProject, request: HandoffRequest) -> None:
        def answered(granted: bool | None) -> None:
            if granted is None:
                return
            self._report_errors(lambda at: at.answer_handoff(request, granted=granted))
            self._notify(f"Handed over to {request.by}; you are watching." if granted else "Refused.")
            self.refresh_all()

        running = ", ".join(command.title for command in project.running_commands())
        going_on = f"\n\nGoes on, and is theirs to interrupt: {running}." if running else ""
        self.app.push_screen(
            HandoffDialog(Content(f"{request.by} asks to take over this project.{going_on}")), answered
        )

    def _answer_lease_request(self, project: OpenProject) -> None:
        by = project.lease_status.question
        if project.running_commands():
            self._notify(f"{by} cannot take over what runs on this machine: when it has ended.", "warning")
            return

        def answered(granted: bool | None) -> None:
            if granted is not None:
                self._report_errors(lambda at: at.answer_team_handoff(granted=granted))

        said = Content(f"{by} asks for account {project.lease_status.account}, from another machine.")
        self.app.push_screen(HandoffDialog(said), answered)

    def _request_lease(self, project: OpenProject) -> None:
        def decided(agreed: bool | None) -> None:
            if agreed:
                self._report_errors(lambda at: at.request_team_handoff())
                self._notify("Asked. Their ecotui shows it within half a minute.")

        said = Content(
            f"{project.lease_status.holder} works in account {project.lease_status.account}. They are asked, and can refuse."
        )
        self.app.push_screen(ConfirmDialog("Ask to take over", said), decided)

"""Who writes: the lock on this machine and the team's, being asked to hand over, and asking for it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, ClassVar, TypeVar, cast

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.widgets import Footer, Static

from screens import workers
from screens.dialogs import Confirm, Dialog, boxed
from screens.main.guide_door import GuideDoor

if TYPE_CHECKING:
    from textual.notifications import SeverityLevel

    from ecotui.project import Desk
    from ecotui.session import events
    from ecotui.supervisor import Command
    from ecotui.team.handoff import Question
    from ecotui.team.lease_client import Standing
    from screens.frame import Frame

Outcome = TypeVar("Outcome")

BEAT = 1.0
"""Seconds between two looks at the locks and at what others wrote."""


class HandOver(Dialog[bool]):
    """Somebody asks for the project. No key that one types by habit answers it."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("y", "answer(True)", "Hand over"),
        Binding("n", "answer(False)", "Refuse"),
    ]

    def __init__(self, said: Content) -> None:
        super().__init__()
        self._said = said

    def compose(self) -> ComposeResult:
        with boxed("Hand over?"):
            yield Static(self._said, classes="said")
            yield Static(
                Content("y: hand over    n: refuse    Escape: answer later"),
                classes="hint",
            )
        yield Footer(show_command_palette=False)

    def action_answer(self, granted: bool) -> None:
        self.dismiss(granted)


class Writer(GuideDoor):
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

    _told = ""
    """The last question, or freedom, that was told."""
    _team = ""
    """The state of the team's lock that was told."""

    # What the frame has beside this.
    def show_all(self) -> None: ...

    def follow_again(self, command: Command) -> None: ...

    def _guarded(self, act: Callable[[Desk], Outcome]) -> Outcome | None:
        return workers.guarded(cast("Frame", self), act)

    def watch_the_locks(self) -> None:
        """From now on, once a second."""
        self.set_interval(BEAT, self._heed, name="locks")

    def _heed(self) -> None:
        if self.desk is not None and not self.desk.unlocked:
            self._guarded(self._heed_others if self.desk.watching else self._heed_questions)

    def _heed_others(self, desk: Desk) -> None:
        """Somebody else writes: show what they do; become the writer when we asked, and may."""
        news = desk.news()
        for record in news:
            self._take_in(desk, record.event)
        if desk.asking is not None:
            given = desk.answered()
            if (given or desk.free) and desk.take_over():
                self._now_ours(desk)
                return
            if given is False:
                self._say(f"{workers.held_by(desk)} keeps the project.", "warning")
        elif desk.free and self._told != "free":
            self._told = "free"
            self._say("Nobody works on this project any more: T takes it.")
        if news:
            self.show_all()

    def _take_in(self, desk: Desk, event: events.Event | events.Unknown) -> None:
        from ecotui.session import events as kinds
        from ecotui.supervisor import load

        if isinstance(event, kinds.CommandStarted):
            command = load(desk.session.commands / event.command)
            if command is not None and command.id in {one.id for one in desk.under_way()}:
                self.follow_again(command)

    def _now_ours(self, desk: Desk) -> None:
        """The project is ours, with all that runs in it."""
        self._told = ""
        for command in desk.under_way():
            self.follow_again(command)
        self._say("The project is yours now.")
        self.show_all()

    def _heed_questions(self, desk: Desk) -> None:
        """We write: does somebody ask for it, and do we still have the team's lock?"""
        team = desk.look_at_team() if desk.seat is not None else None
        asked = desk.asked()
        by = asked.by if asked is not None else team.question if team is not None else ""
        if by != self._told:
            self._told = by
            if by:
                self._say(f"{by} asks to take over the project. T answers.", "warning", timeout=60)
            self.show_all()
        if team is not None and team.state != self._team:
            self._team_changed(desk, team)

    def _team_changed(self, desk: Desk, team: Standing) -> None:
        before, self._team = self._team, team.state
        runs = " What runs goes on; nothing more is started." if desk.under_way() else ""
        match team.state:
            case "held" if before in ("taken", "lost", "unreachable", "yielded"):
                self._say(f"The team's lock of account {team.account} is ours now.")
            case "taken":
                self._say(
                    f"{team.holder} works in account {team.account}: you are watching. T asks them.",
                    "warning",
                )
            case "unreachable":
                self._say(f"{team.refusal()}.{runs}", "error", timeout=30)
            case "lost":
                self._say(f"{team.refusal()}.{runs}", "error", timeout=60)
            case "yielded":
                self._say(f"Handed over to {team.holder}.")
        self.show_all()

    def _say(self, text: str, severity: SeverityLevel = "information", timeout: float = 15) -> None:
        self.notify(text, severity=severity, markup=False, timeout=timeout)

    def action_team_sessions(self) -> None:
        from screens.sessions.team import TeamSessionsScreen

        if self.desk is None:
            return
        if self.desk.loaded.settings.sessions.team:
            self.app.push_screen(TeamSessionsScreen(self.desk))
        else:
            self._say("The settings name no team to share sessions with (sessions.team: s3://bucket/prefix).")

    # -- the key -------------------------------------------------------------------------------------------------

    def action_take_over(self) -> None:
        desk = self.desk
        if desk is None:
            return
        if desk.unlocked:
            self._say(desk.refusal(), "warning")
        elif desk.watching:
            self._ask_here(desk)
        elif (question := desk.asked()) is not None:
            self._answer_here(desk, question)
        elif desk.seat is not None and desk.team.question:
            self._answer_team(desk)
        elif desk.seat is not None and desk.team.state in ("taken", "lost", "yielded") and desk.team.holder:
            self._ask_team(desk)
        else:
            self._say("You are the one who works on this project, and nobody asks for it.")

    def _ask_here(self, desk: Desk) -> None:
        if self._guarded(lambda at: at.take_over()):
            self._now_ours(desk)
            return

        def decided(agreed: bool | None) -> None:
            if agreed and desk.watching:
                self._guarded(lambda at: at.ask_to_take_over())
                self._say("Asked. You become the one who works here as soon as they agree, or are gone.")
                self.show_all()

        holder = workers.held_by(desk)
        said = Content(
            f"{holder} works on this project. They are asked, and can refuse; without an answer they stay."
            " What runs goes on either way."
        )
        self.app.push_screen(Confirm("Ask to take over", said), decided)

    def _answer_here(self, desk: Desk, question: Question) -> None:
        def answered(granted: bool | None) -> None:
            if granted is None:
                return
            self._guarded(lambda at: at.hand_over(question, granted=granted))
            self._say(f"Handed over to {question.by}; you are watching." if granted else "Refused.")
            self.show_all()

        running = ", ".join(command.title for command in desk.under_way())
        going_on = f"\n\nGoes on, and is theirs to interrupt: {running}." if running else ""
        self.app.push_screen(
            HandOver(Content(f"{question.by} asks to take over this project.{going_on}")), answered
        )

    def _answer_team(self, desk: Desk) -> None:
        by = desk.team.question
        if desk.under_way():
            self._say(f"{by} cannot take over what runs on this machine: when it has ended.", "warning")
            return

        def answered(granted: bool | None) -> None:
            if granted is not None:
                self._guarded(lambda at: at.answer_team(yielding=granted))

        said = Content(f"{by} asks for account {desk.team.account}, from another machine.")
        self.app.push_screen(HandOver(said), answered)

    def _ask_team(self, desk: Desk) -> None:
        def decided(agreed: bool | None) -> None:
            if agreed:
                self._guarded(lambda at: at.ask_team())
                self._say("Asked. Their ecotui shows it within half a minute.")

        said = Content(
            f"{desk.team.holder} works in account {desk.team.account}. They are asked, and can refuse."
        )
        self.app.push_screen(Confirm("Ask to take over", said), decided)

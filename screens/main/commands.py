"""What is carried out on the operator's behalf: fixes after consent, commands, what is let pass; all of it may be refused."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from textual import on
from textual.content import Content

from checks.finding import Risk
from screens import fix_runner, workers
from screens.dialogs import Ask
from screens.main.locks import Writer
from screens.messages import CleanupApproved, CommandStarted, FixWanted, OverrideWanted, RunWanted
from screens.widgets.command_status import Following
from screens.widgets.log_drawer import Drawer

if TYPE_CHECKING:
    from ecotui.project import Desk
    from ecotui.supervisor import Command


class Carrier(Writer):
    """The frame's part that starts commands and follows them."""

    current: str
    """The step that is shown."""

    def __init__(self) -> None:
        super().__init__()
        self.following: dict[str, Following] = {}
        """What runs, by step; at most one command a step."""
        self.asked_to_stop: set[str] = set()
        """Ids of commands that were interrupted once; the next interrupt is forceful."""

    @on(FixWanted)
    def _fix_wanted(self, intent: FixWanted) -> None:
        if self._may_act(reads=intent.fix.risk is Risk.READS):
            fix_runner.carry_out(self, intent.finding, intent.fix)

    @on(RunWanted)
    def _run_wanted(self, intent: RunWanted) -> None:
        if self._may_act():
            self.start(lambda desk: desk.start(intent.step, intent.title, intent.argv), intent.step)

    @on(CleanupApproved)
    def _cleanup_approved(self, intent: CleanupApproved) -> None:
        if self._may_act():
            fix_runner.delete_leftovers(self, intent.detail, intent.keys)

    def start(self, begin: Callable[[Desk], Command], step: str) -> None:
        """Start a command (`begin` returns it) and follow it; a step runs one at a time."""
        if step in self.following and self.following[step].running:
            self.notify("This step already runs a command. Wait for it, or interrupt it (i).", markup=False)
            return
        command = workers.guarded(self, begin)
        if command is not None:
            self._follow(command, resumed=False)
            self.query_one(Drawer).add_class("-open")
            self.post_message(CommandStarted(command))

    def _follow(self, command: Command, *, resumed: bool) -> None:
        assert self.desk is not None
        self.following[command.step] = workers.follow(self, command)
        if command.step == self.current:
            self.query_one(Drawer).begin()
        if resumed:
            self.notify(f"{command.title} is still running; following it again.", markup=False)
        self.show_all()

    def _may_act(self, *, reads: bool = False) -> bool:
        """Whether something may be started from here; `reads`: something that changes nothing."""
        refusal = workers.guarded(self, lambda desk: desk.refusal(reads=reads))
        if refusal:
            self.notify(refusal, severity="warning", markup=False)
        return refusal == ""

    def follow_again(self, command: Command) -> None:
        following = self.following.get(command.step)
        if following is None or following.command.id != command.id:
            self._follow(command, resumed=True)

    def action_interrupt(self) -> None:
        following = self.following.get(self.current)
        if following is None or not following.running:
            self.notify("Nothing runs in this step.", markup=False)
        elif self._may_act(reads=True):
            fix_runner.interrupt(self, following)

    @on(OverrideWanted)
    def _override_wanted(self, intent: OverrideWanted) -> None:
        # Reads: letting the team's lock pass must be possible while it cannot be looked at.
        if not self._may_act(reads=True):
            return

        def decided(reason: str | None) -> None:
            if reason:
                workers.guarded(self, lambda desk: desk.override(intent.finding, reason))
                self.show_all()

        said = Content.assemble(
            Content.styled(intent.finding.summary, "bold"),
            f"\n\nThe rebuild goes on as if {intent.finding.id} were fine. Why may it? The reason goes into the session log.",
        )
        self.app.push_screen(Ask("Override", said), decided)

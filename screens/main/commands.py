"""What is carried out on the operator's behalf: fixes after consent, commands, what is let pass; all of it may be refused."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from textual import on
from textual.content import Content

from checks.finding import Risk
from screens import fix_runner, workers
from screens.dialogs import PromptDialog
from screens.main.locks import LockController
from screens.messages import CleanupApproved, CommandLaunched, CommandRequested, FixRequested, OverrideRequested
from screens.widgets.command_status import StepCommand
from screens.widgets.log_drawer import LogDrawer

if TYPE_CHECKING:
    from ecotui.project import OpenProject
    from ecotui.supervisor import Command


class CommandController(LockController):
    """The frame's part that starts commands and follows them."""

    current_step: str
    """The step that is shown."""

    def __init__(self) -> None:
        super().__init__()
        self.step_commands: dict[str, StepCommand] = {}
        """What runs, by step; at most one command a step."""
        self.interrupted_commands: set[str] = set()
        """Ids of commands that were interrupted once; the next interrupt is forceful."""

    @on(FixRequested)
    def _run_requested_fix(self, message: FixRequested) -> None:
        if self._can_act(read_only=message.fix.risk is Risk.READS):
            fix_runner.run_fix(self, message.finding, message.fix)

    @on(CommandRequested)
    def _run_requested_command(self, message: CommandRequested) -> None:
        if self._can_act():
            self.start_command(lambda desk: desk.start_command(message.step, message.title, message.argv), message.step)

    @on(CleanupApproved)
    def _delete_approved_leftovers(self, message: CleanupApproved) -> None:
        if self._can_act():
            fix_runner.delete_leftovers(self, message.detail, message.keys)

    def start_command(self, launch: Callable[[OpenProject], Command], step: str) -> None:
        """Start a command (`begin` returns it) and follow it; a step runs one at a time."""
        if step in self.step_commands and self.step_commands[step].is_running:
            self.notify("This step already runs a command. Wait for it, or interrupt it (i).", markup=False)
            return
        command = workers.report_errors(self, launch)
        if command is not None:
            self._follow_command(command, resumed=False)
            self.query_one(LogDrawer).add_class("-open")
            self.post_message(CommandLaunched(command))

    def _follow_command(self, command: Command, *, resumed: bool) -> None:
        assert self.project is not None
        self.step_commands[command.step] = workers.follow_command(self, command)
        if command.step == self.current_step:
            self.query_one(LogDrawer).clear_log()
        if resumed:
            self.notify(f"{command.title} is still running; following it again.", markup=False)
        self.refresh_all()

    def _can_act(self, *, read_only: bool = False) -> bool:
        """Whether something may be started from here; `reads`: something that changes nothing."""
        refusal = workers.report_errors(self, lambda desk: desk.write_refusal(read_only=read_only))
        if refusal:
            self.notify(refusal, severity="warning", markup=False)
        return refusal == ""

    def resume_following(self, command: Command) -> None:
        following = self.step_commands.get(command.step)
        if following is None or following.command.id != command.id:
            self._follow_command(command, resumed=True)

    def action_interrupt(self) -> None:
        following = self.step_commands.get(self.current_step)
        if following is None or not following.is_running:
            self.notify("Nothing runs in this step.", markup=False)
        elif self._can_act(read_only=True):
            fix_runner.interrupt_command(self, following)

    @on(OverrideRequested)
    def _ask_override_reason(self, message: OverrideRequested) -> None:
        # Reads: letting the team's lock pass must be possible while it cannot be looked at.
        if not self._can_act(read_only=True):
            return

        def decided(reason: str | None) -> None:
            if reason:
                workers.report_errors(self, lambda desk: desk.override_finding(message.finding, reason))
                self.refresh_all()

        said = Content.assemble(
            Content.styled(message.finding.summary, "bold"),
            f"\n\nThe rebuild goes on as if {message.finding.id} were fine. Why may it? The reason goes into the session log.",
        )
        self.app.push_screen(PromptDialog("Override", said), decided)

"""Starts, follows and interrupts the commands of the steps, for the main screen."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from textual.content import Content

from screens import workers
from screens.dialogs import ConfirmDialog, TypedConfirmDialog
from screens.messages import CommandLaunched
from screens.project_screen import ProjectScreen
from screens.widgets.command_status import StepCommand
from screens.widgets.log_drawer import LogDrawer

if TYPE_CHECKING:
    from ecotui.project import OpenProject
    from ecotui.supervisor import Command


class CommandController:
    """Every command that a screen asks for is started here, after it was checked that this operator may."""

    def __init__(self, screen: ProjectScreen) -> None:
        self.screen = screen
        self.interrupted_ids: set[str] = set()
        """Ids of commands that were interrupted once; the next interrupt is forceful."""

    def can_act(self, *, read_only: bool = False) -> bool:
        """Whether something may be started from here; shows why not. `read_only`: it changes nothing."""
        refusal = self.screen.report_errors(lambda project: project.write_refusal(read_only=read_only))
        if refusal:
            self.screen.notify(refusal, severity="warning", markup=False)
        return refusal == ""

    def start(self, launch: Callable[[OpenProject], Command], step: str) -> None:
        """Start a command (`launch` returns it) and follow it; a step runs one at a time."""
        screen = self.screen
        if step in screen.step_commands and screen.step_commands[step].is_running:
            screen.notify("This step already runs a command. Wait for it, or interrupt it (i).", markup=False)
            return
        command = screen.report_errors(launch)
        if command is not None:
            self._follow(command)
            screen.query_one(LogDrawer).add_class("-open")
            screen.post_message(CommandLaunched(command))

    def resume(self, command: Command) -> None:
        """Follow a command that was started by another ecotui, if it is not followed yet."""
        known = self.screen.step_commands.get(command.step)
        if known is None or known.command.id != command.id:
            self.screen.notify(f"{command.title} is still running; following it again.", markup=False)
            self._follow(command)

    def _follow(self, command: Command) -> None:
        self.screen.step_commands[command.step] = workers.follow_command(self.screen, command)
        if command.step == self.screen.current_step:
            self.screen.query_one(LogDrawer).clear_log()
        self.screen.refresh_rebuild()

    def interrupt(self, step: str) -> None:
        """Ask the command of a step to stop, after confirmation. Asked before: force it, after typed consent."""
        step_command = self.screen.step_commands.get(step)
        if step_command is None or not step_command.is_running:
            self.screen.notify("Nothing runs in this step.", markup=False)
        elif self.can_act(read_only=True):
            if step_command.command.id in self.interrupted_ids:
                self._confirm_force(step_command)
            else:
                self._confirm_interrupt(step_command)

    def _confirm_interrupt(self, step_command: StepCommand) -> None:
        command = step_command.command

        def interrupt(agreed: bool | None) -> None:
            if agreed:
                self.interrupted_ids.add(command.id)
                self.screen.report_errors(lambda project: project.interrupt_command(command))
                self.screen.notify("Asked to stop. It finishes what it has begun; i once more forces it.", markup=False)

        body = Content(f"{command.title} is asked to stop. It finishes what it has begun, and then ends.")
        self.screen.app.push_screen(ConfirmDialog("Interrupt", body), interrupt)

    def _confirm_force(self, step_command: StepCommand) -> None:
        command = step_command.command

        def force(answer: str | None) -> None:
            if answer:
                self.screen.report_errors(lambda project: project.interrupt_command(command, force=True))

        body = Content(
            f"{command.title} was asked to stop and has not ended yet. Forcing it can lose what it was about to write: "
            "terraform may leave a held lock and resources that are in no state."
        )
        self.screen.app.push_screen(TypedConfirmDialog("Force it to stop", body, "force"), force)

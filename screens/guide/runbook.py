"""Walking an entry of the guide: its steps one by one, run, copied or ticked, with the cause checked again at the end."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from textual import on
from textual.binding import Binding, BindingType
from textual.widgets import OptionList

from checks.finding import State, Visit
from checks.steps import BY_ID
from ecotui.guide.cause import Cause, judge
from ecotui.guide.reading.library import Library
from ecotui.guide.runbook.placeholders import known_values, secret
from ecotui.guide.runbook.runbook import steps_of
from ecotui.guide.runbook.step import END, GUIDE, Context, Kind, Step, edited
from ecotui.guide.usage import walked
from ecotui.project import Desk
from ecotui.session import SessionError, events
from screens import workers
from screens.guide import runbook_actions as deeds
from screens.guide.location import Place, Walk
from screens.guide.walk_view import WalkView
from screens.messages import LookWanted
from screens.widgets.command_output import Output
from screens.widgets.endings import ending

BEAT = 0.2
"""Seconds between two looks at what runs: output is followed by the frame, here it is only shown."""


class WalkScreen(WalkView):
    """The steps of one entry. Escape goes back to the guide; `b` to the step's screen, and from there back here."""

    BINDINGS: ClassVar[list[BindingType]] = [
        # Enter is the list's own key, and does the same.
        Binding(
            "f", "go", "Do it", key_display="⏎", tooltip="Run this step; asks first when it changes anything"
        ),
        Binding("space", "tick", "Done", tooltip="Mark this step as done, or not done"),
        Binding("e", "edit", "Edit", tooltip="Edit the command before it runs"),
        Binding("c", "copy", "Copy", tooltip="Copy to your terminal's clipboard (OSC 52)"),
        Binding("w", "write", "File", tooltip="Write it to a file in the session's folder"),
        Binding("r", "check", "Check", tooltip="Look again whether the cause is present"),
        Binding("i", "interrupt", "Stop", tooltip="Ask what runs to stop"),
        Binding("l", "output", "Log", tooltip="Show or hide the output"),
        Binding("b", "step", "Step", tooltip="Go to the step of the rebuild; b there comes back"),
        Binding("v", "language", "한/En", tooltip="The other language"),
        Binding("escape,q", "back", "Back"),
    ]

    def __init__(
        self, desk: Desk, library: Library, walk: Walk, solved: int = 0, *, place: Callable[[Walk], Place]
    ) -> None:
        """`solved`: in how many earlier sessions this entry solved it. `place`: where one is in the guide below."""
        super().__init__(desk, library, walk, solved)
        self._place_below = place
        self._pending: tuple[str, str, str] | None = None
        """Asked for: the step's key, the rebuild's step, and the command that ran there before."""
        self._asking = False
        """A look was asked for, and is under way; then comes the question."""
        self._output_of = ""
        self._ended = ""
        """The command whose end was taken note of."""
        self._seen: object = None

    def on_mount(self) -> None:
        try:
            self.ticks = set(walked(self.desk.session.records()).ticks.get(self.logged, ()))
        except SessionError as trouble:
            self.notify(str(trouble), severity="error", markup=False)
        if not self.walk.started:
            self.walk.started = True
            error = " ".join(self.walk.error.split())[: deeds.ERROR]
            self.log_event(events.EntryWalked(entry=self.logged, error=error))
        if self.walk.ran:
            self._output_of = list(self.walk.ran.values())[-1][0]
        self._fit()
        self.recount()
        if self.walk.scroll:
            self.call_after_refresh(self.query_one("#walk-page").scroll_to, y=self.walk.scroll, animate=False)
        self.set_interval(BEAT, self._beat)

    @property
    def logged(self) -> str:
        """What the session's log calls this entry."""
        return self.library.logged(self.walk.entry)

    # -- what is known -------------------------------------------------------------------------------------------

    @property
    def context(self) -> Context:
        loaded = self.desk.loaded
        reports = self.desk.rebuild.reports
        values = known_values(loaded.settings, loaded.project, reports, self.desk.env())
        return Context(loaded.settings, values, lambda path: (loaded.project / path).exists())

    def recount(self) -> None:
        """The verdict and the steps, from the last looks."""
        rebuild = self.desk.rebuild
        walk = self.walk
        self._seen = (rebuild.reports, rebuild.looking, rebuild.running)
        self.verdict = judge(self.library, walk.entry, rebuild.reports, rebuild.looking, walk.before)
        if self.verdict.cause is Cause.PRESENT:
            walk.present = True
            walk.before |= {finding.id for finding in self.verdict.findings}
        elif self.verdict.cause is Cause.ABSENT and self.walk.present:
            # It worked: what is left is to say so.
            self.walk.present = False
            self.move_to(END)
        if self.verdict.cause is Cause.LOOKING and self.steps:
            # What the check offers is not known for a moment; the list stays as it is.
            self.draw()
            return
        context = self.context
        found = list(steps_of(self.entry, self.verdict, context))
        keys = {step.key for step in found}
        gone = [step for key, step in self.walk.tried.items() if key not in keys]
        for step in gone:
            if step.key not in self.ticks and self.settled(step):
                # The check does not find it any more: this way out worked.
                self.tick(step, done=True)
        self.steps = tuple(
            edited(step, self.walk.edits[step.key], context) if step.key in self.walk.edits else step
            for step in (*gone, *found)
        )
        self.draw()

    def settled(self, step: Step) -> bool:
        if step.finding is None:
            return False
        report = self.desk.rebuild.reports.get(step.finding.step)
        now = [one for one in (report.findings if report else ()) if one.id == step.finding.id]
        return not now or now[0].state in (State.OK, State.SKIPPED)

    @property
    def place(self) -> str:
        """The step of the rebuild that this entry belongs to."""
        step = self.step
        if step is not None and (step.look or step.visit in BY_ID):
            return step.look or step.visit
        return next(iter(self.verdict.steps), self.frame.current) if step is None else self.runs_in(step)

    @on(OptionList.OptionHighlighted, "#walk-steps")
    def _highlighted(self) -> None:
        step = self.step
        if step is not None:
            if step.key != self.walk.cursor:
                self.query_one("#walk-page").scroll_home(animate=False)
            self.walk.cursor = step.key
            self._draw_detail()
            self.refresh_bindings()

    # -- what happens meanwhile ----------------------------------------------------------------------------------

    def _beat(self) -> None:
        """Take up what changed: the looks, and the command that was asked for."""
        rebuild = self.desk.rebuild
        seen = (rebuild.reports, rebuild.looking, rebuild.running)
        if seen != self._seen:
            self.recount()
        self._take_up()
        self._show_output()
        if self._asking and self.verdict.cause is not Cause.LOOKING:
            self._asking = False
            deeds.ask(self)

    def runs_in(self, step: Step) -> str:
        """The step of the rebuild in which a step of the entry runs."""
        if step.finding is not None:
            return step.finding.step
        return next(iter(self.verdict.steps), self.frame.current)

    def _take_up(self) -> None:
        """The command that was asked for has begun: it is this step's."""
        if self._pending is None:
            return
        key, place, before = self._pending
        step = next((one for one in self.steps if one.key == key), None)
        if step is not None and step.setting and step.setting in self.desk.variables:
            self._pending = None
            self.tick(step, done=True)
            self.draw()
            return
        following = self.frame.following.get(place)
        if following is not None and following.command.id != before:
            self._pending = None
            self.walk.ran[key] = (place, following.command.id)
            self._output_of = place
            self.add_class("-output")
            self.draw()

    def _show_output(self) -> None:
        following = self.frame.following.get(self._output_of)
        if following is None:
            return
        self.query_one(Output).show(following)
        if following.running or following.status is None or self._ended == following.command.id:
            return
        self._ended = following.command.id
        state, _word = ending(following.command, following.status)
        ended = next((key for key, (_, ident) in self.walk.ran.items() if ident == self._ended), "")
        step = next((one for one in self.steps if one.key == ended), None)
        if step is not None and state is not State.BLOCKED and step.key not in self.ticks:
            self.tick(step, done=True)
            self._go_on(step)
        self.draw()

    # -- doing ---------------------------------------------------------------------------------------------------

    @on(OptionList.OptionSelected, "#walk-steps")
    def _selected(self) -> None:
        self.action_go()

    def action_go(self) -> None:
        step = self.step
        if step is None:
            return
        if step.kind is Kind.END:
            self.action_judge()
        elif step.kind is Kind.HAND:
            self._by_hand(step)
        elif step.kind in (Kind.SCRIPT, Kind.FILE):
            self.action_copy()
        elif step.missing:
            self.action_edit()
        elif deeds.deletes(step) and self._expect(step) and deeds.delete(self, step):
            pass
        elif step.fix is not None and isinstance(step.fix.action, Visit):
            self.walk.tried[step.key] = step
            self.leave_for(step.fix.action.step, step.fix.action.select)
        elif step.setting and not secret(step.setting):
            deeds.set_variable(self, step)
        else:
            self._expect(step)
            deeds.run(self, step, self.runs_in(step))

    def _expect(self, step: Step) -> bool:
        """The next command that the frame starts where this step runs will be this step's."""
        place = self.runs_in(step)
        running = self.frame.following.get(place)
        self._pending = (step.key, place, running.command.id if running is not None else "")
        return True

    def _by_hand(self, step: Step) -> None:
        if not step.look and not step.visit:
            self.action_tick()
            return
        self.tick(step, done=True)
        if step.look:
            self.frame.post_message(LookWanted((step.look,)))
            self.draw()
        elif step.visit == GUIDE:
            self.dismiss("search")
        else:
            self.leave_for(step.visit)

    def leave_for(self, step: str, select: tuple[str, ...] = ()) -> None:
        """Go to a step's screen; the frame's `b` comes back to where one was, here and in the guide below."""
        self.walk.scroll = self.query_one("#walk-page").scroll_y
        self.frame.leave_guide(self._place_below(self.walk), step, select)

    def action_step(self) -> None:
        self.leave_for(self.place)

    def may_act(self) -> bool:
        refusal = workers.guarded(self.frame, lambda desk: desk.refusal())
        if refusal:
            self.notify(refusal, severity="warning", markup=False)
        return refusal == ""

    def log_event(self, event: events.Event) -> None:
        if not self.desk.watching:
            workers.guarded(self.frame, lambda desk: desk.session.append(event))

    def tick(self, step: Step, *, done: bool) -> None:
        (self.ticks.add if done else self.ticks.discard)(step.key)
        title = step.title.split("\n")[0][:120]
        self.log_event(events.StepTicked(entry=self.logged, step=step.key, done=done, title=title))

    def action_tick(self) -> None:
        step = self.step
        if step is None or step.kind is Kind.END:
            return
        done = step.key not in self.ticks
        self.tick(step, done=done)
        if done:
            self._go_on(step)
        self.draw()

    def _go_on(self, step: Step) -> None:
        """The cursor goes from what is done to what comes next."""
        keys = [one.key for one in self.steps]
        if self.walk.cursor in ("", step.key) and step.key in keys:
            self.move_to(keys[min(keys.index(step.key) + 1, len(keys) - 1)])

    def action_edit(self) -> None:
        if (step := self.step) and self.check_action("edit", ()):
            deeds.edit(self, step)

    def action_copy(self) -> None:
        if (step := self.step) and step.text:
            deeds.copy(self, step)

    def action_write(self) -> None:
        if (step := self.step) and step.text and self.may_act():
            deeds.write(self, step)

    def action_check(self) -> None:
        self.frame.post_message(LookWanted(self.verdict.steps or (self.frame.current,)))

    def action_output(self) -> None:
        self.toggle_class("-output")

    def action_interrupt(self) -> None:
        from screens import fix_runner

        following = self.frame.following.get(self._output_of)
        if following is not None and following.running and self.may_act():
            fix_runner.interrupt(self.frame, following)

    def action_language(self) -> None:
        other = "en" if self.walk.language == "ko" else "ko"
        if self.library.in_language(self.walk.entry, other) is None:
            self.notify("This entry has no text in the other language.", markup=False)
            return
        self.walk.language = other
        self.entry = self.find_entry()
        self.recount()

    def action_back(self) -> None:
        self.dismiss(None)

    # -- the end -------------------------------------------------------------------------------------------------

    def action_judge(self) -> None:
        """Look again, then ask."""
        if not self.verdict.steps:
            deeds.ask(self)
            return
        self.frame.post_message(LookWanted(self.verdict.steps))
        # The frame takes its messages in order: behind the wish, the look is under way.
        self.frame.call_later(self._look_begun)

    def _look_begun(self) -> None:
        self._asking = True
        self.recount()

    def judged(self, solved: bool) -> None:
        """The operator has answered."""
        if solved:
            self.solved += 1
            self.tick(self.steps[-1], done=True)
            self.draw()
        entry, response = self.walk.entry, self.library.response
        way_on = f" {response} is the way on." if response not in ("", entry) else ""
        self.notify(
            f"Noted: {entry} solved it. It comes first the next time."
            if solved
            else f"Noted: {entry} did not solve it.{way_on}",
            markup=False,
        )

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if not self.is_mounted:
            return True
        step = self.step
        if action == "edit":
            return (
                step is not None and step.kind is Kind.COMMAND and not step.stdin_secret and not step.setting
            )
        if action in ("copy", "write"):
            return step is not None and bool(step.text)
        if action == "tick":
            return step is not None and step.kind is not Kind.END
        if action == "output":
            return bool(self._output_of)
        if action == "interrupt":
            following = self.frame.following.get(self._output_of)
            return following is not None and following.running
        return True

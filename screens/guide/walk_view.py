"""What a walk looks like: error, verdict, steps, the chosen step in full, and the output below."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.containers import Horizontal, VerticalScroll
from textual.content import Content
from textual.screen import Screen
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from checks.finding import CheckState
from ecotui.guide.cause import CauseCheck, CauseState
from ecotui.guide.reading.document import Entry
from ecotui.guide.reading.library import GuideLibrary
from ecotui.guide.runbook.step import RunbookStep
from ecotui.project import OpenProject
from screens.frame import MainScreenProtocol, main_screen
from screens.guide.location import RunbookPosition
from screens.guide.runbook_rendering import render_cause_check, render_error, render_step, render_step_row, step_heading
from screens.widgets.command_output import CommandOutputView
from screens.widgets.endings import describe_command_end
from screens.widgets.footer import KeyFooter


class RunbookScreenBase(Screen[str | None]):
    """Draws a walk; what the keys do is the subclass's."""

    CSS_PATH = "runbook.tcss"
    AUTO_FOCUS = "#runbook-steps"

    def __init__(
        self, project: OpenProject, library: GuideLibrary, position: RunbookPosition, solved_count: int = 0
    ) -> None:
        super().__init__()
        self.project = project
        self.library = library
        self.position = position
        self.solved_count = solved_count
        """In how many earlier sessions this entry solved it."""
        self.steps: tuple[RunbookStep, ...] = ()
        self.verdict = CauseCheck(CauseState.NOT_CHECKED)
        self.done_steps: set[str] = set()
        self.entry: Entry = self.find_entry()
        self._row_steps: list[RunbookStep | None] = []
        """What each option is: a step, or None for a heading."""
        self._drawn_rows: list[str] = []

    def find_entry(self) -> Entry:
        found = self.library.entry_in_language(self.position.entry, self.position.language)
        entry = found or self.library.find_entry(self.position.entry)
        assert entry is not None
        return entry

    @property
    def main_screen(self) -> MainScreenProtocol:
        return main_screen(self)

    def compose(self) -> ComposeResult:
        yield Static(id="runbook-title")
        yield Static(id="runbook-error")
        yield Static(id="runbook-cause")
        with Horizontal(id="runbook-body"):
            yield OptionList(id="runbook-steps", markup=False)
            with VerticalScroll(id="runbook-step"):
                yield Static(id="runbook-detail")
        yield CommandOutputView(id="runbook-output")
        yield KeyFooter(compact=True, show_command_palette=False)

    def on_resize(self) -> None:
        self._set_size_classes()
        self.refresh_all()

    def _set_size_classes(self) -> None:
        width, height = self.app.size
        self.set_class(width < 100, "-narrow")
        self.set_class(height < 30, "-low")

    @property
    def selected_step(self) -> RunbookStep | None:
        """The step under the cursor."""
        index = self.query_one("#runbook-steps", OptionList).highlighted
        return self._row_steps[index] if index is not None and index < len(self._row_steps) else None

    def refresh_all(self) -> None:
        if not self.is_mounted:
            return
        width = self.app.size.width - 2
        narrow = self.has_class("-narrow")
        solved = f"  ✓ solved it {self.solved_count}×" if self.solved_count else ""
        self.query_one("#runbook-title", Static).update(
            Content.assemble(
                Content.styled("Guide ", "bold $text-accent"),
                Content.styled(f"{self.entry.id} {self.entry.title}", "bold"),
                Content.styled(solved, "$text-success"),
            )
        )
        error = self.query_one("#runbook-error", Static)
        error.update(render_error(self.position.error, width, 1 if self.has_class("-low") else 2))
        error.display = bool(self.position.error.strip())
        self.query_one("#runbook-cause", Static).update(render_cause_check(self.verdict, self.position.language, width))
        self._draw_steps(width if narrow else max(width * 45 // 100, 30))
        self._draw_detail()
        self.refresh_bindings()

    def _draw_steps(self, width: int) -> None:
        options = self.query_one("#runbook-steps", OptionList)
        rows: list[RunbookStep | None] = []
        made: list[Option] = []
        way = None
        for number, step in enumerate(self.steps, 1):
            heading = step_heading(step, self.position.language)
            if heading != way and heading:
                rows.append(None)
                made.append(Option(Content.styled(heading, "bold $text-primary"), disabled=True))
            way = heading
            rows.append(step)
            made.append(Option(render_step_row(step, number, self._step_icon(step), self.position.language, width - 3)))
        drawn = [str(option.prompt) for option in made]
        if drawn != self._drawn_rows:
            self._drawn_rows = drawn
            self._row_steps = rows
            with self.prevent(OptionList.OptionHighlighted):
                options.clear_options()
                options.add_options(made)
                options.highlighted = self._option_index(self.position.selected_step)
        self._row_steps = rows

    def select_step(self, key: str) -> None:
        """Put the cursor on a step with the next drawing."""
        self.position.selected_step = key
        self._drawn_rows = []

    def _option_index(self, key: str) -> int | None:
        """The option of a step; of the first that is not done when there is no such step."""
        places = {step.key: index for index, step in enumerate(self._row_steps) if step is not None}
        if key in places:
            return places[key]
        open_steps = [index for step, index in places.items() if step not in self.done_steps]
        return next(iter(open_steps), next(iter(places.values()), None))

    def _step_icon(self, step: RunbookStep) -> str:
        place, command = self.position.started_commands.get(step.key, ("", ""))
        following = self.main_screen.step_commands.get(place)
        if following is not None and following.command.id == command:
            if following.is_running:
                return "▶"
            if following.status and describe_command_end(following.command, following.status)[0] is CheckState.BLOCKED:
                return "✗"
        return "✓" if step.key in self.done_steps else "○"

    def _draw_detail(self) -> None:
        step = self.selected_step
        if step is None:
            return
        page = self.query_one("#runbook-step")
        width = max(page.size.width - 4, 20) if page.size.width else self.app.size.width - 6
        corrections = self.library.corrections_for(self.position.entry, self.position.language)
        self.query_one("#runbook-detail", Static).update(
            render_step(
                step,
                self.position.language,
                width,
                verdict=self.verdict,
                reports=self.project.rebuild.reports,
                corrections=corrections,
                entry=self.entry,
            )
        )

"""What a walk looks like: error, verdict, steps, the chosen step in full, and the output below."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.containers import Horizontal, VerticalScroll
from textual.content import Content
from textual.screen import Screen
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from checks.finding import State
from ecotui.guide.cause import Cause, Verdict
from ecotui.guide.reading.document import Entry
from ecotui.guide.reading.library import Library
from ecotui.guide.runbook.step import Step
from ecotui.project import Desk
from screens.frame import Frame, frame_below
from screens.guide.location import Walk
from screens.guide.runbook_rendering import detail, error_lines, heading_of, row, verdict_line
from screens.widgets.command_output import Output
from screens.widgets.endings import ending
from screens.widgets.footer import KeyBar


class WalkView(Screen[str | None]):
    """Draws a walk; what the keys do is the subclass's."""

    CSS_PATH = "runbook.tcss"
    AUTO_FOCUS = "#walk-steps"

    def __init__(self, desk: Desk, library: Library, walk: Walk, solved: int = 0) -> None:
        super().__init__()
        self.desk = desk
        self.library = library
        self.walk = walk
        self.solved = solved
        """In how many earlier sessions this entry solved it."""
        self.steps: tuple[Step, ...] = ()
        self.verdict = Verdict(Cause.NOT_LOOKED)
        self.ticks: set[str] = set()
        self.entry: Entry = self.find_entry()
        self._rows: list[Step | None] = []
        """What each option is: a step, or None for a heading."""
        self._drawn: list[str] = []

    def find_entry(self) -> Entry:
        found = self.library.in_language(self.walk.entry, self.walk.language)
        entry = found or self.library.entry(self.walk.entry)
        assert entry is not None
        return entry

    @property
    def frame(self) -> Frame:
        return frame_below(self)

    def compose(self) -> ComposeResult:
        yield Static(id="walk-title")
        yield Static(id="walk-error")
        yield Static(id="walk-verdict")
        with Horizontal(id="walk-work"):
            yield OptionList(id="walk-steps", markup=False)
            with VerticalScroll(id="walk-page"):
                yield Static(id="walk-detail")
        yield Output(id="walk-output")
        yield KeyBar(compact=True, show_command_palette=False)

    def on_resize(self) -> None:
        self._fit()
        self.draw()

    def _fit(self) -> None:
        width, height = self.app.size
        self.set_class(width < 100, "-narrow")
        self.set_class(height < 30, "-low")

    @property
    def step(self) -> Step | None:
        """The step under the cursor."""
        index = self.query_one("#walk-steps", OptionList).highlighted
        return self._rows[index] if index is not None and index < len(self._rows) else None

    def draw(self) -> None:
        if not self.is_mounted:
            return
        width = self.app.size.width - 2
        narrow = self.has_class("-narrow")
        solved = f"  ✓ solved it {self.solved}×" if self.solved else ""
        self.query_one("#walk-title", Static).update(
            Content.assemble(
                Content.styled("Guide ", "bold $text-accent"),
                Content.styled(f"{self.entry.id} {self.entry.title}", "bold"),
                Content.styled(solved, "$text-success"),
            )
        )
        error = self.query_one("#walk-error", Static)
        error.update(error_lines(self.walk.error, width, 1 if self.has_class("-low") else 2))
        error.display = bool(self.walk.error.strip())
        self.query_one("#walk-verdict", Static).update(verdict_line(self.verdict, self.walk.language, width))
        self._draw_steps(width if narrow else max(width * 45 // 100, 30))
        self._draw_detail()
        self.refresh_bindings()

    def _draw_steps(self, width: int) -> None:
        options = self.query_one("#walk-steps", OptionList)
        rows: list[Step | None] = []
        made: list[Option] = []
        way = None
        for number, step in enumerate(self.steps, 1):
            heading = heading_of(step, self.walk.language)
            if heading != way and heading:
                rows.append(None)
                made.append(Option(Content.styled(heading, "bold $text-primary"), disabled=True))
            way = heading
            rows.append(step)
            made.append(Option(row(step, number, self._mark(step), self.walk.language, width - 3)))
        drawn = [str(option.prompt) for option in made]
        if drawn != self._drawn:
            self._drawn = drawn
            self._rows = rows
            with self.prevent(OptionList.OptionHighlighted):
                options.clear_options()
                options.add_options(made)
                options.highlighted = self._at(self.walk.cursor)
        self._rows = rows

    def move_to(self, key: str) -> None:
        """Put the cursor on a step with the next drawing."""
        self.walk.cursor = key
        self._drawn = []

    def _at(self, key: str) -> int | None:
        """The option of a step; of the first that is not done when there is no such step."""
        places = {step.key: index for index, step in enumerate(self._rows) if step is not None}
        if key in places:
            return places[key]
        open_steps = [index for step, index in places.items() if step not in self.ticks]
        return next(iter(open_steps), next(iter(places.values()), None))

    def _mark(self, step: Step) -> str:
        place, command = self.walk.ran.get(step.key, ("", ""))
        following = self.frame.following.get(place)
        if following is not None and following.command.id == command:
            if following.running:
                return "▶"
            if following.status and ending(following.command, following.status)[0] is State.BLOCKED:
                return "✗"
        return "✓" if step.key in self.ticks else "○"

    def _draw_detail(self) -> None:
        step = self.step
        if step is None:
            return
        page = self.query_one("#walk-page")
        width = max(page.size.width - 4, 20) if page.size.width else self.app.size.width - 6
        corrections = self.library.corrections(self.walk.entry, self.walk.language)
        self.query_one("#walk-detail", Static).update(
            detail(
                step,
                self.walk.language,
                width,
                verdict=self.verdict,
                reports=self.desk.rebuild.reports,
                corrections=corrections,
                entry=self.entry,
            )
        )

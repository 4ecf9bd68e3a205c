"""A session played again: the same list of steps and the same panels, driven from the log, and the outputs as they came."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.message import Message
from textual.widgets import ContentSwitcher, Log, Static

from checks.duration import stopwatch
from checks.steps import NUMBERS, STEPS
from ecotui.history.asciicast import Speech
from ecotui.history.replay import Beat, Playhead, Tape
from ecotui.rebuild_progress import Rebuild
from ecotui.session import SessionError
from ecotui.session.log import Session
from ecotui.session.readable import readable
from screens.dialogs import Ask
from screens.sessions.base import PastScreen
from screens.sessions.event_rendering import line
from screens.steps import panel_of
from screens.steps.panel import StepPanel
from screens.widgets.footer import KeyBar
from screens.widgets.step_list import StepList

BEAT = 0.1
"""Seconds between two pictures: what a person perceives as flowing."""
HOP = 5.0
"""Seconds of the tape that ← and → go."""
LINES = 2_000
"""Lines of an output that are kept in sight."""
LONGEST = 4_000


class ReplayScreen(PastScreen):
    """Begins to play at once. Nothing can be changed from here: the panels only show."""

    CSS_PATH = "replay.tcss"
    AUTO_FOCUS = None
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("space", "play", "Play"),
        Binding("plus,equals_sign", "speed(1)", "Faster", key_display="+"),
        Binding("minus", "speed(-1)", "Slower", key_display="-"),
        Binding("left", "hop(-1)", "5 s", key_display="←", priority=True, tooltip="Back 5 seconds"),
        Binding("right", "hop(1)", "5 s", key_display="→", priority=True, tooltip="On 5 seconds"),
        Binding("comma", "event(-1)", "Event", key_display=",", tooltip="To the event before"),
        Binding("full_stop", "event(1)", "Event", key_display=".", tooltip="To the event after"),
        Binding("escape,q", "dismiss(None)", "Back"),
        Binding("home", "go(0)", "To the beginning", show=False, priority=True),
        Binding("end", "go(-1)", "To the end", show=False, priority=True),
        *(Binding(str(number), f"step('{step.id}')", show=False) for number, step in enumerate(STEPS, 1)),
        Binding("a", "ask", "Go to…", tooltip="Go to a step, to 14:03, to 5m from the beginning, to 50%"),
        Binding("l", "tall", "Log", tooltip="More room for the output"),
    ]

    MORE = ((NUMBERS, "to where a step begins to be worked on"),)

    class Ready(Message):
        """The log is read."""

        def __init__(self, tape: Tape) -> None:
            super().__init__()
            self.tape = tape

    def __init__(
        self, session: Session, *, at: float | None = None, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """`at`: begin at this moment (seconds since the epoch)."""
        super().__init__()
        self.session = session
        self.tape: Tape | None = None
        self.head = Playhead(0.0, clock)
        self._at = at
        self._clock = clock
        self._step = ""
        self._shown: object = None
        self._rebuild: Rebuild | None = None
        """Where the steps stand at what is shown."""
        self._speaking = ""
        self._speech: Speech | None = None
        self._heard = 0

    def compose(self) -> ComposeResult:
        yield Static(classes="head")
        with Horizontal(classes="work"):
            yield StepList(hint=f"1-{len(STEPS)} to a step")
            with Vertical(classes="main"):
                yield ContentSwitcher(classes="panels")
                yield Static(classes="now")
                yield Log(max_lines=LINES, classes="said")
        yield Static(classes="tape")
        yield KeyBar(compact=True, show_command_palette=False)

    def on_mount(self) -> None:
        self._fit()
        log = self.query_one(Log)
        log.can_focus = False
        self._title("reading the log…")
        self._read()
        self.set_interval(BEAT, self._beat)

    def on_resize(self) -> None:
        self._fit()
        self._show()

    def _fit(self) -> None:
        narrow = self.app.size.width < 100
        self.query_one(StepList).strip = narrow
        self.set_class(narrow, "-narrow")

    def _title(self, said: str) -> None:
        head = Content.styled("Replay", "bold $text-accent")
        self.query_one(".head", Static).update(Content.assemble(head, f"  {self.session.id}  {said}"))

    @work(thread=True, exclusive=True, group="tape", name="read the log", exit_on_error=False)
    def _read(self) -> None:
        try:
            self.post_message(self.Ready(Tape(self.session)))
        except SessionError as error:
            self.app.call_from_thread(self._title, str(error))

    @on(Ready)
    def _ready(self, news: Ready) -> None:
        self.tape = tape = news.tape
        self.head = Playhead(tape.length, self._clock)
        said = f"{stopwatch(tape.length)} at 1x"
        if tape.cuts:
            said += f", {stopwatch(tape.shortened)} of silence left out"
        if any(not one.timed for one in tape.spoken.values()):
            said += "; some outputs spread evenly, their times are not known"
        self._title(said)
        if self._at is not None:
            self.head.seek(tape.played(self._at))
        self.head.play()
        self._show()

    # -- playing -------------------------------------------------------------------------------------------------

    def _beat(self) -> None:
        if self.tape is not None and self.head.playing and self.is_current:
            self._show()

    def _show(self) -> None:
        """Everything is derived from the place of the tape."""
        if self.tape is not None:
            try:
                self._show_place(self.tape)
            except SessionError as error:  # the log is read by pages, and may have gone
                self.head.pause()
                self._title(str(error))

    def _show_place(self, tape: Tape) -> None:
        place = self.head.place
        self._show_tape(place)
        count = tape.happened(place)
        self._rebuild = rebuild = tape.rebuild(place)
        if count != self._shown:
            self._shown = count
            moment = tape.moments[count - 1] if count else None
            if moment is not None:
                self.query_one(".now", Static).update(line(moment))
                if moment.step and moment.step != self._step:
                    self._step = moment.step
            steps = self.query_one(StepList)
            steps.current = self._step or STEPS[0].id
            steps.rebuild = rebuild
            self.call_next(self._show_panel)
        self._show_output(place)

    async def _show_panel(self) -> None:
        step = self._step or STEPS[0].id
        switcher = self.query_one(ContentSwitcher)
        name = f"step-{step}"
        if not switcher.query(f"#{name}"):
            made = panel_of(step)
            await switcher.add_content(made, id=name)
            for widget in made.query("*"):
                widget.can_focus = False
        switcher.current = name
        self._fill_panel(name)
        # Lines are broken to the panel's width, which it has only after it was laid out.
        self.call_after_refresh(self._fill_panel, name)

    def _fill_panel(self, name: str) -> None:
        if self._rebuild is not None:
            for panel in self.query(f"#{name}").results(StepPanel):
                panel.show(self._rebuild)

    def _show_output(self, place: float) -> None:
        assert self.tape is not None
        spoken = self.tape.speaking(place)
        log = self.query_one(Log)
        command = spoken.command if spoken is not None else ""
        until = spoken.written.until(self.tape.real(place)) if spoken is not None else 0
        if command != self._speaking or until < self._heard:
            log.clear()
            self._speaking, self._heard, self._speech = command, 0, None
        if spoken is None or until <= self._heard:
            return
        if self._speech is None:
            # What was said long before is not read: only its end can be in sight.
            self._speech = Speech(self.tape, command, since=max(until - 200_000, 0))
        lines = self._speech.until(Beat(place, 0.0, None, command, self._heard, until))
        self._heard = until
        log.write_lines([readable(one)[:LONGEST] for one in lines[-LINES:]])

    def _show_tape(self, place: float) -> None:
        assert self.tape is not None
        at = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(self.tape.real(place)))
        mark = "▶" if self.head.playing else "‖"
        ends = f" {stopwatch(place)} / {stopwatch(self.head.length)}"
        cut = self.tape.cut(place)
        silence = f"  {stopwatch(cut.seconds)} of silence, shortened" if cut is not None else ""
        front = f"{mark} {self.head.speed}x  {at}  "
        room = max(self.app.size.width - len(front) - len(ends) - 30, 10)
        full = round(place / self.head.length * room) if self.head.length else room
        self.query_one(".tape", Static).update(
            Content.assemble(
                Content.styled(front, "bold $text-accent"),
                Content.styled("━" * full, "$text-accent"),
                Content.styled("─" * (room - full), "$foreground 30%"),
                ends,
                Content.styled(silence, "$text-warning"),
            )
        )

    # -- keys ----------------------------------------------------------------------------------------------------

    def action_play(self) -> None:
        if self.head.playing:
            self.head.pause()
        else:
            self.head.play()
        self._show()

    def action_speed(self, by: int) -> None:
        self.head.faster(by)
        self._show()

    def _seek(self, place: float) -> None:
        self.head.seek(place)
        self._shown = None
        self._show()

    def action_hop(self, by: int) -> None:
        self._seek(self.head.place + by * HOP)

    def action_go(self, place: int) -> None:
        self._seek(0.0 if place == 0 else self.head.length)

    def action_event(self, by: int) -> None:
        """To the event before or after; playing stops there, as one wants to read it."""
        if self.tape is None or not self.tape.moments:
            return
        self.head.pause()
        count = self.tape.happened(self.head.place)
        index = max(0, min(count - 1 + by, len(self.tape.moments) - 1))
        self._seek(self.tape.place(index))

    def action_step(self, step: str) -> None:
        self._find(step)

    def action_ask(self) -> None:
        said = Content(
            "A step (quota), a time (14:03), so far from the beginning (5m, 90s), or a share (50%)."
        )
        self.app.push_screen(Ask("Go to", said), lambda text: self._find(text) if text else None)

    def _find(self, text: str) -> None:
        if self.tape is None:
            return
        try:
            self._seek(self.tape.find(text))
        except ValueError as error:
            self.notify(str(error), markup=False)

    def action_tall(self) -> None:
        self.toggle_class("-tall")

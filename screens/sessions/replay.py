"""A session played again: its list of steps and its panels, driven by the log, and the outputs as they came."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.message import Message
from textual.widgets import ContentSwitcher, Log, Static

from checks.duration import format_stopwatch
from checks.steps import STEPS
from ecotui.history.replay import OutputReader, Playhead, Recording, ReplayEvent
from ecotui.rebuild_progress import RebuildProgress
from ecotui.session import SessionError
from ecotui.session.command_text import message_text
from ecotui.session.log import Session
from screens.actions import bindings
from screens.dialogs import PromptDialog
from screens.sessions.base import SessionScreenBase
from screens.sessions.event_rendering import render_event
from screens.steps import create_panel
from screens.steps.panel import StepPanel
from screens.widgets.footer import KeyFooter
from screens.widgets.step_list import StepList

FRAME_SECONDS = 0.1
"""Seconds between two frames: what a person perceives as smooth."""
SKIP_SECONDS = 5.0
"""Seconds that ← and → skip."""
MAX_OUTPUT_LINES = 2_000
"""Lines of an output that are shown."""
MAX_LINE_CHARS = 4_000


class ReplayScreen(SessionScreenBase):
    """Plays at once. Nothing can be changed here: the panels only show."""

    CSS_PATH = "replay.tcss"
    AUTO_FOCUS = None
    BINDINGS: ClassVar[list[BindingType]] = bindings("replay")
    KEY_PLACES = ("replay",)

    class RecordingLoaded(Message):
        """The log was read."""

        def __init__(self, recording: Recording) -> None:
            super().__init__()
            self.recording = recording

    def __init__(
        self, session: Session, *, start_at: float | None = None, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """`start_at`: seconds since the epoch."""
        super().__init__()
        self.session = session
        self.recording: Recording | None = None
        self.playhead = Playhead(0.0, clock)
        self._start_at = start_at
        self._clock = clock
        self._shown_step = ""
        self._shown_event_count: object = None
        self._rebuild: RebuildProgress | None = None
        """The progress of the steps at the position."""
        self._output_command = ""
        self._output_reader: OutputReader | None = None
        self._output_offset = 0

    def compose(self) -> ComposeResult:
        yield Static(classes="header")
        with Horizontal(classes="work"):
            yield StepList(hint=f"1-{len(STEPS)} to a step")
            with Vertical(classes="main"):
                yield ContentSwitcher(classes="panels")
                yield Static(classes="current-event")
                yield Log(max_lines=MAX_OUTPUT_LINES, classes="output")
        yield Static(classes="position")
        yield KeyFooter(compact=True, show_command_palette=False)

    def on_mount(self) -> None:
        self._set_size_classes()
        log = self.query_one(Log)
        log.can_focus = False
        self._show_title("reading the log…")
        self._load_recording()
        self.set_interval(FRAME_SECONDS, self._draw_frame)

    def on_resize(self) -> None:
        self._set_size_classes()
        self._refresh_all()

    def _set_size_classes(self) -> None:
        narrow = self.app.size.width < 100
        self.query_one(StepList).is_strip = narrow
        self.set_class(narrow, "-narrow")

    def _show_title(self, text: str) -> None:
        head = Content.styled("Replay", "bold $text-accent")
        self.query_one(".header", Static).update(Content.assemble(head, f"  {self.session.id}  {text}"))

    @work(thread=True, exclusive=True, group="tape", name="read the log", exit_on_error=False)
    def _load_recording(self) -> None:
        try:
            self.post_message(self.RecordingLoaded(Recording(self.session)))
        except SessionError as error:
            self.app.call_from_thread(self._show_title, str(error))

    @on(RecordingLoaded)
    def _start_playing(self, message: RecordingLoaded) -> None:
        self.recording = recording = message.recording
        self.playhead = Playhead(recording.duration, self._clock)
        title = f"{format_stopwatch(recording.duration)} at 1x"
        if recording.pauses:
            title += f", {format_stopwatch(recording.skipped_seconds)} of pauses left out"
        if any(not command.has_output_times for command in recording.commands.values()):
            title += "; the times of some outputs are not known, and are spread evenly"
        self._show_title(title)
        if self._start_at is not None:
            self.playhead.seek(recording.position_of(self._start_at))
        self.playhead.play()
        self._refresh_all()

    # -- playing -------------------------------------------------------------------------------------------------

    def _draw_frame(self) -> None:
        if self.recording is not None and self.playhead.is_playing and self.is_current:
            self._refresh_all()

    def _refresh_all(self) -> None:
        """Everything that is shown is derived from the position."""
        if self.recording is not None:
            try:
                self._show_position(self.recording)
            except SessionError as error:  # the log is read by pages, and may have gone
                self.playhead.pause()
                self._show_title(str(error))

    def _show_position(self, recording: Recording) -> None:
        position = self.playhead.position
        self._show_progress_bar(position)
        count = recording.count_entries_until(position)
        self._rebuild = rebuild = recording.progress_at(position)
        if count != self._shown_event_count:
            self._shown_event_count = count
            entry = recording.entries[count - 1] if count else None
            if entry is not None:
                self.query_one(".current-event", Static).update(render_event(entry))
                if entry.step and entry.step != self._shown_step:
                    self._shown_step = entry.step
            steps = self.query_one(StepList)
            steps.current_step = self._shown_step or STEPS[0].id
            steps.rebuild = rebuild
            self.call_next(self._show_panel)
        self._show_output(position)

    async def _show_panel(self) -> None:
        step = self._shown_step or STEPS[0].id
        switcher = self.query_one(ContentSwitcher)
        name = f"step-{step}"
        if not switcher.query(f"#{name}"):
            panel = create_panel(step)
            await switcher.add_content(panel, id=name)
            for widget in panel.query("*"):
                widget.can_focus = False
        switcher.current = name
        self._fill_panel(name)
        # Lines are broken to the panel's width, which it has only after it was laid out.
        self.call_after_refresh(self._fill_panel, name)

    def _fill_panel(self, name: str) -> None:
        if self._rebuild is not None:
            for panel in self.query(f"#{name}").results(StepPanel):
                panel.rebuild = self._rebuild

    def _show_output(self, position: float) -> None:
        assert self.recording is not None
        recorded = self.recording.command_at(position)
        log = self.query_one(Log)
        command = recorded.command if recorded is not None else ""
        end_byte = recorded.output_times.size_at(self.recording.timestamp_at(position)) if recorded is not None else 0
        if command != self._output_command or end_byte < self._output_offset:
            log.clear()
            self._output_command, self._output_offset, self._output_reader = command, 0, None
        if recorded is None or end_byte <= self._output_offset:
            return
        if self._output_reader is None:
            # Earlier output is not read: only its end is visible.
            self._output_reader = OutputReader(self.recording, command, start_byte=max(end_byte - 200_000, 0))
        lines = self._output_reader.read_until(ReplayEvent(position, 0.0, None, command, self._output_offset, end_byte))
        self._output_offset = end_byte
        log.write_lines([message_text(line)[:MAX_LINE_CHARS] for line in lines[-MAX_OUTPUT_LINES:]])

    def _show_progress_bar(self, position: float) -> None:
        assert self.recording is not None
        clock = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(self.recording.timestamp_at(position)))
        icon = "▶" if self.playhead.is_playing else "‖"
        times = f" {format_stopwatch(position)} / {format_stopwatch(self.playhead.duration)}"
        pause = self.recording.pause_at(position)
        paused = f"  {format_stopwatch(pause.seconds)} pause, shortened" if pause is not None else ""
        prefix = f"{icon} {self.playhead.speed}x  {clock}  "
        bar_width = max(self.app.size.width - len(prefix) - len(times) - 30, 10)
        filled = round(position / self.playhead.duration * bar_width) if self.playhead.duration else bar_width
        self.query_one(".position", Static).update(
            Content.assemble(
                Content.styled(prefix, "bold $text-accent"),
                Content.styled("━" * filled, "$text-accent"),
                Content.styled("─" * (bar_width - filled), "$foreground 30%"),
                times,
                Content.styled(paused, "$text-warning"),
            )
        )

    # -- keys ----------------------------------------------------------------------------------------------------

    def action_toggle_play(self) -> None:
        if self.playhead.is_playing:
            self.playhead.pause()
        else:
            self.playhead.play()
        self._refresh_all()

    def action_speed(self, by: int) -> None:
        self.playhead.change_speed(by)
        self._refresh_all()

    def _seek(self, position: float) -> None:
        self.playhead.seek(position)
        self._shown_event_count = None
        self._refresh_all()

    def action_skip(self, by: int) -> None:
        self._seek(self.playhead.position + by * SKIP_SECONDS)

    def action_seek(self, position: int) -> None:
        self._seek(0.0 if position == 0 else self.playhead.duration)

    def action_skip_event(self, by: int) -> None:
        """Skip to the event before or after, and pause there, to read it."""
        if self.recording is None or not self.recording.entries:
            return
        self.playhead.pause()
        count = self.recording.count_entries_until(self.playhead.position)
        index = max(0, min(count - 1 + by, len(self.recording.entries) - 1))
        self._seek(self.recording.entry_position(index))

    def action_seek_step(self, step: str) -> None:
        self._seek_to_text(step)

    def action_prompt_position(self) -> None:
        hint = Content("A step (quota), a time (14:03), a time from the start (5m, 90s), or a percentage (50%).")
        self.app.push_screen(PromptDialog("Go to", hint), lambda text: self._seek_to_text(text) if text else None)

    def _seek_to_text(self, text: str) -> None:
        if self.recording is None:
            return
        try:
            self._seek(self.recording.parse_position(text))
        except ValueError as error:
            self.notify(str(error), markup=False)

    def action_enlarge_log(self) -> None:
        self.toggle_class("-tall")

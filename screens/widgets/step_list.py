"""The steps at the side; at narrow widths, a strip on top."""

from __future__ import annotations

from textual import events
from textual.content import Content
from textual.message import Message
from textual.reactive import reactive
from textual.widget import Widget

from checks.finding import CheckState
from checks.steps import STEPS
from ecotui.rebuild_progress import RebuildProgress
from screens.style.icons import state_icon, state_style
from screens.style.themes import MUTED

LIST_WIDTH = 26
"""Cells that the list takes at the side: the longest title with its number, sign and state."""


class StepList(Widget):
    """All steps with sign, number, title and state; the current one is marked."""

    DEFAULT_CSS = """
    StepList { width: 26; height: 1fr; padding: 1 1 0 1; background: $surface; }
    StepList.-strip { width: 1fr; height: 1; padding: 0 1; }
    """

    rebuild: reactive[RebuildProgress] = reactive(RebuildProgress(), always_update=True)
    current_step: reactive[str] = reactive(STEPS[0].id)
    is_strip: reactive[bool] = reactive(False, layout=True)

    def __init__(self, *, hint: str = f"1-{len(STEPS)} step  n next step") -> None:
        super().__init__()
        self._hint = hint

    class StepSelected(Message):
        def __init__(self, step: str) -> None:
            self.step = step
            super().__init__()

    def watch_is_strip(self, strip: bool) -> None:
        self.set_class(strip, "-strip")

    def _state_label(self, step: str) -> str:
        if step in self.rebuild.running_commands:
            return "running"
        if step in self.rebuild.active_checks:
            return "checking"
        state = self.rebuild.step_state(step)
        if state is None:
            return ""
        if state.value in ("blocked", "unknown") and not self.rebuild.blocking_findings(step):
            return "overridden"
        return state.value

    def render(self) -> Content:
        return self._render_strip() if self.is_strip else self._render_list()

    def _state_icon(self, step: str) -> Content:
        if step in self.rebuild.running_commands:
            return Content.styled("▶", "$text-accent")
        state = self.rebuild.step_state(step)
        return Content.styled(state_icon(state), state_style(state))

    def _render_list(self) -> Content:
        width = self.content_size.width
        lines = []
        for number, step in enumerate(STEPS, start=1):
            word = Content.styled(self._state_label(step.id), state_style(self.rebuild.step_state(step.id)))
            name = Content(f" {number} {step.title}")
            gap = max(width - 1 - name.cell_length - word.cell_length, 1)
            line = Content.assemble(self._state_icon(step.id), name, " " * gap, word)
            if step.id == self.current_step:
                line = line.stylize("bold on $primary-muted")
            lines.append(line)
        done = sum(self.rebuild.step_state(step.id) is CheckState.OK for step in STEPS)
        lines.append(Content(""))
        if self.rebuild.is_done:
            lines.append(Content.styled("✓ The rebuild is done", "bold $text-success"))
        else:
            lines.append(Content.styled(f"{done} of {len(STEPS)} ok", MUTED))
        lines += [Content(""), Content.styled(self._hint, MUTED)]
        return Content("\n").join(lines)

    def _render_strip(self) -> Content:
        parts = []
        for number, step in enumerate(STEPS, start=1):
            part = Content.assemble(self._state_icon(step.id), str(number))
            if step.id == self.current_step:
                part = Content.assemble(part, f" {step.title}").stylize("bold on $primary-muted")
            parts.append(part)
        return Content("  ").join(parts)

    def on_click(self, event: events.Click) -> None:
        if self.is_strip:
            return
        row = event.get_content_offset(self)
        if row is not None and 0 <= row.y < len(STEPS):
            self.post_message(self.StepSelected(STEPS[row.y].id))

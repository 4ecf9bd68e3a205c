"""Why is it still being created: what AWS shows of one running resource, asked in a child process, again and again."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING, ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.widgets import Footer, Static

from checks.finding import Finding
from screens.actions import bindings
from screens.dialogs import Dialog, dialog_box
from screens.project_screen import main_screen
from screens.style.columns import hanging_indent, pad_cells
from screens.style.icons import state_badge
from screens.style.themes import MUTED

if TYPE_CHECKING:
    from ecotui.project import OpenProject

REFRESH_SECONDS = 15.0
"""Seconds between two questions: as often as AWS has something new to tell, and no burden."""
TIMEOUT_SECONDS = 60.0
"""Seconds for one."""


class ResourceStatusDialog(Dialog[None]):
    """Stays open and asks again, until the operator closes it."""

    BINDINGS: ClassVar[list[BindingType]] = bindings("resource")

    def __init__(self, address: str, project: OpenProject) -> None:
        super().__init__()
        self._address = address
        self._project = project
        self._finding: Finding | None = None

    def compose(self) -> ComposeResult:
        with dialog_box(f"Why is it still running?  {self._address}"):
            with VerticalScroll(classes="body"):
                yield Static(Content("Asking AWS… (read-only)"), id="status-text")
            yield Static(classes="hint", id="status-time")
        yield Footer(show_command_palette=False)

    def on_mount(self) -> None:
        self.action_refresh_status()
        self.set_interval(REFRESH_SECONDS, self.action_refresh_status)

    def action_refresh_status(self) -> None:
        self.run_worker(self._fetch_status(), exclusive=True, exit_on_error=False)

    async def _fetch_status(self) -> None:
        from ecotui.check_runner import CheckFailed, run_checks

        argv = [sys.executable, "-P", "-m", "ecotui", "why", self._address, "--stream", *self._project.child_options()]
        self.query_one("#status-time", Static).update(Content("Asking AWS…"))
        try:
            async for report in run_checks(
                ("apply",), env=self._project.child_env(), timeout=TIMEOUT_SECONDS, argv=argv
            ):
                self.show_status(report.findings[0])
        except CheckFailed as error:
            self.query_one("#status-text", Static).update(Content(error.message))
        at = time.strftime("%H:%M:%S")
        self.query_one("#status-time", Static).update(
            Content(f"Asked at {at}; again every {REFRESH_SECONDS:.0f} s, or with r")
        )

    def on_resize(self) -> None:
        """Lines are broken by hand: break them again."""
        if self._finding is not None:
            self.show_status(self._finding)

    def show_status(self, finding: Finding) -> None:
        """Show what was seen."""
        self._finding = finding
        # By the box of a dialog, not by its size: an answer can come before it was laid out.
        width = max(min(self.app.size.width * 9 // 10, 96) - 8, 24)
        lines = [
            hanging_indent(Content.assemble(state_badge(finding.state), "  "), finding.summary, width, "bold"),
            Content(""),
        ]
        labels = max((len(fact.label) for fact in finding.facts), default=0) + 2
        lines += [
            hanging_indent(pad_cells(Content.styled(fact.label, MUTED), labels), fact.value, width)
            for fact in finding.facts
        ]
        if finding.denied:
            lines.append(Content.styled(f"Not allowed: {', '.join(finding.denied)}", "$text-warning"))
        if finding.guide:
            lines.append(Content.styled("what the guide says about it (g)", MUTED))
        self.query_one("#status-text", Static).update(Content("\n").join(lines))
        self.refresh_bindings()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if action == "guide":
            return bool(self._finding and self._finding.guide)
        return super().check_action(action, parameters)

    def action_guide(self) -> None:
        from screens.messages import GuideRequested

        if self._finding and self._finding.guide:
            self.dismiss(None)
            main_screen(self).post_message(GuideRequested(finding=self._finding))

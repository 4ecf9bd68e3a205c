"""Why is it still being created: what AWS shows of one running resource, asked in a child process, again and again."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.widgets import Footer, Static

from checks.finding import Finding
from screens.dialogs import Dialog, boxed
from screens.style.columns import hang, padded
from screens.style.icons import badge

if TYPE_CHECKING:
    from ecotui.project import Desk

AGAIN = 15.0
"""Seconds between two questions: as often as AWS has something new to tell, and no burden."""
LIMIT = 60.0
"""Seconds for one."""


class Why(Dialog[None]):
    """Stays open and asks again, until the operator closes it."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("w,q,enter", "dismiss(None)", "Close"),
        Binding("r", "ask", "Ask again"),
        Binding("g", "guide", "Guide"),
    ]

    def __init__(self, address: str, desk: Desk) -> None:
        super().__init__()
        self._address = address
        self._desk = desk
        self._finding: Finding | None = None

    def compose(self) -> ComposeResult:
        with boxed(f"Why is it still running?  {self._address}"):
            with VerticalScroll(classes="said"):
                yield Static(Content("Asking AWS… (read-only)"), id="why-said")
            yield Static(classes="hint", id="why-when")
        yield Footer(show_command_palette=False)

    def on_mount(self) -> None:
        self.action_ask()
        self.set_interval(AGAIN, self.action_ask)

    def action_ask(self) -> None:
        self.run_worker(self._ask(), exclusive=True, exit_on_error=False)

    async def _ask(self) -> None:
        from ecotui.check_runner import LookFailed, looks

        argv = [sys.executable, "-P", "-m", "ecotui", "why", self._address, "--stream", *self._desk.options()]
        self.query_one("#why-when", Static).update(Content("Asking AWS…"))
        try:
            async for report in looks(("apply",), env=self._desk.env(), timeout=LIMIT, argv=argv):
                self.tell(report.findings[0])
        except LookFailed as error:
            self.query_one("#why-said", Static).update(Content(error.message))
        at = time.strftime("%H:%M:%S")
        self.query_one("#why-when", Static).update(
            Content(f"Asked at {at}; again every {AGAIN:.0f} s, or with r")
        )

    def on_resize(self) -> None:
        """Lines are broken by hand: break them again."""
        if self._finding is not None:
            self.tell(self._finding)

    def tell(self, finding: Finding) -> None:
        """Show what was seen."""
        self._finding = finding
        # By the box of a dialog, not by its size: an answer can come before it was laid out.
        width = max(min(self.app.size.width * 9 // 10, 96) - 8, 24)
        lines = [
            hang(Content.assemble(badge(finding.state), "  "), finding.summary, width, "bold"),
            Content(""),
        ]
        labels = max((len(fact.label) for fact in finding.facts), default=0) + 2
        lines += [
            hang(padded(Content.styled(fact.label, "$foreground 62%"), labels), fact.value, width)
            for fact in finding.facts
        ]
        if finding.denied:
            lines.append(Content.styled(f"Not allowed: {', '.join(finding.denied)}", "$text-warning"))
        if finding.guide:
            lines.append(Content.styled("what the guide says about it (g)", "$foreground 62%"))
        self.query_one("#why-said", Static).update(Content("\n").join(lines))
        self.refresh_bindings()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if action == "guide":
            return bool(self._finding and self._finding.guide)
        return super().check_action(action, parameters)

    def action_guide(self) -> None:
        from screens.messages import GuideWanted

        if self._finding and self._finding.guide:
            self.dismiss(None)
            self.app.screen_stack[-2].post_message(GuideWanted(finding=self._finding))

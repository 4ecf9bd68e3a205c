"""The line on top: what is being rebuilt, where, as whom."""

from __future__ import annotations

from textual.content import Content
from textual.reactive import reactive
from textual.widget import Widget


class ProjectHeader(Widget):
    """Project, account, region and profile on the left; what is special about this run on the right."""

    DEFAULT_CSS = """
    ProjectHeader { height: 1; padding: 0 1; background: $panel; color: $foreground; }
    """

    project_parts: reactive[tuple[str, ...]] = reactive(())
    """Parts of the left side, most important first; the last ones go when the line is too short."""
    notice: reactive[str] = reactive("")
    """The right side: demo, watching, something runs."""

    def render(self) -> Content:
        width = self.content_size.width
        notice = Content.styled(f" {self.notice} ", "reverse") if self.notice else Content("")
        if notice.cell_length > width - 20:
            notice = notice.truncate(max(width - 20, 0), ellipsis=True)
        left = Content.styled("ecotui", "bold $text-accent")
        for part in self.project_parts:
            longer = Content.assemble(left, Content.styled("  ", "dim"), Content(part))
            if longer.cell_length + notice.cell_length + 1 > width:
                break
            left = longer
        gap = max(width - left.cell_length - notice.cell_length, 1)
        return Content.assemble(left, Content(" " * gap), notice)

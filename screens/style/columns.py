"""Text in columns and with hanging indents, measured in cells: a Korean letter takes two."""

from __future__ import annotations

from collections.abc import Sequence

from rich.cells import cell_len, set_cell_size
from textual.content import Content

from screens.style.themes import MUTED


def wrap_text(text: str, width: int) -> list[str]:
    """Words of a text in lines of at most `width` cells; a longer word is cut. Line breaks in the text stay."""
    width = max(width, 8)
    lines: list[str] = []
    for paragraph in text.split("\n"):
        line = ""
        for word in paragraph.split(" "):
            candidate = f"{line} {word}" if line else word
            if cell_len(candidate) <= width:
                line = candidate
                continue
            if line:
                lines.append(line)
            while cell_len(word) > width:
                head = set_cell_size(word, width).rstrip(" ")
                lines.append(head)
                word = word[len(head) :]
            line = word
        lines.append(line)
    return lines


def hanging_indent(first: Content, text: str, width: int, style: str = "") -> Content:
    """`first` and then the text, whose further lines start below its first one."""
    indent = first.cell_length
    lines = wrap_text(text, width - indent)
    head = Content.assemble(first, Content.styled(lines[0], style))
    rest = [Content.assemble(" " * indent, Content.styled(line, style)) for line in lines[1:]]
    return Content("\n").join([head, *rest])


def pad_cells(content: Content, width: int, *, right: bool = False) -> Content:
    """The content, filled up (or cut) to `width` cells."""
    gap = width - content.cell_length
    if gap < 0:
        return content.truncate(width, ellipsis=True)
    return Content.assemble(" " * gap, content) if right else Content.assemble(content, " " * gap)


def render_table(
    head: Sequence[str],
    rows: Sequence[Sequence[Content | str]],
    width: int,
    right: frozenset[int] = frozenset(),
) -> Content:
    """A plain table; columns are as wide as their cells, and the last one takes what is left of `width`."""
    cells = [[cell if isinstance(cell, Content) else Content(cell) for cell in row] for row in rows]
    widths = [max([cell_len(title), *(row[index].cell_length for row in cells)]) for index, title in enumerate(head)]
    widths[-1] = max(min(widths[-1], width - sum(widths[:-1]) - 2 * (len(widths) - 1)), 6)
    lines = []
    if any(head):
        lines.append(
            Content("  ").join(
                pad_cells(Content.styled(title, MUTED), widths[index], right=index in right)
                for index, title in enumerate(head)
            )
        )
    lines += [
        Content("  ").join(pad_cells(cell, widths[index], right=index in right) for index, cell in enumerate(row))
        for row in cells
    ]
    return Content("\n").join(lines)


def render_bar(share: float, width: int, style: str) -> Content:
    """A bar of `width` cells, filled to `share` (0 to 1)."""
    full = round(max(0.0, min(share, 1.0)) * width)
    return Content.assemble(Content.styled("━" * full, style), Content.styled("─" * (width - full), "$foreground 30%"))

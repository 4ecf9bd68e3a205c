"""How the actions of a plan are shown: terraform's own signs and a word each, never colour alone."""

from __future__ import annotations

from textual.content import Content

from checks.apply.plan.attribute_diff import KNOWN_AFTER_APPLY, MASK, AttributeChange
from checks.apply.plan.model import ChangeAction, ResourceChange
from checks.apply.plan.tree import ChangeGroup, ChangeLeaf, PlanTreeRow
from screens.style.columns import pad_cells, wrap_text
from screens.style.themes import MUTED

ACTION_ICON = {
    ChangeAction.CREATE: "+",
    ChangeAction.UPDATE: "~",
    ChangeAction.REPLACE: "-/+",
    ChangeAction.DESTROY: "-",
    ChangeAction.READ: "<=",
    ChangeAction.IMPORT: "<-",
    ChangeAction.MOVE: "->",
    ChangeAction.FORGET: "x",
    ChangeAction.NO_OP: ".",
}
ACTION_STYLE = {
    ChangeAction.CREATE: "$text-success",
    ChangeAction.UPDATE: "$text-warning",
    ChangeAction.REPLACE: "$text-error",
    ChangeAction.DESTROY: "$text-error",
    ChangeAction.READ: "$text-accent",
    ChangeAction.IMPORT: "$text-accent",
    ChangeAction.MOVE: "$text-accent",
    ChangeAction.FORGET: "$text-warning",
    ChangeAction.NO_OP: MUTED,
}
_ICON_WIDTH, _LABEL_WIDTH = 4, 8


def action_badge(action: ChangeAction, *, drift: bool = False) -> Content:
    """Sign and word in columns: `-/+ replace `."""
    word = (
        {ChangeAction.UPDATE: "changed", ChangeAction.DESTROY: "gone"}.get(action, action.value)
        if drift
        else action.value
    )
    return Content.styled(f"{ACTION_ICON[action]:<{_ICON_WIDTH}}{word:<{_LABEL_WIDTH}}", ACTION_STYLE[action])


def render_outline_row(row: PlanTreeRow, width: int, *, drift: bool = False) -> Content:
    """One line of the tree."""
    indent = "  " * row.depth
    if isinstance(row, ChangeLeaf):
        loses = Content.styled("! ", "bold $text-error") if row.change.stateful else Content("")
        head = Content.assemble(indent, action_badge(row.change.action, drift=drift), loses)
        name = Content.styled(row.label, "bold $text-error") if row.change.stateful else Content(row.label)
        adopted = row.change.import_id and row.change.action is not ChangeAction.IMPORT
        return Content.assemble(head, name, Content.styled("  imported", MUTED) if adopted else "")
    return _render_group(row, indent, width)


def _render_group(group: ChangeGroup, indent: str, width: int) -> Content:
    counts = Content("  ").join(
        [
            *([Content.styled(f"! {group.stateful}", "bold $text-error")] if group.stateful else []),
            *(
                Content.styled(f"{ACTION_ICON[action]} {group.counts[action]}", ACTION_STYLE[action])
                for action in ChangeAction
                if group.counts.get(action)
            ),
        ]
    )
    label = Content.assemble(indent, "▾ " if group.is_open else "▸ ", Content.styled(group.label, "bold"))
    room = max(width - counts.cell_length - 2, 8)
    return Content.assemble(pad_cells(label, room), " ", counts)


def render_change(change: ResourceChange, width: int, *, drift: bool = False) -> Content:
    """All that the plan says about one change."""
    lines = [Content.styled(part, "bold") for part in wrap_text(change.address, width)]
    what = action_badge(change.action, drift=drift)
    said = [what]
    if change.reason:
        said.append(Content(f"because {change.reason}"))
    lines += _join_or_stack(said, width)
    if change.stateful:
        lines += [
            Content.styled(part, "bold $text-error")
            for part in wrap_text(
                f"! It holds data, or what others rely on: to {change.action.value} it loses that.", width
            )
        ]
    for label, text in (
        ("imported as", change.import_id),
        ("moved from", change.moved_from),
        ("left behind by a failed replacement, key", change.deposed),
        ("actions", " then ".join(change.actions) if change.action is ChangeAction.REPLACE else ""),
    ):
        if text:
            lines += [Content.styled(part, MUTED) for part in wrap_text(f"{label} {text}", width)]
    lines.append(Content(""))
    if change.action is ChangeAction.DESTROY and change.attributes and not drift:
        lines.append(Content.styled("What goes:", MUTED))
    for attribute in change.attributes:
        lines += _render_attribute(attribute, change.action, width)
    if change.computed_count:
        lines += [
            Content.styled(part, MUTED)
            for part in wrap_text(f"and {change.computed_count} that AWS computes, known after the apply", width)
        ]
    if change.omitted_count:
        lines.append(Content.styled(f"and {change.omitted_count} more attributes", MUTED))
    if not (change.attributes or change.computed_count):
        lines.append(Content.styled("No attribute changes.", MUTED))
    return Content("\n").join(lines)


def _join_or_stack(parts: list[Content], width: int) -> list[Content]:
    """In one line where they fit, else one below the other."""
    whole = Content("  ").join(parts)
    if whole.cell_length <= width:
        return [whole]
    return [
        Content.styled(line, "") if place else parts[0]
        for place, part in enumerate(parts)
        for line in (wrap_text(part.plain, width) if place else [""])
    ]


def _render_attribute(attribute: AttributeChange, action: ChangeAction, width: int) -> list[Content]:
    """`path` and below it, hanging, what it was and what it becomes."""
    head = Content.styled(attribute.path, "$text-accent")
    if attribute.forces_replacement:
        head = Content.assemble(head, Content.styled("  forces replacement", "bold $text-error"))
    if attribute.before == MASK and attribute.after == MASK:
        return _render_value(head, "", f"{MASK} changes, hidden on both sides", width, MUTED)
    if attribute.before is None:
        return _render_value(head, "", attribute.after or "(nothing)", width, _value_style(attribute.after))
    if action is ChangeAction.DESTROY or attribute.after is None:
        told = attribute.before if action is ChangeAction.DESTROY else f"{attribute.before} → (removed)"
        return _render_value(head, "", told, width, _value_style(attribute.before))
    line = Content.assemble(
        head,
        "  ",
        Content.styled(attribute.before, MUTED),
        " → ",
        Content.styled(attribute.after, _value_style(attribute.after)),
    )
    if line.cell_length <= width:
        return [line]
    return [
        head.truncate(width, ellipsis=True),
        *_indent_lines("  - ", attribute.before, width, MUTED),
        *_indent_lines("  + ", attribute.after, width, _value_style(attribute.after)),
    ]


def _value_style(value: str | None) -> str:
    return MUTED if value in (KNOWN_AFTER_APPLY, MASK, None) else ""


def _render_value(head: Content, prefix: str, text: str, width: int, style: str) -> list[Content]:
    line = Content.assemble(head, "  ", prefix, Content.styled(text, style))
    if line.cell_length <= width:
        return [line]
    return [head.truncate(width, ellipsis=True), *_indent_lines("    ", text, width, style)]


def _indent_lines(prefix: str, text: str, width: int, style: str) -> list[Content]:
    lines = wrap_text(text, width - len(prefix))
    return [
        Content.assemble(prefix if not place else " " * len(prefix), Content.styled(part, style))
        for place, part in enumerate(lines)
    ]

"""How the actions of a plan are shown: terraform's own signs and a word each, never colour alone."""

from __future__ import annotations

from textual.content import Content

from checks.apply.plan.attribute_diff import LATER, MASK, Attribute
from checks.apply.plan.model import Action, Change
from checks.apply.plan.tree import Group, Leaf, Row
from screens.style.columns import padded, wrapped

SIGN = {
    Action.CREATE: "+",
    Action.UPDATE: "~",
    Action.REPLACE: "-/+",
    Action.DESTROY: "-",
    Action.READ: "<=",
    Action.IMPORT: "<-",
    Action.MOVE: "->",
    Action.FORGET: "x",
    Action.NOTHING: ".",
}
STYLE = {
    Action.CREATE: "$text-success",
    Action.UPDATE: "$text-warning",
    Action.REPLACE: "$text-error",
    Action.DESTROY: "$text-error",
    Action.READ: "$text-accent",
    Action.IMPORT: "$text-accent",
    Action.MOVE: "$text-accent",
    Action.FORGET: "$text-warning",
    Action.NOTHING: "$foreground 62%",
}
FAINT = "$foreground 62%"
_SIGN, _WORD = 4, 8


def badge(action: Action, *, drift: bool = False) -> Content:
    """Sign and word in columns: `-/+ replace `."""
    word = (
        {Action.UPDATE: "changed", Action.DESTROY: "gone"}.get(action, action.value)
        if drift
        else action.value
    )
    return Content.styled(f"{SIGN[action]:<{_SIGN}}{word:<{_WORD}}", STYLE[action])


def row(one: Row, width: int, *, drift: bool = False) -> Content:
    """One line of the tree."""
    indent = "  " * one.depth
    if isinstance(one, Leaf):
        loses = Content.styled("! ", "bold $text-error") if one.change.stateful else Content("")
        head = Content.assemble(indent, badge(one.change.action, drift=drift), loses)
        name = Content.styled(one.label, "bold $text-error") if one.change.stateful else Content(one.label)
        adopted = one.change.import_id and one.change.action is not Action.IMPORT
        return Content.assemble(head, name, Content.styled("  imported", FAINT) if adopted else "")
    return _heading(one, indent, width)


def _heading(group: Group, indent: str, width: int) -> Content:
    counts = Content("  ").join(
        [
            *([Content.styled(f"! {group.stateful}", "bold $text-error")] if group.stateful else []),
            *(
                Content.styled(f"{SIGN[action]} {group.counts[action]}", STYLE[action])
                for action in Action
                if group.counts.get(action)
            ),
        ]
    )
    label = Content.assemble(indent, "▾ " if group.open else "▸ ", Content.styled(group.label, "bold"))
    room = max(width - counts.cell_length - 2, 8)
    return Content.assemble(padded(label, room), " ", counts)


def detail(change: Change, width: int, *, drift: bool = False) -> Content:
    """All that the plan says about one change."""
    lines = [Content.styled(part, "bold") for part in wrapped(change.address, width)]
    what = badge(change.action, drift=drift)
    said = [what]
    if change.reason:
        said.append(Content(f"because {change.reason}"))
    lines += _broken(said, width)
    if change.stateful:
        lines += [
            Content.styled(part, "bold $text-error")
            for part in wrapped(
                f"! It holds data, or what others rely on: to {change.action.value} it loses that.", width
            )
        ]
    for label, text in (
        ("imported as", change.import_id),
        ("moved from", change.moved_from),
        ("left behind by a failed replacement, key", change.deposed),
        ("actions", " then ".join(change.actions) if change.action is Action.REPLACE else ""),
    ):
        if text:
            lines += [Content.styled(part, FAINT) for part in wrapped(f"{label} {text}", width)]
    lines.append(Content(""))
    if change.action is Action.DESTROY and change.attributes and not drift:
        lines.append(Content.styled("What goes:", FAINT))
    for attribute in change.attributes:
        lines += _attribute(attribute, change.action, width)
    if change.later:
        lines += [
            Content.styled(part, FAINT)
            for part in wrapped(f"and {change.later} that AWS computes, known after the apply", width)
        ]
    if change.omitted:
        lines.append(Content.styled(f"and {change.omitted} more attributes", FAINT))
    if not (change.attributes or change.later):
        lines.append(Content.styled("No attribute changes.", FAINT))
    return Content("\n").join(lines)


def _broken(parts: list[Content], width: int) -> list[Content]:
    """In one line where they fit, else one below the other."""
    whole = Content("  ").join(parts)
    if whole.cell_length <= width:
        return [whole]
    return [
        Content.styled(line, "") if place else parts[0]
        for place, part in enumerate(parts)
        for line in (wrapped(part.plain, width) if place else [""])
    ]


def _attribute(one: Attribute, action: Action, width: int) -> list[Content]:
    """`path` and below it, hanging, what it was and what it becomes."""
    head = Content.styled(one.path, "$text-accent")
    if one.forces_replacement:
        head = Content.assemble(head, Content.styled("  forces replacement", "bold $text-error"))
    if one.before == MASK and one.after == MASK:
        return _value(head, "", f"{MASK} changes, hidden on both sides", width, FAINT)
    if one.before is None:
        return _value(head, "", one.after or "(nothing)", width, _look(one.after))
    if action is Action.DESTROY or one.after is None:
        told = one.before if action is Action.DESTROY else f"{one.before} → (removed)"
        return _value(head, "", told, width, _look(one.before))
    line = Content.assemble(
        head, "  ", Content.styled(one.before, FAINT), " → ", Content.styled(one.after, _look(one.after))
    )
    if line.cell_length <= width:
        return [line]
    return [
        head.truncate(width, ellipsis=True),
        *_hanging("  - ", one.before, width, FAINT),
        *_hanging("  + ", one.after, width, _look(one.after)),
    ]


def _look(value: str | None) -> str:
    return FAINT if value in (LATER, MASK, None) else ""


def _value(head: Content, sign: str, text: str, width: int, style: str) -> list[Content]:
    line = Content.assemble(head, "  ", sign, Content.styled(text, style))
    if line.cell_length <= width:
        return [line]
    return [head.truncate(width, ellipsis=True), *_hanging("    ", text, width, style)]


def _hanging(sign: str, text: str, width: int, style: str) -> list[Content]:
    lines = wrapped(text, width - len(sign))
    return [
        Content.assemble(sign if not place else " " * len(sign), Content.styled(part, style))
        for place, part in enumerate(lines)
    ]

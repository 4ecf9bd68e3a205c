"""A plan as the lines of a tree: module, type, change; filtered, searched, folded. Pure: a screen only draws it."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from checks.apply.plan.model import Action, Change, Plan

ROOT = "(root module)"

FOLD_OVER = 200
"""Changes above which a plan opens folded: the overview first."""


@dataclass(frozen=True, slots=True)
class Group:
    """A heading: a module, or a type inside one."""

    key: str
    """Stable, for folding."""
    label: str
    depth: int
    counts: Mapping[Action, int]
    stateful: int
    """How many below it destroy or replace what holds data."""
    open: bool


@dataclass(frozen=True, slots=True)
class Leaf:
    """One change."""

    change: Change
    depth: int
    label: str
    """Its address, without the module that stands above it."""


Row = Group | Leaf

_DIGITS = re.compile(r"([0-9]{1,18})")


@dataclass(frozen=True, slots=True)
class Kind:
    """What is shown: everything, one action, what holds data."""

    id: str
    label: str
    actions: frozenset[Action] = frozenset()
    stateful: bool = False

    def takes(self, change: Change) -> bool:
        if self.stateful:
            return change.stateful
        return (
            not self.actions
            or change.action in self.actions
            or (Action.IMPORT in self.actions and bool(change.import_id))
        )


KINDS = (
    Kind("all", "all"),
    Kind("data", "holds data", stateful=True),
    *(
        Kind(action.value, action.value, frozenset({action}))
        for action in (
            Action.DESTROY,
            Action.REPLACE,
            Action.UPDATE,
            Action.CREATE,
            Action.IMPORT,
            Action.MOVE,
            Action.FORGET,
            Action.READ,
        )
    ),
)


@dataclass
class Outline:
    """The tree of one plan, and what of it is in sight. `rows` is made anew by `refresh` only."""

    plan: Plan
    drift: bool = False
    """Show what changed outside of terraform, instead of what the plan does."""
    kind: Kind = KINDS[0]
    words: str = ""
    """What is searched: all of these words, in the address, the type, the reason or an attribute."""
    folded: set[str] = field(default_factory=set)
    rows: Sequence[Row] = ()
    taken: Sequence[Change] = ()
    """What the filter and the search let through, in order, folded away or not."""
    _ordered: dict[bool, tuple[Change, ...]] = field(default_factory=dict)
    """By `drift`. Sorting thousands of addresses at every key would be felt."""

    def __post_init__(self) -> None:
        if len(self.plan.changes) > FOLD_OVER:
            self.fold_all()
        self.refresh()

    @property
    def changes(self) -> tuple[Change, ...]:
        if self.drift not in self._ordered:
            unordered = self.plan.drift if self.drift else (*self.plan.changes, *self.plan.reads)
            self._ordered[self.drift] = tuple(
                sorted(unordered, key=lambda one: (natural(one.module), one.type, natural(one.address)))
            )
        return self._ordered[self.drift]

    def kinds(self) -> list[tuple[Kind, int]]:
        """The filters that would show something, with how much."""
        counted = [(kind, sum(map(kind.takes, self.changes))) for kind in KINDS]
        return [(kind, count) for kind, count in counted if count or kind.id == "all"]

    def refresh(self) -> None:
        """Make the rows: sorted by module, type and address."""
        wanted = self.words.casefold().split()
        self.taken = [
            change
            for change in self.changes
            if self.kind.takes(change) and (not wanted or _holds(change, wanted))
        ]
        modules: dict[str, dict[str, list[Change]]] = {}
        for change in self.taken:
            modules.setdefault(change.module, {}).setdefault(change.type, []).append(change)
        rows: list[Row] = []
        nested = any(change.module for change in self.changes)
        for module, types in modules.items():
            if nested:
                below = [change for changes in types.values() for change in changes]
                rows.append(self._group(f"m:{module}", module or ROOT, 0, below))
                if f"m:{module}" in self.folded:
                    continue
            depth = 1 if nested else 0
            for type_, changes in types.items():
                key = f"t:{module}:{type_}"
                rows.append(self._group(key, type_, depth, changes))
                if key not in self.folded:
                    rows += [Leaf(change, depth + 1, _short(change)) for change in changes]
        self.rows = rows

    def _group(self, key: str, label: str, depth: int, below: Collection[Change]) -> Group:
        return Group(
            key=key,
            label=label,
            depth=depth,
            counts=Counter(change.action for change in below),
            stateful=sum(change.stateful for change in below),
            open=key not in self.folded,
        )

    def fold(self, key: str, *, away: bool) -> None:
        """Fold a group away, or open it."""
        (self.folded.add if away else self.folded.discard)(key)
        self.refresh()

    def fold_all(self, *, away: bool = True) -> None:
        """Fold everything away, down to the modules and their types; or open everything."""
        self.folded = {key for change in self.changes for key in _keys(change)} if away else set()
        self.refresh()

    def reveal(self, change: Change) -> int | None:
        """Open what hides a change; its row, or None when the filter hides it."""
        self.folded.difference_update(_keys(change))
        self.refresh()
        return self.row_of(change)

    def row_of(self, change: Change) -> int | None:
        return next(
            (at for at, row in enumerate(self.rows) if isinstance(row, Leaf) and row.change is change), None
        )

    def next_loss(self, after: int, step: int = 1) -> int | None:
        """The row of the next change that destroys or replaces, from the row `after` on and around; opens its group."""
        losses = [
            at for at, change in enumerate(self.taken) if change.action in (Action.DESTROY, Action.REPLACE)
        ]
        if not losses:
            return None
        here = self.rows[after] if 0 <= after < len(self.rows) else None
        place = -1 if step > 0 else len(self.taken)
        if isinstance(here, Leaf):
            place = next(at for at, change in enumerate(self.taken) if change is here.change)
        elif isinstance(here, Group):
            # A heading stands just before the first that it heads.
            first = next(at for at, change in enumerate(self.taken) if here.key in _keys(change))
            place = first - 1 if step > 0 else first
        if step > 0:
            chosen = next((at for at in losses if at > place), losses[0])
        else:
            chosen = next((at for at in reversed(losses) if at < place), losses[-1])
        return self.reveal(self.taken[chosen])


def _keys(change: Change) -> tuple[str, str]:
    """Of the groups that it stands in."""
    return f"m:{change.module}", f"t:{change.module}:{change.type}"


def natural(address: str) -> tuple[tuple[int, str | int], ...]:
    """To sort by: `worker[2]` before `worker[10]`."""
    return tuple(
        (0, int(piece)) if piece.isdecimal() and piece.isascii() else (1, piece)
        for piece in _DIGITS.split(address)
    )


def _short(change: Change) -> str:
    return change.address.removeprefix(f"{change.module}.") if change.module else change.address


def _holds(change: Change, words: Collection[str]) -> bool:
    head = f"{change.address} {change.action} {change.reason} {change.import_id}".casefold()
    rest = [word for word in words if word not in head]
    if not rest:
        return True
    text = "\n".join(
        f"{one.path} {one.before or ''} {one.after or ''}" for one in change.attributes
    ).casefold()
    return all(word in text for word in rest)

"""A plan as the rows of a tree: module, type, change; filtered, searched, folded. Pure: a screen only draws it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from checks.apply.plan.model import ChangeAction, Plan, ResourceChange
from checks.text import natural_sort_key

ROOT_MODULE = "(root module)"

FOLD_THRESHOLD = 200
"""Changes above which a plan opens folded: the overview first."""


@dataclass(frozen=True, slots=True)
class ChangeGroup:
    """A heading: a module, or a type inside one."""

    key: str
    """Stable, for folding."""
    label: str
    depth: int
    counts: Mapping[ChangeAction, int]
    stateful: int
    """How many below it destroy or replace a resource that holds data."""
    is_open: bool


@dataclass(frozen=True, slots=True)
class ChangeLeaf:
    """One change."""

    change: ResourceChange
    depth: int
    label: str
    """Its address without its module."""


PlanTreeRow = ChangeGroup | ChangeLeaf


@dataclass(frozen=True, slots=True)
class ChangeFilter:
    """Which changes are shown: all, one action, or those of resources that hold data."""

    id: str
    label: str
    actions: frozenset[ChangeAction] = frozenset()
    stateful: bool = False

    def matches(self, change: ResourceChange) -> bool:
        if self.stateful:
            return change.stateful
        return (
            not self.actions
            or change.action in self.actions
            or (ChangeAction.IMPORT in self.actions and bool(change.import_id))
        )


CHANGE_FILTERS = (
    ChangeFilter("all", "all"),
    ChangeFilter("data", "holds data", stateful=True),
    *(
        ChangeFilter(action.value, action.value, frozenset({action}))
        for action in (
            ChangeAction.DESTROY,
            ChangeAction.REPLACE,
            ChangeAction.UPDATE,
            ChangeAction.CREATE,
            ChangeAction.IMPORT,
            ChangeAction.MOVE,
            ChangeAction.FORGET,
            ChangeAction.READ,
        )
    ),
)


@dataclass
class PlanTree:
    """The tree of one plan. `rows` are the visible ones; only `refresh` changes them."""

    plan: Plan
    show_drift: bool = False
    """Show changes made outside of terraform, instead of those of the plan."""
    filter: ChangeFilter = CHANGE_FILTERS[0]
    search_text: str = ""
    """Words that must all be in the address, the type, the reason or an attribute."""
    folded_keys: set[str] = field(default_factory=set)
    rows: Sequence[PlanTreeRow] = ()
    matching_changes: Sequence[ResourceChange] = ()
    """The changes that match filter and search, in order, folded or not."""
    _sorted_changes: dict[bool, tuple[ResourceChange, ...]] = field(default_factory=dict)
    """By `show_drift`: sorting thousands of addresses at every key is slow."""

    def __post_init__(self) -> None:
        if len(self.plan.changes) > FOLD_THRESHOLD:
            self.fold_all()
        self.refresh()

    @property
    def changes(self) -> tuple[ResourceChange, ...]:
        if self.show_drift not in self._sorted_changes:
            unordered = self.plan.drift if self.show_drift else (*self.plan.changes, *self.plan.reads)
            self._sorted_changes[self.show_drift] = tuple(
                sorted(
                    unordered, key=lambda one: (natural_sort_key(one.module), one.type, natural_sort_key(one.address))
                )
            )
        return self._sorted_changes[self.show_drift]

    def available_filters(self) -> list[tuple[ChangeFilter, int]]:
        """The filters that match something, with the number of matches."""
        counted = [(kind, sum(map(kind.matches, self.changes))) for kind in CHANGE_FILTERS]
        return [(kind, count) for kind, count in counted if count or kind.id == "all"]

    def refresh(self) -> None:
        """Rebuild the rows, sorted by module, type and address."""
        words = self.search_text.casefold().split()
        self.matching_changes = [
            change
            for change in self.changes
            if self.filter.matches(change) and (not words or _matches_words(change, words))
        ]
        modules: dict[str, dict[str, list[ResourceChange]]] = {}
        for change in self.matching_changes:
            modules.setdefault(change.module, {}).setdefault(change.type, []).append(change)
        rows: list[PlanTreeRow] = []
        nested = any(change.module for change in self.changes)
        for module, types in modules.items():
            if nested:
                below = [change for changes in types.values() for change in changes]
                rows.append(self._make_group(f"m:{module}", module or ROOT_MODULE, 0, below))
                if f"m:{module}" in self.folded_keys:
                    continue
            depth = 1 if nested else 0
            for type_, changes in types.items():
                key = f"t:{module}:{type_}"
                rows.append(self._make_group(key, type_, depth, changes))
                if key not in self.folded_keys:
                    rows += [ChangeLeaf(change, depth + 1, _address_in_module(change)) for change in changes]
        self.rows = rows

    def _make_group(self, key: str, label: str, depth: int, changes: Collection[ResourceChange]) -> ChangeGroup:
        return ChangeGroup(
            key=key,
            label=label,
            depth=depth,
            counts=Counter(change.action for change in changes),
            stateful=sum(change.stateful for change in changes),
            is_open=key not in self.folded_keys,
        )

    def fold(self, key: str, *, folded: bool) -> None:
        """Fold a group, or open it."""
        (self.folded_keys.add if folded else self.folded_keys.discard)(key)
        self.refresh()

    def fold_all(self, *, folded: bool = True) -> None:
        """Fold all modules and types, or open all."""
        self.folded_keys = {key for change in self.changes for key in _group_keys(change)} if folded else set()
        self.refresh()

    def reveal(self, change: ResourceChange) -> int | None:
        """Open the groups of a change; returns its row, or None when the filter hides it."""
        self.folded_keys.difference_update(_group_keys(change))
        self.refresh()
        return self.row_index(change)

    def row_index(self, change: ResourceChange) -> int | None:
        return next(
            (at for at, row in enumerate(self.rows) if isinstance(row, ChangeLeaf) and row.change is change), None
        )

    def next_destructive_row(self, row: int, step: int = 1) -> int | None:
        """The row of the next change that destroys or replaces, after `row` and around; opens its groups."""
        losses = [
            at
            for at, change in enumerate(self.matching_changes)
            if change.action in (ChangeAction.DESTROY, ChangeAction.REPLACE)
        ]
        if not losses:
            return None
        here = self.rows[row] if 0 <= row < len(self.rows) else None
        position = -1 if step > 0 else len(self.matching_changes)
        if isinstance(here, ChangeLeaf):
            position = next(at for at, change in enumerate(self.matching_changes) if change is here.change)
        elif isinstance(here, ChangeGroup):
            # A group is just before its first change.
            first = next(at for at, change in enumerate(self.matching_changes) if here.key in _group_keys(change))
            position = first - 1 if step > 0 else first
        if step > 0:
            chosen = next((at for at in losses if at > position), losses[0])
        else:
            chosen = next((at for at in reversed(losses) if at < position), losses[-1])
        return self.reveal(self.matching_changes[chosen])


def _group_keys(change: ResourceChange) -> tuple[str, str]:
    """The keys of its groups."""
    return f"m:{change.module}", f"t:{change.module}:{change.type}"


def _address_in_module(change: ResourceChange) -> str:
    return change.address.removeprefix(f"{change.module}.") if change.module else change.address


def _matches_words(change: ResourceChange, words: Collection[str]) -> bool:
    head = f"{change.address} {change.action} {change.reason} {change.import_id}".casefold()
    rest = [word for word in words if word not in head]
    if not rest:
        return True
    text = "\n".join(f"{one.path} {one.before or ''} {one.after or ''}" for one in change.attributes).casefold()
    return all(word in text for word in rest)

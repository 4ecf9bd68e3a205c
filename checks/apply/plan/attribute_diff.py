"""The attributes that change inside a resource, by path, before and after; sensitive values are masked. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from itertools import zip_longest
from typing import Any, NamedTuple

import msgspec

from checks.finding import FrozenStruct
from checks.sanitize import one_line
from checks.secret_names import is_secret_attribute

MASK = "(sensitive)"
KNOWN_AFTER_APPLY = "(known after apply)"

MAX_ATTRIBUTES = 300
"""Attributes of one resource that are listed: nobody reads more, and a review has to stay small."""

_MAX_DEPTH = 12
"""Nesting that is compared; deeper values are shown as JSON."""

_EMPTY_VALUES: tuple[object, ...] = (None, [], {}, "")
"""Providers turn one into another at every refresh: these are no changes."""


class AttributeChange(FrozenStruct, frozen=True):
    """One attribute that changes. Values are short texts, masked where terraform calls them sensitive."""

    path: str
    """`ingress[0].cidr_blocks`; a policy written as JSON is followed as well."""
    before: str | None = None
    after: str | None = None
    forces_replacement: bool = False


class AttributeDiff(NamedTuple):
    """The attributes that change, and how many are not among them."""

    attributes: tuple[AttributeChange, ...]
    computed_count: int = 0
    """Computed by the provider, and known only after the apply."""
    omitted_count: int = 0
    """Beyond `MAX_ATTRIBUTES`."""


class _ValuePair(NamedTuple):
    """A value before and after, with terraform's marks on it."""

    before: Any
    after: Any
    unknown: Any = None
    """True, or the same shape with True where the value is known only after the apply."""
    sensitive_before: Any = None
    sensitive_after: Any = None
    """The marks of sensitivity: True for a whole, or the same shape with True leaves."""

    def child(self, key: str, old_at: Any, new_at: Any) -> _ValuePair:
        """The values of a part; `old_at` and `new_at` are its key or index on each side, or None."""
        return _ValuePair(
            _get_part(self.before, old_at),
            _get_part(self.after, new_at),
            _get_part(self.unknown, new_at),
            _get_part(self.sensitive_before, old_at) or _is_likely_secret(self.before, key),
            _get_part(self.sensitive_after, new_at) or _is_likely_secret(self.after, key),
        )

    @property
    def is_sensitive(self) -> bool:
        return self.sensitive_before is True or self.sensitive_after is True

    @property
    def display_values(self) -> tuple[str | None, str | None]:
        """Both values as text. A value with a sensitive part is masked as a whole."""
        hidden = any_marked(self.sensitive_before) or any_marked(self.sensitive_after)
        before = None if self.before is None else _display_value(self.before, hidden)
        if self.unknown is True:
            return before, KNOWN_AFTER_APPLY
        return before, (None if self.after is None else _display_value(self.after, hidden))


_AttributePath = tuple[str | int, ...]


def diff_attributes(
    before: Mapping[str, Any],
    after: Mapping[str, Any],
    unknown: Mapping[str, Any],
    sensitive_marks: tuple[Any, Any] = (None, None),
    *,
    replace_paths: Collection[list[str | int]] = (),
    configured: Collection[str] | None = None,
) -> AttributeDiff:
    """Compare both sides of a change. `sensitive_marks` are those before and after, `replace_paths` terraform's.

    Of a new resource, attributes that are known after the apply are listed only when they are `configured`.
    """
    forcing = [_path_names(path) for path in replace_paths if path]
    is_new, found, computed = not before, [], 0
    pair = _ValuePair(before, after, unknown, *sensitive_marks)
    for key in sorted({*before, *after, *unknown}):
        for path, one in _iter_changed_leaves((key,), pair.child(key, key, key)):
            if is_new and one.unknown is True and (configured is None or key not in configured):
                computed += 1
                continue
            names = _path_names(path)
            old, new = one.display_values
            forces = any(names[: len(path)] == path[: len(names)] for path in forcing)
            found.append(AttributeChange(path=_format_path(path), before=old, after=new, forces_replacement=forces))
    # What forces a replacement first, what is known after the apply last.
    found.sort(key=lambda one: (not one.forces_replacement, one.after == KNOWN_AFTER_APPLY))
    return AttributeDiff(tuple(found[:MAX_ATTRIBUTES]), computed, max(0, len(found) - MAX_ATTRIBUTES))


def _path_names(path: Collection[str | int]) -> tuple[str, ...]:
    """Without indexes: those of a set mean nothing."""
    return tuple(part for part in path if isinstance(part, str))


def _get_part(value: Any, at: Any) -> Any:
    if value is True and at is not None:
        return True
    if isinstance(value, dict):
        return value.get(at)
    if isinstance(value, list) and isinstance(at, int) and at < len(value):
        return value[at]
    return None


def _iter_changed_leaves(path: _AttributePath, pair: _ValuePair) -> Iterator[tuple[_AttributePath, _ValuePair]]:
    """The leaves that differ."""
    old, new, late = pair.before, pair.after, pair.unknown
    if late is True:
        yield path, pair
        return
    if not any_marked(late) and (old == new or (old in _EMPTY_VALUES and new in _EMPTY_VALUES)):
        return
    if pair.is_sensitive or len(path) > _MAX_DEPTH:
        yield path, pair
        return
    read_old, read_new = _parse_json(old), _parse_json(new)
    if (
        (read_old is not old or read_new is not new)
        and isinstance(read_old, dict | list | None)
        and isinstance(read_new, dict | list | None)
    ):
        yield from _iter_changed_leaves(path, _ValuePair(read_old, read_new, None, None, None))
        return
    if _both_of_type(old, new, dict) or (isinstance(late, dict) and old in _EMPTY_VALUES and new in _EMPTY_VALUES):
        for key in sorted({*(old or ()), *(new or ()), *(late or ())}, key=str):
            yield from _iter_changed_leaves((*path, key), pair.child(key, key, key))
    elif _both_of_type(old, new, list) and (_has_nested_values(old) or _has_nested_values(new) or any_marked(late)):
        for old_at, new_at in _pair_elements(old or [], new or [], late):
            at = new_at if new_at is not None else (old_at or 0)
            yield from _iter_changed_leaves((*path, at), pair.child("", old_at, new_at))
    else:
        yield path, pair


def any_marked(marks: Any) -> bool:
    """Whether anything in terraform's marks (True for a whole, or the same shape with True leaves) is True."""
    if isinstance(marks, dict):
        return any(map(any_marked, marks.values()))
    if isinstance(marks, list):
        return any(map(any_marked, marks))
    return marks is True


def _both_of_type(old: Any, new: Any, kind: type) -> bool:
    """One is of this type, and the other as well or empty."""
    return (isinstance(old, kind) and (isinstance(new, kind) or new in _EMPTY_VALUES)) or (
        isinstance(new, kind) and old in _EMPTY_VALUES
    )


def _has_nested_values(value: Any) -> bool:
    return isinstance(value, list) and any(isinstance(one, dict | list) for one in value)


def _pair_elements(old: list[Any], new: list[Any], unknown_marks: Any) -> Iterator[tuple[int | None, int | None]]:
    """Which element became which. Equal ones are left out first: a set has no order, and a list may have shifted."""
    unmatched = [at for at, one in enumerate(old) if not (at < len(new) and one == new[at])]
    new_ones = []
    for at, one in enumerate(new):
        if at < len(old) and one == old[at] and not any_marked(_get_part(unknown_marks, at)):
            continue
        same = next((index for index in unmatched if old[index] == one), None)
        if same is None or any_marked(_get_part(unknown_marks, at)):
            new_ones.append(at)
        else:
            unmatched.remove(same)
    unknown = range(len(new), len(unknown_marks)) if isinstance(unknown_marks, list) else ()
    yield from zip_longest(unmatched, [*new_ones, *unknown])


def _parse_json(value: Any) -> Any:
    """A text that is a JSON object, as policies are; anything else as it is."""
    if isinstance(value, str) and value[:1] in ("{", "["):
        try:
            read = msgspec.json.decode(value)
        except msgspec.DecodeError:
            return value
        return read if isinstance(read, dict | list) else value
    return value


def _is_likely_secret(table: Any, key: str) -> bool:
    """Whether a text below this key is hidden though nobody marked it; also the value of `{name: PASSWORD, value: …}`."""
    if not isinstance(table, dict):
        return False
    value = table.get(key)
    texts = isinstance(value, str) or (isinstance(value, list) and any(isinstance(one, str) for one in value))
    if not (texts and value):
        return False
    if key in ("value", "Value"):
        name = table.get("name", table.get("Name", table.get("key")))
        return isinstance(name, str) and is_secret_attribute(name)
    return is_secret_attribute(key)


def _mask_secrets(value: Any) -> Any:
    """The masked form of a value that is too deep to be compared."""
    if isinstance(value, dict):
        return {key: MASK if _is_likely_secret(value, key) else _mask_secrets(one) for key, one in value.items()}
    if isinstance(value, list):
        return [_mask_secrets(one) for one in value]
    return value


def _display_value(value: Any, is_sensitive: bool) -> str:
    if is_sensitive:
        return MASK
    if isinstance(value, str):
        return one_line(value)
    return one_line(msgspec.json.encode(_mask_secrets(value)))


def _format_path(path: _AttributePath) -> str:
    first, *rest = path
    return one_line(str(first) + "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in rest))

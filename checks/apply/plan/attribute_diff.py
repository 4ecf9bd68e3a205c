"""What changes inside a resource: each attribute by its path, before and after, sensitive values masked. Pure."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from itertools import zip_longest
from typing import Any, NamedTuple

import msgspec

from checks.finding import Value
from checks.sanitize import one_line

MASK = "(sensitive)"
LATER = "(known after apply)"

MOST = 300
"""Attributes of one resource that are kept; a reader gets no further, and a review has to stay small."""

_DEEP = 12
"""Nesting that is followed; what lies deeper is shown as JSON."""

_EMPTY: tuple[object, ...] = (None, [], {}, "")
"""Providers turn one into another at every refresh: not a change that anybody made."""


class Attribute(Value, frozen=True):
    """One attribute that changes. Values are short texts, masked where terraform calls them sensitive."""

    path: str
    """`ingress[0].cidr_blocks`; a policy written as JSON is followed as well."""
    before: str | None = None
    after: str | None = None
    forces_replacement: bool = False


class Difference(NamedTuple):
    """The attributes that change, and how many are not among them."""

    attributes: tuple[Attribute, ...]
    later: int = 0
    """Computed by the provider, and known only after the apply."""
    omitted: int = 0
    """Beyond `MOST`."""


class _Sides(NamedTuple):
    """A value before and after, with terraform's marks on it."""

    old: Any
    new: Any
    late: Any = None
    """True, or the same shape with True where the value is known only after the apply."""
    hidden_old: Any = None
    hidden_new: Any = None
    """The marks of sensitivity: True for a whole, or the same shape with True leaves."""

    def under(self, key: str, old_at: Any, new_at: Any) -> _Sides:
        """The sides of a part; `old_at` and `new_at` are its places, a key or an index or None."""
        return _Sides(
            _part(self.old, old_at),
            _part(self.new, new_at),
            _part(self.late, new_at),
            _part(self.hidden_old, old_at) or _guessed(self.old, key),
            _part(self.hidden_new, new_at) or _guessed(self.new, key),
        )

    @property
    def hidden(self) -> bool:
        return self.hidden_old is True or self.hidden_new is True

    @property
    def shown(self) -> tuple[str | None, str | None]:
        """Both values as text. Whoever hides a part of what is shown whole, hides it whole."""
        hidden = _any(self.hidden_old) or _any(self.hidden_new)
        before = None if self.old is None else _show(self.old, hidden)
        if self.late is True:
            return before, LATER
        return before, (None if self.new is None else _show(self.new, hidden))


_Path = tuple[str | int, ...]


def difference(
    before: Mapping[str, Any],
    after: Mapping[str, Any],
    unknown: Mapping[str, Any],
    hidden: tuple[Any, Any] = (None, None),
    *,
    replaces: Collection[list[str | int]] = (),
    configured: Collection[str] | None = None,
) -> Difference:
    """Compare both sides of a change. `hidden` are the marks before and after, `replaces` terraform's replace_paths.

    Of what is created, only `configured` attributes that are known later are named: the rest is the provider's to tell.
    """
    forcing = [_names(path) for path in replaces if path]
    created, found, later = not before, [], 0
    sides = _Sides(before, after, unknown, *hidden)
    for key in sorted({*before, *after, *unknown}):
        for path, one in _walk((key,), sides.under(key, key, key)):
            if created and one.late is True and (configured is None or key not in configured):
                later += 1
                continue
            names = _names(path)
            old, new = one.shown
            forces = any(names[: len(path)] == path[: len(names)] for path in forcing)
            found.append(Attribute(path=_written(path), before=old, after=new, forces_replacement=forces))
    # What forces a replacement first, what nobody can know yet last.
    found.sort(key=lambda one: (not one.forces_replacement, one.after == LATER))
    return Difference(tuple(found[:MOST]), later, max(0, len(found) - MOST))


def _names(path: Collection[str | int]) -> tuple[str, ...]:
    """Without indexes: those of a set say nothing."""
    return tuple(part for part in path if isinstance(part, str))


def _part(value: Any, at: Any) -> Any:
    if value is True and at is not None:
        return True
    if isinstance(value, dict):
        return value.get(at)
    if isinstance(value, list) and isinstance(at, int) and at < len(value):
        return value[at]
    return None


def _walk(path: _Path, sides: _Sides) -> Iterator[tuple[_Path, _Sides]]:
    """The leaves that differ."""
    old, new, late = sides.old, sides.new, sides.late
    if late is True:
        yield path, sides
        return
    if not _any(late) and (old == new or (old in _EMPTY and new in _EMPTY)):
        return
    if sides.hidden or len(path) > _DEEP:
        yield path, sides
        return
    read_old, read_new = _read(old), _read(new)
    if (
        (read_old is not old or read_new is not new)
        and isinstance(read_old, dict | list | None)
        and isinstance(read_new, dict | list | None)
    ):
        yield from _walk(path, _Sides(read_old, read_new, None, None, None))
        return
    if _fits(old, new, dict) or (isinstance(late, dict) and old in _EMPTY and new in _EMPTY):
        for key in sorted({*(old or ()), *(new or ()), *(late or ())}, key=str):
            yield from _walk((*path, key), sides.under(key, key, key))
    elif _fits(old, new, list) and (_deep(old) or _deep(new) or _any(late)):
        for old_at, new_at in _pairs(old or [], new or [], late):
            at = new_at if new_at is not None else (old_at or 0)
            yield from _walk((*path, at), sides.under("", old_at, new_at))
    else:
        yield path, sides


def _any(marks: Any) -> bool:
    if isinstance(marks, dict):
        return any(map(_any, marks.values()))
    if isinstance(marks, list):
        return any(map(_any, marks))
    return marks is True


def _fits(old: Any, new: Any, kind: type) -> bool:
    """One is of this kind, and the other as well or nothing."""
    return (isinstance(old, kind) and (isinstance(new, kind) or new in _EMPTY)) or (
        isinstance(new, kind) and old in _EMPTY
    )


def _deep(value: Any) -> bool:
    return isinstance(value, list) and any(isinstance(one, dict | list) for one in value)


def _pairs(old: list[Any], new: list[Any], late: Any) -> Iterator[tuple[int | None, int | None]]:
    """Which element became which. Equal ones are left out first: a set has no order, and a list may have shifted."""
    waiting = [at for at, one in enumerate(old) if not (at < len(new) and one == new[at])]
    left = []
    for at, one in enumerate(new):
        if at < len(old) and one == old[at] and not _any(_part(late, at)):
            continue
        same = next((place for place in waiting if old[place] == one), None)
        if same is None or _any(_part(late, at)):
            left.append(at)
        else:
            waiting.remove(same)
    unknown = range(len(new), len(late)) if isinstance(late, list) else ()
    yield from zip_longest(waiting, [*left, *unknown])


def _read(value: Any) -> Any:
    """A text that is a JSON object, as policies are; anything else as it is."""
    if isinstance(value, str) and value[:1] in ("{", "["):
        try:
            read = msgspec.json.decode(value)
        except msgspec.DecodeError:
            return value
        return read if isinstance(read, dict | list) else value
    return value


# Not every provider marks these: an attribute with such a name is hidden all the same.
_SECRET = re.compile(
    r"password|passwd|secret|token|private_?key|credential|api_?key|user_data", re.IGNORECASE
)
_NOT_SECRET = re.compile(r"_arns?$|_ids?$|_name$|^secret_?name|_version$|_hash$", re.IGNORECASE)


def _sounds_secret(name: Any) -> bool:
    return isinstance(name, str) and bool(_SECRET.search(name)) and not _NOT_SECRET.search(name)


def _guessed(table: Any, key: str) -> bool:
    """Whether a text below this key is hidden though nobody marked it; also the value of `{name: PASSWORD, value: …}`."""
    if not isinstance(table, dict):
        return False
    value = table.get(key)
    texts = isinstance(value, str) or (isinstance(value, list) and any(isinstance(one, str) for one in value))
    if not (texts and value):
        return False
    if key in ("value", "Value"):
        return _sounds_secret(table.get("name", table.get("Name", table.get("key"))))
    return _sounds_secret(key)


def _masked(value: Any) -> Any:
    """Of what is shown whole because it lies too deep."""
    if isinstance(value, dict):
        return {key: MASK if _guessed(value, key) else _masked(one) for key, one in value.items()}
    if isinstance(value, list):
        return [_masked(one) for one in value]
    return value


def _show(value: Any, hidden: bool) -> str:
    if hidden:
        return MASK
    if isinstance(value, str):
        return one_line(value)
    return one_line(msgspec.json.encode(_masked(value)))


def _written(path: _Path) -> str:
    first, *rest = path
    return one_line(
        str(first) + "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in rest)
    )

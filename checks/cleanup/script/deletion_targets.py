"""What a cleanup script picks to delete, as far as its text tells: each pick is a kind and a condition on names.

A condition that is read widens, never narrows: what a script would hit is among what the picks hit. Whatever deletes and
cannot be traced to a pick is `Blind`, and is said: it is never taken as harmless. Pure; nothing is run.
"""

from __future__ import annotations

import hashlib
import re
import shlex
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from checks.cleanup.model import AwsResource
from checks.cleanup.script import filters
from checks.cleanup.script.aws_operations import DELETES, LISTS, PARTS
from checks.cleanup.script.filters import Condition, How
from checks.finding import FrozenStruct
from checks.sanitize import one_line
from checks.script.analysis import MAX_SCRIPT_CHARACTERS, analyze_script, logical_lines

__all__ = ["Aim", "Blind", "How", "Pick", "aim"]

MOST = 500
"""Picks that are kept of one script."""


class Pick(FrozenStruct, frozen=True):
    """Things of one kind, by a condition on what they are called."""

    kind: str
    condition: Condition
    file: str
    number: int

    def hits(self, seen: AwsResource) -> bool:
        return seen.kind == self.kind and self.condition.holds(seen)

    @property
    def words(self) -> str:
        return f"{self.condition.words} ({self.file}:{self.number})"


class Blind(FrozenStruct, frozen=True):
    """A line that deletes, or may, and whose target its text does not tell."""

    file: str
    number: int
    text: str
    why: str


class Aim(FrozenStruct, frozen=True):
    picks: tuple[Pick, ...] = ()
    blind: tuple[Blind, ...] = ()
    destroys: tuple[str, ...] = ()
    """Where it runs `terraform destroy`, as file:line."""
    digest: str = ""
    """Of every text that was read."""

    @property
    def kinds(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(one.kind for one in self.picks))

    def by(self, seen: AwsResource) -> Pick | None:
        """The first pick that hits it."""
        return next((one for one in self.picks if one.hits(seen)), None)


@dataclass
class _Variable:
    """What is known of a shell variable: its values, or the listing that it came from."""

    values: list[str] = field(default_factory=list)
    kinds: set[str] = field(default_factory=set)
    unknown: bool = False

    @property
    def plain(self) -> bool:
        return bool(self.values) and not self.unknown and not self.kinds


_AWS = re.compile(r"(?<![\w/.-])aws\s+(?=[a-z-])")
_FOR = re.compile(r"\bfor\s+(\w+)\s+in\s+(.+?)(?:;\s*do\b|;|$)")
_WHILE = re.compile(r"\bwhile\s+(?:IFS=\S*\s+)?read\s+((?:-\w+\s+)*)(\w+(?:\s+\w+)*)")
_ARRAY = re.compile(r"(?:^|[;&]\s*|\b(?:local|readonly|declare(?:\s+-\w+)?|export)\s+)(\w+)\+?=\(([^)]*)\)")
_SET = re.compile(
    r"""(?:^|[;&]\s*|\b(?:local|readonly|export)\s+|\bthen\s+|\bdo\s+)(\w+)=("(?:[^"\\]|\\.)*"|'[^']*'|[^\s;&|]*)"""
)
_VARIABLE = re.compile(r"\$\{(\w+)(?:\[[@*]\])?(?::?-([^}]*))?\}|\$(\w+)|\$([@*0-9])")
_TERRAFORM = re.compile(r"\b(?:terraform|tofu|terragrunt)\b[^#|;&]*\bdestroy\b")
_HIDDEN = re.compile(
    r"(?:^|[;&|({]\s*|\bthen\s+|\bdo\s+)(?:eval\b|aws-nuke\b|cloud-nuke\b|python[0-9.]*\s+\S|node\s+\S|ansible\S*\s|pulumi\s+destroy|eksctl\s+delete|kops\s+delete)"
    r"|(?:curl|wget)\b[^|]*\|\s*(?:ba|z)?sh\b|\b(?:ba|z)?sh\s+-c\b"
)
_DELETION = re.compile(
    r"^(?:delete|terminate|release|deregister|schedule-key-deletion|remove|rb|rm|purge|batch-delete)\b"
)
_NO_TARGET = frozenset(
    {
        "--region", "--profile", "--output", "--query", "--endpoint-url", "--if-match", "--delete", "--key",
        "--version-id", "--recursive", "--force", "--no-cli-pager", "--policy-name", "--include", "--exclude",
    }
)  # fmt: skip


def aim(name: str, open_script: Callable[[str], str | None]) -> Aim:
    """Read a script and those that it calls, as `reading.read` finds them."""
    reading = analyze_script(name, open_script)
    aimed = _Aiming()
    texts = [(file, open_script(file) or "") for file in reading.files]
    lines = [
        (file, number, line)
        for file, text in texts
        for number, line in filters.joined(logical_lines(text[:MAX_SCRIPT_CHARACTERS], keep_piped_output=True))
    ]
    # Twice: a variable may be set below the function that uses it.
    for _ in range(2):
        for _file, _number, line in lines:
            aimed.remember(line)
    for file, number, line in lines:
        aimed.take(file, number, line)
    for file in reading.unread:
        aimed.blind.append(Blind(file=file, number=0, text=file, why="it is called, and could not be read"))
    digest = hashlib.sha256("\0".join(f"{file}\0{text}" for file, text in texts).encode()).hexdigest()
    picks = [one for one in aimed.picks if one.kind in aimed.deleted]
    return Aim(
        picks=tuple(dict.fromkeys(picks))[:MOST],
        blind=tuple(dict.fromkeys(aimed.blind))[:MOST],
        destroys=tuple(aimed.destroys),
        digest=digest[:16],
    )


class _Aiming:
    def __init__(self) -> None:
        self.picks: list[Pick] = []
        self.blind: list[Blind] = []
        self.destroys: list[str] = []
        self.deleted: set[str] = set()
        self._variables: dict[str, _Variable] = {}

    # -- variables -----------------------------------------------------------------------------------------------

    def remember(self, line: str) -> None:
        """What this line says of variables; said twice it says the same."""
        for match in _ARRAY.finditer(line):
            self._set(match[1], _split(match[2]))
        for match in _SET.finditer(line):
            value = match[2]
            if "$(" in value or "`" in value:
                self._bind(match[1], line)
            elif not value.startswith("("):
                self._set(match[1], [value.strip("\"'")] if value else [])
        if loop := _FOR.search(line):
            if "$(" in loop[2] or "`" in loop[2]:
                self._bind(loop[1], line)
            else:
                self._set(loop[1], _split(loop[2]), several=True)
        if loop := _WHILE.search(line):
            for name in loop[2].split():
                self._bind(name, line)

    def _at(self, name: str) -> _Variable:
        return self._variables.setdefault(name, _Variable())

    def _set(self, name: str, words: Iterable[str], *, several: bool = False) -> None:
        at = self._at(name)
        for word in words:
            names = _names(word)
            if several and names and names[0] in self._variables and word in _alone(names[0]):
                source = self._variables[names[0]]
                at.kinds |= source.kinds
                at.unknown |= source.unknown
                at.values += [one for value in source.values for one in value.split() if one not in at.values]
                continue
            values = self.resolve(word)
            if values is None:
                at.kinds |= self._kinds_of(names)
                at.unknown |= not self._kinds_of(names)
            else:
                at.values += [one for one in values if one not in at.values]

    def _bind(self, name: str, line: str) -> None:
        """A variable takes what a command prints: a listing's, or what was listed before."""
        kinds = {kind for call in _calls(line) for kind in LISTS.get(call.operation, ())}
        kinds |= self._kinds_of(_names(line))
        at = self._at(name)
        at.kinds |= kinds
        at.unknown |= not kinds

    def _kinds_of(self, names: Iterable[str]) -> set[str]:
        return {kind for name in names if name in self._variables for kind in self._variables[name].kinds}

    def resolve(self, word: str) -> list[str] | None:
        """What a word may stand for; None when that is decided at run time."""
        words = [word]
        for match in _VARIABLE.finditer(word):
            name = match[1] or match[3] or match[4]
            at = self._variables.get(name)
            values = list(at.values) if at and at.plain else []
            if match[2] and (at is None or at.plain):
                values.append(match[2])
            if not values or len(words) * len(values) > MOST:
                return None
            words = [one.replace(match[0], value) for one in words for value in values]
        return None if any("$" in one or "`" in one for one in words) else words

    # -- deeds ---------------------------------------------------------------------------------------------------

    def take(self, file: str, number: int, line: str) -> None:
        """The picks of a line, and what in it cannot be told."""

        def unseen(why: str) -> None:
            self.blind.append(Blind(file=file, number=number, text=one_line(line, limit=160), why=why))

        if _TERRAFORM.search(line):
            self.destroys.append(f"{file}:{number}")
        if _HIDDEN.search(line):
            unseen("another program, or text that is run: what it does was not read")
        calls = _calls(line)
        listed = {kind for call in calls for kind in LISTS.get(call.operation, ())}
        for call in calls:
            if kinds := LISTS.get(call.operation):
                self._list(call, kinds, file, number, unseen)
            elif kinds := DELETES.get(call.operation):
                self.deleted.update(kinds)
                self._delete(call, kinds, listed | self._kinds_of(_names(line)), file, number, unseen)
            elif call.operation[1] in PARTS or call.operation[1].startswith(("detach-", "disassociate-")):
                continue
            elif _DELETION.match(call.operation[1]):
                unseen("a kind that ecotui does not know")

    def _list(
        self,
        call: filters.Call,
        kinds: tuple[str, ...],
        file: str,
        number: int,
        unseen: Callable[[str], None],
    ) -> None:
        found, told = filters.of(call, self.resolve)
        if not told:
            unseen("which ones it lists is decided when it runs")
        if found == (Condition(how=How.ALL),) and not call.kept:
            return  # only shown
        for kind in kinds:
            self.picks += [Pick(kind=kind, condition=one, file=file, number=number) for one in found]

    def _delete(
        self,
        call: filters.Call,
        kinds: tuple[str, ...],
        listed: set[str],
        file: str,
        number: int,
        unseen: Callable[[str], None],
    ) -> None:
        words = [word for option, values in call.options if option not in _NO_TARGET for word in values]
        told = False
        if any("$(" in word or "`" in word for word in words):
            # What a command prints; its own words are no targets.
            told, words = any(kind in listed for kind in kinds), []
        for word in words:
            values = self.resolve(word)
            if values is not None and "{}" not in word:
                told = True
                for value in values:
                    exact = Condition(how=How.EQUALS, value=filters.target(value))
                    self.picks += [Pick(kind=kind, condition=exact, file=file, number=number) for kind in kinds]
            elif any(kind in listed for kind in kinds):
                told = True
        if not words and call.piped and any(kind in listed for kind in kinds):
            told = True
        if not told or call.operation[1] == "change-resource-record-sets":
            unseen("what it deletes is decided when it runs")


def _alone(name: str) -> tuple[str, ...]:
    return (f"${name}", f"${{{name}}}", f"${{{name}[@]}}", f"${{{name}[*]}}")


def _names(text: str) -> list[str]:
    return [match[1] or match[3] or match[4] for match in _VARIABLE.finditer(text)]


def _split(text: str) -> list[str]:
    try:
        return shlex.split(text)
    except ValueError:
        return ["$?"]


def _calls(line: str) -> list[filters.Call]:
    return [call for match in _AWS.finditer(line) if (call := filters.call(line, match.start()))]

"""The conditions of a listing in a script: `--query`, `--filters`, names, prefixes, and a grep behind it. Pure.

Of several conditions that must all hold one is taken: what is hit is then too much, and never too little.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from fnmatch import fnmatchcase

from checks.cleanup.model import AwsResource
from checks.finding import FrozenStruct

Resolve = Callable[[str], list[str] | None]
LONGEST = 40
"""Lines of one command whose quotes span lines."""


class How(StrEnum):
    CONTAINS = "contains"
    STARTS = "starts with"
    ENDS = "ends with"
    EQUALS = "is"
    GLOB = "matches"
    GREP = "has"
    ALL = "all"


class Condition(FrozenStruct, frozen=True):
    """What a name, or the value of a tag, has to be."""

    how: How
    value: str = ""
    tag: str = ""
    ignore_case: bool = False

    @property
    def words(self) -> str:
        if self.how is How.ALL:
            return "all of them, unless the script leaves some out later"
        what = f"tag {self.tag}" if self.tag else "name"
        return f"{what} {self.how.value} {self.value}"

    def holds(self, seen: AwsResource) -> bool:
        if self.how is How.ALL:
            return True
        if self.tag:
            return self.tag in seen.tags and self._matches(seen.tags[self.tag])
        names = [seen.name, seen.id, seen.arn, *seen.aliases, *seen.domains]
        if self.how is How.GREP:
            names += seen.tags.values()
        return any(self._matches(name) for name in names if name)

    def _matches(self, name: str) -> bool:
        value = self.value
        if self.ignore_case:
            name, value = name.lower(), value.lower()
        match self.how:
            case How.CONTAINS:
                return value in name
            case How.STARTS:
                return name.startswith(value)
            case How.ENDS:
                return name.endswith(value)
            case How.EQUALS:
                return name == value
            case How.GLOB:
                return fnmatchcase(name, value)
            case _:
                return re.search(value, name) is not None


ALL = Condition(how=How.ALL)


@dataclass(frozen=True)
class Call:
    """One call of the aws command line."""

    operation: tuple[str, str]
    options: tuple[tuple[str, tuple[str, ...]], ...]
    """Options with their values; words without one stand under an empty name."""
    tail: str
    """What follows in the same pipeline."""
    kept: bool
    """Its output goes into a variable, a loop or another command: it is not only shown."""
    piped: bool
    """Something is piped into it."""


def call(line: str, start: int) -> Call | None:
    """The call of `aws` that begins at `start`; None when its quotes do not close."""
    end = _end(line, start, "|;&)\n")
    try:
        words = shlex.split(line[start:end], comments=False)
    except ValueError:
        return None
    options: list[tuple[str, tuple[str, ...]]] = []
    bare: list[str] = []
    at = 1
    while at < len(words):
        word = words[at]
        at += 1
        if not word.startswith("--"):
            if len(bare) < 2:
                bare.append(word)
            elif options and options[-1][0] and options[-1][0] not in _FLAGS:
                options[-1] = (options[-1][0], (*options[-1][1], word))
            else:
                options.append(("", (word,)))
            continue
        name, same, value = word.partition("=")
        options.append((name, (value,) if same else ()))
        # A global option before the service takes one value; it is not the service.
        if len(bare) < 2 and not same and at < len(words) and name not in _FLAGS:
            options[-1] = (name, (words[at],))
            at += 1
    if len(bare) < 2:
        return None
    before = line[:start]
    after = line[end:]
    kept = (
        bool(re.search(r"\w=[\"']?(?:\$\(|`)[^)]*$|\bfor\s+\w+\s+in\b|<\($", before))
        or "xargs" in after
        or bool(re.search(r"\|\s*while\b|\|\s*jq\b.*\|", after))
    )
    tail = after[: _end(after, 0, ";)")] if after.startswith("|") else ""
    return Call((bare[0], bare[1]), tuple(options), tail, kept, "|" in before)


_FLAGS = frozenset(
    {"--recursive", "--force", "--no-paginate", "--no-cli-pager", "--debug", "--no-sign-request", "--quiet"}
)


def _signs(text: str, start: int = 0) -> Iterator[tuple[int, str, str]]:
    """Each sign that is not escaped, its place, and the quote that is open behind it."""
    quote, at = "", start
    while at < len(text):
        char = text[at]
        if char == "\\" and quote != "'":
            at += 2
            continue
        if quote:
            quote = "" if char == quote else quote
        elif char in "\"'":
            quote = char
        yield at, char, quote
        at += 1


def _end(text: str, start: int, stops: str) -> int:
    for at, char, quote in _signs(text, start):
        # The quote around a whole $(…) closes behind it: what opened before the call is not ours.
        if not quote and char not in "\"'" and char in stops:
            return at
    return len(text)


def of(found: Call, resolve: Resolve) -> tuple[tuple[Condition, ...], bool]:
    """The conditions, any of which may hold, and whether all that was there could be read."""
    told = True
    for option, values in found.options:
        words, known = _resolved(values, resolve)
        some: list[Condition] = []
        match option:
            case "--query":
                some = [one for word in words for one in query(word)]
            case "--filters":
                some, readable = filters(words)
                told &= readable
            case name if name.endswith(("-names", "-ids", "-name", "-id", "-arns")) and not name.startswith(
                ("--hosted", "--vpc")
            ):
                some = [Condition(how=How.EQUALS, value=word) for word in words]
            case name if name.endswith("prefix") or name == "--path":
                some = [Condition(how=How.STARTS, value=word) for word in words]
            case "":
                some = [Condition(how=How.EQUALS, value=target(word)) for word in words]
            case _:
                continue
        if not known:
            told = False
            continue
        if some and ALL not in some:
            return tuple(dict.fromkeys(some)), told
    behind = greps(found.tail, resolve)
    if behind:
        return tuple(dict.fromkeys(behind)), told
    if behind is None:
        told = False
    return ((ALL,), True) if told else ((), False)


def _resolved(values: Iterable[str], resolve: Resolve) -> tuple[list[str], bool]:
    words: list[str] = []
    known = True
    for value in values:
        # JMESPath has back-ticks of its own.
        some = resolve(value.replace("`", "'"))
        known &= some is not None
        words += some or []
    return words, known


_NAMED = r"[\w.\[\]*@]*(?:Name|name|Id|Arn|ARN|Comment|Items|DomainName|Key|@)"
_CALL = re.compile(rf"^!?(contains|starts_with|ends_with)\(\s*(?:{_NAMED})\s*,\s*['\"]([^'\"]*)['\"]\s*\)$")
_EQUAL = re.compile(rf"^(?:{_NAMED})\s*==\s*['\"]([^'\"]*)['\"]$")
_TAG = re.compile(
    r"Tags\[\?\s*Key\s*==\s*['\"]([^'\"]+)['\"]\s*(?:&&\s*(?:Value\s*==\s*['\"]([^'\"]*)['\"]|(contains|starts_with)\(\s*Value\s*,\s*['\"]([^'\"]*)['\"]\s*\))|\]\.Value[^']*==\s*['\"]([^'\"]*)['\"])"
)
_HOW = {"contains": How.CONTAINS, "starts_with": How.STARTS, "ends_with": How.ENDS}


def query(text: str) -> list[Condition]:
    """The conditions of a JMESPath filter, any of which may hold; ALL for one that is not understood."""
    if "Tags[?" in text:
        if (tag := _TAG.search(text)) and "||" not in text:
            how = _HOW[tag[3]] if tag[3] else How.EQUALS
            return [Condition(how=how, value=tag[2] or tag[4] or tag[5] or "", tag=tag[1])]
        return [ALL]
    begin = text.find("[?")
    if begin < 0:
        return [ALL]
    inner = text[begin + 2 : _closing(text, begin)]
    return [_clause(clause) for clause in inner.split("||")]


def _closing(text: str, at: int) -> int:
    depth = 0
    for place in range(at, len(text)):
        depth += {"[": 1, "]": -1}.get(text[place], 0)
        if depth == 0:
            return place
    return len(text)


def _clause(text: str) -> Condition:
    for part in text.split("&&"):
        plain = part.strip()
        while plain.startswith("(") and not plain.startswith("(("):
            plain = plain[1:].strip()
        if plain.count(")") > plain.count("("):
            plain = plain[:-1].strip()
        if (found := _CALL.match(plain)) and not plain.startswith("!"):
            return Condition(how=_HOW[found[1]], value=found[2])
        if found := _EQUAL.match(plain):
            return Condition(how=How.EQUALS, value=found[1])
    return ALL


def filters(words: Iterable[str]) -> tuple[list[Condition], bool]:
    """The first of EC2's filters that speaks of names or tags; False when one ties it to something at run time."""
    readable = True
    chosen: list[Condition] = []
    for word in words:
        found = re.match(r"Name=([^,]+),Values=(.*)$", word)
        if not found:
            readable = False
            continue
        name, values = found[1], [value for value in found[2].split(",") if value]
        if name.startswith("tag:"):
            some = [Condition(how=How.GLOB, value=value, tag=name[4:]) for value in values]
        elif name.endswith(("-name", "-id")) and not name.startswith(("instance-state", "vpc-", "attachment")):
            some = [Condition(how=How.GLOB, value=value) for value in values]
        else:
            readable &= not name.startswith(("vpc-", "attachment", "tag-"))
            continue
        chosen = chosen or some
    return chosen, readable or bool(chosen)


_GREP = re.compile(r"\|\s*([ef]?)grep\s+")
_SAFE = re.compile(r"^[\w\s.*^$|\\/:@+?\[\]-]+$")


def greps(tail: str, resolve: Resolve) -> list[Condition] | None:
    """What the first grep behind a listing lets through; empty without one, None when it cannot be read."""
    for match in _GREP.finditer(tail):
        segment = tail[match.end() : _end(tail, match.end(), "|;)")]
        try:
            words = shlex.split(segment)
        except ValueError:
            return None
        letters = "".join(word[1:] for word in words if re.match(r"^-[A-Za-z]+$", word))
        if "v" in letters:
            continue
        pattern = next((word for word in words if not word.startswith("-")), None)
        resolved = resolve(pattern.rstrip("$")) if pattern else None
        if not pattern or resolved is None:
            return None
        end = "$" if pattern.endswith("$") else ""
        expressions = [_expression(f"{one}{end}", f"{match[1]}{letters}") for one in resolved]
        if None in expressions:
            return None
        return [Condition(how=How.GREP, value=one, ignore_case="i" in letters) for one in expressions if one]
    return []


def _expression(pattern: str, letters: str) -> str | None:
    """A grep pattern as Python's; None for what could mean something else, or run for ever."""
    if "f" in letters.lower():
        return re.escape(pattern)
    if not {"E", "P", "e"} & set(letters):
        pattern = re.sub(r"(?<!\\)([+?|])", r"\\\1", pattern).replace("\\\\|", "|").replace("\\\\", "\\")
    if not _SAFE.match(pattern) or pattern.count("*") + pattern.count("+") > 4:
        return None
    try:
        re.compile(pattern)
    except re.error:
        return None
    return pattern


def target(value: str) -> str:
    """The bucket of an s3:// address; anything else as it is."""
    return value[5:].partition("/")[0] if value.startswith("s3://") else value


def joined(lines: Iterable[tuple[int, str]]) -> list[tuple[int, str]]:
    """Lines whose quotes or pipelines go on below, made one."""
    found: list[tuple[int, str]] = []
    waiting: list[tuple[int, str]] = []
    for number, line in lines:
        waiting.append((number, line))
        text = " ".join(one for _, one in waiting)
        unfinished = _open(text) or line.endswith(("|", "&&", "||"))
        if unfinished and len(waiting) < LONGEST:
            continue
        # Quotes that never close are no quotes: an apostrophe in a sentence.
        found += waiting if _open(text) else [(waiting[0][0], text)]
        waiting = []
    return found + waiting


def _open(text: str) -> bool:
    return any([quote for _, _, quote in _signs(text)][-1:])

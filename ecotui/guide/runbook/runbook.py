"""An entry as steps to walk: ready fixes of the live check, the commands of its text, what is done by hand, the end."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from checks.finding import Finding, Fix, State
from ecotui.guide.cause import Verdict
from ecotui.guide.matching.matcher import Match
from ecotui.guide.reading.document import Entry, Passage
from ecotui.guide.reading.library import Library
from ecotui.guide.reading.markdown import fenced
from ecotui.guide.reading.sections import Part
from ecotui.guide.runbook import commands
from ecotui.guide.runbook.commands import Command, Folder, Reading, Script, Setting
from ecotui.guide.runbook.placeholders import Filled, fill
from ecotui.guide.runbook.step import END, GUIDE, Context, Kind, Step, command_step, plain


def steps_of(entry: Entry, verdict: Verdict, context: Context) -> tuple[Step, ...]:
    """The steps of an entry in the order in which they are walked."""
    found = [*_fixes(verdict), *_written(entry, context)]
    end = Step(key=END, kind=Kind.END, title="", way="")
    return (*found, end)


# -- what the live check offers ------------------------------------------------------------------------------------


def _fixes(verdict: Verdict) -> Iterator[Step]:
    for finding in verdict.findings:
        if finding.state not in (State.BLOCKED, State.WARN, State.UNKNOWN):
            continue
        for fix in finding.fixes:
            yield fix_step(finding, fix)


def fix_step(finding: Finding, fix: Fix) -> Step:
    """A way out of a finding as a step."""
    return Step(
        key=f"{finding.id}/{fix.id}",
        kind=Kind.FIX,
        title=fix.title,
        way=finding.title,
        note=fix.changes,
        text=fix.command,
        risk=fix.risk,
        fix=fix,
        finding=finding,
    )


# -- what the text says --------------------------------------------------------------------------------------------

_SHELL = frozenset({"bash", "sh", "shell", "zsh", "console", "shell-session"})
_PROGRAM = re.compile(r"^(\$ |\./|aws |terraform |tofu |kubectl |gh |helm |docker |ssh |curl |git |ecotui )")
_ITEM = re.compile(r"^\s{0,3}\d+[.)]\s+(.*)$")
_BULLET = re.compile(r"^\s*[-*+]\s+(.*)$")
_NUMBERED = re.compile(r"^\d+[.)]\s*")

_BY_HAND = (
    (re.compile(r"문서.{0,4}검색|search (this|the) (document|guide)", re.I), "", GUIDE),
    (re.compile(r"재시도|다시 시도|try again|retry", re.I), "", "apply"),
    (re.compile(r"한도|quota|limit", re.I), "quota", ""),
    (re.compile(r"정리|clean[- ]?up", re.I), "", "cleanup"),
    (
        re.compile(r"(AWS|클라우드|cloud).{0,20}(상태|확인|state|status)|(state|status) of AWS", re.I),
        "cleanup",
        "",
    ),
)
"""Words of a step in prose, the rebuild's step that looks at what it means, and the one whose screen does it."""


@dataclass(frozen=True)
class _Block:
    """A piece of a passage: prose, a numbered item, or a fence."""

    kind: str
    text: str
    language: str = ""


def _written(entry: Entry, context: Context) -> Iterator[Step]:
    number = 0
    told = (Part.PROBLEM, Part.CAUSE, Part.FILES, Part.COMMIT)
    passages = [one for one in entry.passages if one.part not in told]
    for passage in passages:
        blocks = list(_blocks(passage.text))
        if passage.part is Part.OTHER and not any(one.kind != "prose" for one in blocks):
            continue
        number += 1
        for count, step in enumerate(_of_passage(passage, blocks, context), 1):
            yield replace(step, key=f"{number}.{count}", way=plain(passage.title))


def _of_passage(passage: Passage, blocks: Sequence[_Block], context: Context) -> Iterator[Step]:
    said: list[str] = []
    made = False
    for block in blocks:
        if block.kind == "prose":
            said.append(block.text)
            continue
        label = "\n".join(said)
        said = []
        made = True
        if block.kind == "item":
            yield _by_hand(block.text, label)
        elif block.language in _SHELL or (not block.language and _PROGRAM.match(block.text.lstrip())):
            yield from _commands(block.text, label, context)
        else:
            head = label.splitlines()[-1] if label else block.text.strip().split("\n")[0]
            yield Step(
                key="",
                kind=Kind.FILE,
                title=plain(head),
                note=plain(label),
                text=block.text,
                language=block.language,
                reason="it is text for a file",
            )
    if not made and said:
        yield _by_hand("\n".join(said), "")


def _by_hand(text: str, label: str) -> Step:
    words = plain(text)
    look, visit = next(
        ((look, visit) for known, look, visit in _BY_HAND if known.search(text.split("\n")[0])), ("", "")
    )
    title, _, rest = words.partition("\n")
    return Step(
        key="",
        kind=Kind.HAND,
        title=title,
        note="\n".join(filter(None, (plain(label), rest))),
        look=look,
        visit=visit,
    )


def _blocks(text: str) -> Iterator[_Block]:
    """Prose, numbered items (with what stands below each) and fences, in order."""
    lines = text.splitlines()
    fences = {block.start: block for block in fenced(lines)}
    at = 0
    while at < len(lines):
        line = lines[at]
        if fence := fences.get(at):
            yield _Block("fence", fence.body(lines), fence.language)
            at = fence.stop
            continue
        if item := _ITEM.match(line):
            taken = [item[1]]
            at += 1
            while at < len(lines) and lines[at].strip() and not _ITEM.match(lines[at]) and at not in fences:
                bullet = _BULLET.match(lines[at])
                taken.append(f"- {bullet[1]}" if bullet else lines[at].strip())
                at += 1
            yield _Block("item", "\n".join(taken))
            continue
        at += 1
        if line.strip() and line.strip() != "---" and not line.startswith("#"):
            yield _Block("prose", line.strip())


# -- commands ------------------------------------------------------------------------------------------------------


def _commands(body: str, label: str, context: Context) -> Iterator[Step]:
    note = plain(label)
    read = list(commands.statements(body))
    if not read:
        return
    if all(not one.text for one in read):
        # Comments only: what is to be done, in words.
        yield _by_hand(read[0].note, note)
        return
    if reason := _one_script(one.reading for one in read):
        first = next((one.note for one in read if one.note), "") or note or body.strip().split("\n")[0]
        yield Step(
            key="",
            kind=Kind.SCRIPT,
            title=plain(_NUMBERED.sub("", first.split("\n")[0])),
            note=note,
            text=body,
            reason=f"needs a shell: {reason}",
        )
        return
    values, folder = context.values, Filled("")
    for one in read:
        reading = one.reading
        told = "\n".join(filter(None, (note, one.note)))
        note = ""
        if isinstance(reading, Folder):
            folder = fill(reading.path, values)
            continue
        if isinstance(reading, Setting) and not reading.exported:
            filled = fill(reading.value, values)
            if not filled.missing:
                values = values.also(reading.name.lower(), filled.text, "the entry's own text")
            continue
        if isinstance(reading, Command) and reading.words[0] == ("echo",):
            continue
        yield command_step(reading, one.text, told, replace(context, values=values), folder)


def _one_script(read: Iterator[Reading]) -> str:
    """Why a block is one script: its statements hang together by variables that only a shell can set, or by a loop."""
    for reading in read:
        if isinstance(reading, Script) and reading.reason in (
            "a loop or a condition",
            "a command whose output is put in",
            "a text that is fed in",
        ):
            return reading.reason
    return ""


def ranked(ids: Sequence[str], scores: Mapping[str, float], solved: Mapping[str, int]) -> tuple[str, ...]:
    """Entries that solved it before first; a line of progress is no error, and never comes before one."""
    known = [ident for ident in ids if solved.get(ident) and scores.get(ident, 1.0) >= 0.8]
    known.sort(key=lambda ident: -solved[ident])
    return (*known, *(ident for ident in ids if ident not in known))


def rule_of(library: Library, match: Match) -> str:
    """The fixed words by which an entry was found, to say why."""
    if said := getattr(match, "rule", ""):
        return str(said)
    overlay = library.overlays.get(match.entry)
    for signature in overlay.signatures if overlay is not None else ():
        if re.search(signature.match, match.excerpt, re.I | re.S):
            return signature.anchor
    return ""

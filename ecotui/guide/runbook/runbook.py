"""An entry as steps to walk: ready fixes of the live check, the commands of its text, what is done by hand, the end."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from checks.finding import CheckState, Finding, Fix
from ecotui.guide.cause import CauseCheck
from ecotui.guide.matching.matcher import EntryMatch
from ecotui.guide.reading.document import Entry, EntrySection
from ecotui.guide.reading.library import GuideLibrary
from ecotui.guide.reading.markdown import find_fences
from ecotui.guide.reading.sections import SectionKind
from ecotui.guide.runbook import commands
from ecotui.guide.runbook.commands import ChangeDirectory, GuideCommand, ShellScript, StatementBody, VariableAssignment
from ecotui.guide.runbook.placeholders import FilledText, fill_placeholders
from ecotui.guide.runbook.step import (
    END_STEP,
    SEARCH_GUIDE,
    RunbookContext,
    RunbookStep,
    StepKind,
    build_command_step,
    strip_emphasis,
)


def runbook_for(entry: Entry, cause_check: CauseCheck, context: RunbookContext) -> tuple[RunbookStep, ...]:
    """The steps of an entry in the order in which they are walked."""
    found = [*_build_fix_steps(cause_check), *_build_text_steps(entry, context)]
    end = RunbookStep(key=END_STEP, kind=StepKind.END, title="", heading="")
    return (*found, end)


# -- what the live check offers ------------------------------------------------------------------------------------


def _build_fix_steps(verdict: CauseCheck) -> Iterator[RunbookStep]:
    for finding in verdict.findings:
        if finding.state not in (CheckState.BLOCKED, CheckState.WARN, CheckState.UNKNOWN):
            continue
        for fix in finding.fixes:
            yield build_fix_step(finding, fix)


def build_fix_step(finding: Finding, fix: Fix) -> RunbookStep:
    """A way out of a finding as a step."""
    return RunbookStep(
        key=f"{finding.id}/{fix.id}",
        kind=StepKind.FIX,
        title=fix.title,
        heading=finding.title,
        note=fix.changes,
        text=fix.command,
        risk=fix.risk,
        fix=fix,
        finding=finding,
    )


# -- what the text says --------------------------------------------------------------------------------------------

_SHELL_LANGUAGES = frozenset({"bash", "sh", "shell", "zsh", "console", "shell-session"})
_COMMAND_START = re.compile(r"^(\$ |\./|aws |terraform |tofu |kubectl |gh |helm |docker |ssh |curl |git |ecotui )")
_ITEM = re.compile(r"^\s{0,3}\d+[.)]\s+(.*)$")
_BULLET = re.compile(r"^\s*[-*+]\s+(.*)$")
_NUMBERED = re.compile(r"^\d+[.)]\s*")

_MANUAL_STEP_WORDS = (
    (re.compile(r"문서.{0,4}검색|search (this|the) (document|guide)", re.I), "", SEARCH_GUIDE),
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
class _SectionBlock:
    """A piece of a passage: prose, a numbered item, or a fence."""

    kind: str
    text: str
    language: str = ""


def _build_text_steps(entry: Entry, context: RunbookContext) -> Iterator[RunbookStep]:
    number = 0
    told = (SectionKind.PROBLEM, SectionKind.CAUSE, SectionKind.FILES, SectionKind.COMMIT)
    passages = [one for one in entry.sections if one.kind not in told]
    for passage in passages:
        blocks = list(_split_blocks(passage.text))
        if passage.kind is SectionKind.OTHER and not any(one.kind != "prose" for one in blocks):
            continue
        number += 1
        for count, step in enumerate(_build_section_steps(passage, blocks, context), 1):
            yield replace(step, key=f"{number}.{count}", heading=strip_emphasis(passage.title))


def _build_section_steps(
    passage: EntrySection, blocks: Sequence[_SectionBlock], context: RunbookContext
) -> Iterator[RunbookStep]:
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
            yield _build_manual_step(block.text, label)
        elif block.language in _SHELL_LANGUAGES or (not block.language and _COMMAND_START.match(block.text.lstrip())):
            yield from _build_command_steps(block.text, label, context)
        else:
            head = label.splitlines()[-1] if label else block.text.strip().split("\n")[0]
            yield RunbookStep(
                key="",
                kind=StepKind.FILE,
                title=strip_emphasis(head),
                note=strip_emphasis(label),
                text=block.text,
                language=block.language,
                reason="it is text for a file",
            )
    if not made and said:
        yield _build_manual_step("\n".join(said), "")


def _build_manual_step(text: str, label: str) -> RunbookStep:
    words = strip_emphasis(text)
    look, visit = next(
        ((look, visit) for known, look, visit in _MANUAL_STEP_WORDS if known.search(text.split("\n")[0])), ("", "")
    )
    title, _, rest = words.partition("\n")
    return RunbookStep(
        key="",
        kind=StepKind.MANUAL,
        title=title,
        note="\n".join(filter(None, (strip_emphasis(label), rest))),
        check_step=look,
        screen_step=visit,
    )


def _split_blocks(text: str) -> Iterator[_SectionBlock]:
    """Prose, numbered items (with what stands below each) and fences, in order."""
    lines = text.splitlines()
    fences = {block.start: block for block in find_fences(lines)}
    at = 0
    while at < len(lines):
        line = lines[at]
        if fence := fences.get(at):
            yield _SectionBlock("fence", fence.body(lines), fence.language)
            at = fence.stop
            continue
        if item := _ITEM.match(line):
            taken = [item[1]]
            at += 1
            while at < len(lines) and lines[at].strip() and not _ITEM.match(lines[at]) and at not in fences:
                bullet = _BULLET.match(lines[at])
                taken.append(f"- {bullet[1]}" if bullet else lines[at].strip())
                at += 1
            yield _SectionBlock("item", "\n".join(taken))
            continue
        at += 1
        if line.strip() and line.strip() != "---" and not line.startswith("#"):
            yield _SectionBlock("prose", line.strip())


# -- commands ------------------------------------------------------------------------------------------------------


def _build_command_steps(body: str, label: str, context: RunbookContext) -> Iterator[RunbookStep]:
    note = strip_emphasis(label)
    read = list(commands.parse_statements(body))
    if not read:
        return
    if all(not one.text for one in read):
        # Comments only: what is to be done, in words.
        yield _build_manual_step(read[0].note, note)
        return
    if reason := _why_single_script(one.body for one in read):
        first = next((one.note for one in read if one.note), "") or note or body.strip().split("\n")[0]
        yield RunbookStep(
            key="",
            kind=StepKind.SCRIPT,
            title=strip_emphasis(_NUMBERED.sub("", first.split("\n")[0])),
            note=note,
            text=body,
            reason=f"needs a shell: {reason}",
        )
        return
    values, folder = context.values, FilledText("")
    for one in read:
        reading = one.body
        told = "\n".join(filter(None, (note, one.note)))
        note = ""
        if isinstance(reading, ChangeDirectory):
            folder = fill_placeholders(reading.path, values)
            continue
        if isinstance(reading, VariableAssignment) and not reading.is_exported:
            filled = fill_placeholders(reading.value, values)
            if not filled.missing_placeholders:
                values = values.with_value(reading.name.lower(), filled.text, "the entry's own text")
            continue
        if isinstance(reading, GuideCommand) and reading.words[0] == ("echo",):
            continue
        yield build_command_step(reading, one.text, told, replace(context, values=values), folder)


def _why_single_script(read: Iterator[StatementBody]) -> str:
    """Why a block is one script: its statements hang together by variables that only a shell can set, or by a loop."""
    for reading in read:
        if isinstance(reading, ShellScript) and reading.reason in (
            "a loop or a condition",
            "a command whose output is put in",
            "a text that is fed in",
        ):
            return reading.reason
    return ""


def rank_entries(ids: Sequence[str], scores: Mapping[str, float], solved: Mapping[str, int]) -> tuple[str, ...]:
    """Entries that solved it before first; a line of progress is no error, and never comes before one."""
    known = [ident for ident in ids if solved.get(ident) and scores.get(ident, 1.0) >= 0.8]
    known.sort(key=lambda ident: -solved[ident])
    return (*known, *(ident for ident in ids if ident not in known))


def matched_rule(library: GuideLibrary, match: EntryMatch) -> str:
    """The fixed words by which an entry was found, to say why."""
    if said := getattr(match, "rule", ""):
        return str(said)
    overlay = library.overlays.get(match.entry)
    for signature in overlay.signatures if overlay is not None else ():
        if re.search(signature.match, match.excerpt, re.I | re.S):
            return signature.anchor
    return ""

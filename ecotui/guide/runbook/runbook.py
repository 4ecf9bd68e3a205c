"""Turns an entry into a runbook: the fixes that the check offers, the commands and manual steps of its text, the rating."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from checks.finding import CheckState, Finding, Fix
from checks.tools.shell import ShellFeature
from ecotui.guide.cause import CauseCheck
from ecotui.guide.reading.document import Entry
from ecotui.guide.reading.markdown import find_fences
from ecotui.guide.reading.sections import SectionKind
from ecotui.guide.runbook.commands import (
    ChangeDirectory,
    GuideCommand,
    ShellScript,
    VariableAssignment,
    parse_statements,
)
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
    """The steps of an entry, in order."""
    fix_steps = [
        _build_fix_step(finding, fix)
        for finding in cause_check.findings
        if finding.state in (CheckState.BLOCKED, CheckState.WARN, CheckState.UNKNOWN)
        for fix in finding.fixes
    ]
    end = RunbookStep(key=END_STEP, kind=StepKind.END, title="")
    return (*fix_steps, *_build_text_steps(entry, context), end)


def _build_fix_step(finding: Finding, fix: Fix) -> RunbookStep:
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


# -- text ----------------------------------------------------------------------------------------------------------

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
"""Words of a manual step, the step of the rebuild that checks it, and the one whose screen does it."""


@dataclass(frozen=True)
class _SectionBlock:
    """A piece of a section: prose, a numbered item, or a fence."""

    kind: str
    text: str
    language: str = ""


def _build_text_steps(entry: Entry, context: RunbookContext) -> Iterator[RunbookStep]:
    number = 0
    without_steps = (SectionKind.PROBLEM, SectionKind.CAUSE, SectionKind.FILES, SectionKind.COMMIT)
    for section in entry.sections:
        blocks = list(_split_blocks(section.text))
        is_only_prose = section.kind is SectionKind.OTHER and all(one.kind == "prose" for one in blocks)
        if section.kind in without_steps or is_only_prose:
            continue
        number += 1
        for count, step in enumerate(_build_section_steps(blocks, context), 1):
            yield replace(step, key=f"{number}.{count}", heading=strip_emphasis(section.title))


def _build_section_steps(blocks: Sequence[_SectionBlock], context: RunbookContext) -> Iterator[RunbookStep]:
    prose: list[str] = []
    has_steps = False
    for block in blocks:
        if block.kind == "prose":
            prose.append(block.text)
            continue
        label = "\n".join(prose)
        prose = []
        has_steps = True
        if block.kind == "item":
            yield _build_manual_step(block.text, label)
        elif block.language in _SHELL_LANGUAGES or (not block.language and _COMMAND_START.match(block.text.lstrip())):
            yield from _build_command_steps(block.text, label, context)
        else:
            title = label.splitlines()[-1] if label else block.text.strip().split("\n")[0]
            yield RunbookStep(
                key="",
                kind=StepKind.FILE,
                title=strip_emphasis(title),
                note=strip_emphasis(label),
                text=block.text,
                language=block.language,
                reason="it is text for a file",
            )
    if not has_steps and prose:
        yield _build_manual_step("\n".join(prose), "")


def _build_manual_step(text: str, label: str) -> RunbookStep:
    words = strip_emphasis(text)
    first_line = text.split("\n")[0]
    check_step, screen_step = next(
        ((check, screen) for pattern, check, screen in _MANUAL_STEP_WORDS if pattern.search(first_line)), ("", "")
    )
    title, _, rest = words.partition("\n")
    return RunbookStep(
        key="",
        kind=StepKind.MANUAL,
        title=title,
        note="\n".join(filter(None, (strip_emphasis(label), rest))),
        check_step=check_step,
        screen_step=screen_step,
    )


def _split_blocks(text: str) -> Iterator[_SectionBlock]:
    """Prose, numbered items (with the lines below each) and fences, in order."""
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
            item_lines = [item[1]]
            at += 1
            while at < len(lines) and lines[at].strip() and not _ITEM.match(lines[at]) and at not in fences:
                bullet = _BULLET.match(lines[at])
                item_lines.append(f"- {bullet[1]}" if bullet else lines[at].strip())
                at += 1
            yield _SectionBlock("item", "\n".join(item_lines))
            continue
        at += 1
        if line.strip() and line.strip() != "---" and not line.startswith("#"):
            yield _SectionBlock("prose", line.strip())


# -- commands ------------------------------------------------------------------------------------------------------

_WHOLE_BLOCK_FEATURES = (ShellFeature.COMPOUND, ShellFeature.SUBSTITUTION, ShellFeature.HEREDOC)
"""What makes a block one script: its statements depend on each other through variables that only a shell can set."""


def _build_command_steps(block: str, label: str, context: RunbookContext) -> Iterator[RunbookStep]:
    note = strip_emphasis(label)
    statements = list(parse_statements(block))
    if not statements:
        return
    if all(not one.text for one in statements):
        # Only comments: instructions in words.
        yield _build_manual_step(statements[0].note, note)
        return
    reasons = (one.body.reason for one in statements if isinstance(one.body, ShellScript))
    if reason := next((reason for reason in reasons if reason in _WHOLE_BLOCK_FEATURES), ""):
        title = next((one.note for one in statements if one.note), "") or note or block.strip()
        yield RunbookStep(
            key="",
            kind=StepKind.SCRIPT,
            title=strip_emphasis(_NUMBERED.sub("", title.split("\n")[0])),
            note=note,
            text=block,
            reason=f"needs a shell: {reason}",
        )
        return
    values, folder = context.values, FilledText("")
    for statement in statements:
        body = statement.body
        step_note = "\n".join(filter(None, (note, statement.note)))
        note = ""
        if isinstance(body, ChangeDirectory):
            folder = fill_placeholders(body.path, values)
        elif isinstance(body, VariableAssignment) and not body.is_exported:
            filled = fill_placeholders(body.value, values)
            if not filled.missing_placeholders:
                values = values.with_value(body.name.lower(), filled.text, "the entry's own text")
        elif not (isinstance(body, GuideCommand) and body.words[0] == ("echo",)):
            yield build_command_step(body, statement.text, step_note, replace(context, values=values), folder)


def rank_entries(ids: Sequence[str], scores: Mapping[str, float], solved: Mapping[str, int]) -> tuple[str, ...]:
    """The entries, first those that solved the problem before. A line of progress never comes before an error."""
    first = [ident for ident in ids if solved.get(ident) and scores.get(ident, 1.0) >= 0.8]
    first.sort(key=lambda ident: -solved[ident])
    return (*first, *(ident for ident in ids if ident not in first))

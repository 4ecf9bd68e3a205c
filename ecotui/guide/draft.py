"""Drafts an entry for a failure that the guide has nothing about, from a session, in the document's own form."""

from __future__ import annotations

import re
import shlex
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from checks.sanitize import sanitize
from ecotui.guide.matching.matcher import diagnose
from ecotui.guide.reading.derived_signatures import derive_signatures
from ecotui.guide.reading.document import parse_guide
from ecotui.guide.reading.library import GuideLibrary
from ecotui.guide.reading.sections import SectionKind, exact_section_kind, parse_label
from ecotui.session import events

MAX_DRAFT_ERROR_LINES = 30
"""Lines of an error text that are taken: a box of terraform has about ten."""

MAX_TITLE_LENGTH = 80
"""Letters of a heading."""


@dataclass(frozen=True)
class EntryDraft:
    """What a session knows of one failure."""

    error_text: str
    failed_command: str
    """The command line that failed."""
    later_commands: tuple[str, ...]
    """What was run after it, of what succeeded."""
    is_solved: bool
    """The same command succeeded later."""


def draft_from_session(
    records: Iterable[events.EventRecord], output: Callable[[str], str], library: GuideLibrary
) -> EntryDraft | None:
    """The last failure that nothing in the guide explains. `output` gives what a command (by its id) said."""
    started: dict[str, events.CommandStarted] = {}
    ended: list[events.CommandEnded] = []
    for record in records:
        match record.event:
            case events.CommandStarted() as begun:
                started[begun.command] = begun
            case events.CommandEnded() as end if end.command in started:
                ended.append(end)
    for place in range(len(ended) - 1, -1, -1):
        end = ended[place]
        if end.outcome != "failed":
            continue
        text = output(end.command)
        if not text.strip() or diagnose(library, text):
            continue
        failed = format_command_line(started[end.command].argv)
        after = [
            format_command_line(started[one.command].argv) for one in ended[place + 1 :] if one.outcome == "succeeded"
        ]
        return EntryDraft(extract_error(text), failed, tuple(dict.fromkeys(after)), failed in after)
    return None


def format_command_line(argv: Sequence[str]) -> str:
    """A command as a shell would take it."""
    return shlex.join(argv)


def extract_error(text: str) -> str:
    """From the last line that speaks of an error, else the last lines; without the box around them."""
    lines = [_BOX_CHARACTERS.sub("", line).rstrip() for line in sanitize(text).splitlines()]
    lines = [line for line in lines if line.strip()]
    starts = [at for at, line in enumerate(lines) if "error" in line.lower()]
    # A message of terraform has one line that begins it; the lines behind it belong to it.
    begun = next((at for at in reversed(starts) if "Error:" in lines[at]), starts[-1] if starts else -1)
    return "\n".join(lines[begun : begun + MAX_DRAFT_ERROR_LINES] if begun >= 0 else lines[-MAX_DRAFT_ERROR_LINES:])


_BOX_CHARACTERS = re.compile("^\\s?[\u2500-\u257f]+ ?")
_SECTION_WORDS = {
    "ko": {SectionKind.PROBLEM: "문제", SectionKind.CAUSE: "원인", SectionKind.FIX: "해결"},
    "en": {SectionKind.PROBLEM: "Problem", SectionKind.CAUSE: "Cause", SectionKind.FIX: "Fix"},
}


@dataclass(frozen=True)
class EntryFormat:
    """How a guide writes its entries."""

    language: str
    section_marks: Mapping[SectionKind, str]
    """What begins each part: `#### 문제` or `**원인**:`, as most of its entries have it."""
    heading_level: int
    """Of an entry's heading."""

    def section_opening(self, kind: SectionKind) -> str:
        korean = "ko" if self.language == "ko" else "en"
        return self.section_marks.get(kind) or f"{'#' * (self.heading_level + 1)} {_SECTION_WORDS[korean][kind]}"


def detect_entry_format(library: GuideLibrary) -> EntryFormat:
    """The form of the guide that a draft is for: the first of the library, in the language it is read in."""
    if not library.documents:
        return EntryFormat(library.language, {}, 3)
    document = library.documents[0]
    marks: dict[SectionKind, Counter[str]] = {part: Counter() for part in _SECTION_WORDS["en"]}
    levels: Counter[int] = Counter()
    for entry in document.entries:
        for line in entry.text.splitlines():
            heading = re.match(r"(#{2,6})\s+(.+?)\s*#*$", line)
            if heading and (part := exact_section_kind(heading[2])) in marks:
                # `해결 방법 1: …`: the words of that entry alone are not the form.
                marks[part][f"{heading[1]} {re.split(r'[:：(]|[0-9]', heading[2])[0].strip()}"] += 1
                levels[len(heading[1]) - 1] += 1
            elif (label := parse_label(line)) and label[0] in marks:
                marks[label[0]][f"**{label[1]}**:"] += 1
    chosen = {part: count.most_common(1)[0][0] for part, count in marks.items() if count}
    return EntryFormat(document.language, chosen, levels.most_common(1)[0][0] if levels else 3)


def render_entry(draft: EntryDraft, number: str, entry_format: EntryFormat) -> str:
    """The entry in Markdown; what nobody knows yet is left open for the team."""
    korean = entry_format.language == "ko"
    title = re.sub(r"^\W*(error|오류|fatal)\s*:\s*", "", draft.error_text.splitlines()[0], flags=re.I).strip()
    todo = "(팀에서 채워 주세요)" if korean else "(to be filled in by the team)"
    fence = "````" if "```" in draft.error_text else "```"
    said = (
        ("같은 명령이 그 뒤에 성공했습니다." if korean else "The same command succeeded after this.")
        if draft.is_solved
        else todo
    )
    parts = [
        f"{'#' * entry_format.heading_level} {number}. {title[:MAX_TITLE_LENGTH]}"
        if number
        else f"{'#' * entry_format.heading_level} {title[:MAX_TITLE_LENGTH]}",
        f"{entry_format.section_opening(SectionKind.PROBLEM)}\n{fence}\n{draft.error_text}\n{fence}",
        f"`{draft.failed_command}`",
        _open_section(entry_format.section_opening(SectionKind.CAUSE), todo),
        _open_section(entry_format.section_opening(SectionKind.FIX), said),
    ]
    if draft.later_commands:
        parts.append("```bash\n" + "\n".join(draft.later_commands) + "\n```")
    return "\n\n".join(parts) + "\n"


def _open_section(mark: str, text: str) -> str:
    return f"{mark} {text}" if mark.endswith(":") else f"{mark}\n{text}"


def next_entry_number(library: GuideLibrary, failed_command: str = "") -> str:
    """The next free number of the chapter that is about the tool that failed, else of a new chapter; none where the
    guide has no numbers."""
    entries = library.documents[0].entries if library.documents else ()
    numbered = [
        (entry, [int(part) for part in entry.number.split(".")])
        for entry in entries
        if _ENTRY_NUMBER.fullmatch(entry.number)
    ]
    if not numbered:
        return "" if entries else "1.1"
    tool = re.escape(failed_command.split(" ")[0].rpartition("/")[2]) if failed_command else ""
    names = re.compile(rf"\b({tool}|{CHAPTER_NAMES_BY_TOOL.get(tool, tool)})\b", re.I) if tool else None
    own = [number for entry, number in numbered if names and names.search(entry.chapter)]
    if own:
        chapter = own[0][0]
        return f"{chapter}.{max(number[1] for _, number in numbered if number[0] == chapter) + 1}"
    return f"{max(number[0] for _, number in numbered) + 1}.1"


_ENTRY_NUMBER = re.compile(r"\d+\.\d+")
CHAPTER_NAMES_BY_TOOL = {"gh": "GitHub", "aws": "AWS", "kubectl": "Kubernetes|쿠버네티스", "tofu": "Terraform|OpenTofu"}
"""How chapters name the tools that commands begin with, where that is another word."""


def is_recognisable(text: str) -> bool:
    """Whether what was drafted would be found again by its error text, once it stands in the guide."""
    return any(derive_signatures(entry) for entry in parse_guide(f"# Guide\n\n{text}", "draft.md").entries)

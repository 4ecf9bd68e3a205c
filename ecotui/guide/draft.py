"""Drafts an entry for a failure that the guide does not explain, from a session, in the format of the guide."""

from __future__ import annotations

import re
import shlex
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from checks.sanitize import sanitize
from ecotui.guide.matching.matcher import diagnose
from ecotui.guide.reading.derived_signatures import derive_signatures
from ecotui.guide.reading.document import parse_guide
from ecotui.guide.reading.library import GuideLibrary
from ecotui.guide.reading.sections import SectionKind, exact_section_kind, parse_label
from ecotui.session import events

MAX_DRAFT_ERROR_LINES = 30
"""Lines of an error text. A box of terraform has about ten."""

MAX_TITLE_LENGTH = 80
"""Characters of a heading."""


@dataclass(frozen=True)
class EntryDraft:
    """A failure, from a session."""

    error_text: str
    failed_command: str
    later_commands: tuple[str, ...]
    """The commands that succeeded after it."""
    is_solved: bool
    """The same command succeeded later."""


def draft_from_session(
    records: Iterable[events.EventRecord], output: Callable[[str], str], library: GuideLibrary
) -> EntryDraft | None:
    """The last failure that no entry explains. `output` returns the output of a command by its id."""
    started: dict[str, events.CommandStarted] = {}
    ended: list[events.CommandEnded] = []
    for record in records:
        match record.event:
            case events.CommandStarted() as event:
                started[event.command] = event
            case events.CommandEnded() as event if event.command in started:
                ended.append(event)
    later: list[str] = []
    for end in reversed(ended):
        command_line = shlex.join(started[end.command].argv)
        if end.outcome == "succeeded":
            later.insert(0, command_line)
        elif end.outcome == "failed":
            text = output(end.command)
            if text.strip() and not diagnose(library, text):
                is_solved = command_line in later
                return EntryDraft(extract_error(text), command_line, tuple(dict.fromkeys(later)), is_solved)
    return None


def extract_error(text: str) -> str:
    """The lines from the last one with the word error on; without one, the last lines. Boxes are removed."""
    lines = [_BOX_CHARACTERS.sub("", line).rstrip() for line in sanitize(text).splitlines()]
    lines = [line for line in lines if line.strip()]
    errors = [index for index, line in enumerate(lines) if "error" in line.lower()]
    # A message of terraform begins with `Error:`; the lines behind it belong to it.
    start = next((index for index in reversed(errors) if "Error:" in lines[index]), errors[-1] if errors else -1)
    return "\n".join(lines[start : start + MAX_DRAFT_ERROR_LINES] if start >= 0 else lines[-MAX_DRAFT_ERROR_LINES:])


_BOX_CHARACTERS = re.compile("^\\s?[\u2500-\u257f]+ ?")
_SECTION_WORDS = {
    "ko": {SectionKind.PROBLEM: "문제", SectionKind.CAUSE: "원인", SectionKind.FIX: "해결"},
    "en": {SectionKind.PROBLEM: "Problem", SectionKind.CAUSE: "Cause", SectionKind.FIX: "Fix"},
}


@dataclass(frozen=True)
class EntryFormat:
    """The format of a guide's entries."""

    language: str
    section_marks: Mapping[SectionKind, str]
    """The line that opens each section in most entries: `#### 문제` or `**원인**:`."""
    heading_level: int
    """Of an entry's heading."""

    def section_opening(self, kind: SectionKind) -> str:
        words = _SECTION_WORDS["ko" if self.language == "ko" else "en"]
        return self.section_marks.get(kind) or f"{'#' * (self.heading_level + 1)} {words[kind]}"


def detect_entry_format(library: GuideLibrary) -> EntryFormat:
    """The format of the first guide of the library, in the language of the library."""
    if not library.documents:
        return EntryFormat(library.language, {}, 3)
    document = library.documents[0]
    marks: dict[SectionKind, Counter[str]] = {kind: Counter() for kind in _SECTION_WORDS["en"]}
    levels: Counter[int] = Counter()
    for entry in document.entries:
        for line in entry.text.splitlines():
            heading = re.match(r"(#{2,6})\s+(.+?)\s*#*$", line)
            if heading and (kind := exact_section_kind(heading[2])) in marks:
                # Of `해결 방법 1: …` only the first words are common to all entries.
                marks[kind][f"{heading[1]} {re.split(r'[:：(]|[0-9]', heading[2])[0].strip()}"] += 1
                levels[len(heading[1]) - 1] += 1
            elif (label := parse_label(line)) and label[0] in marks:
                marks[label[0]][f"**{label[1]}**:"] += 1
    most_common = {kind: count.most_common(1)[0][0] for kind, count in marks.items() if count}
    return EntryFormat(document.language, most_common, levels.most_common(1)[0][0] if levels else 3)


def render_entry(draft: EntryDraft, number: str, entry_format: EntryFormat) -> str:
    """The entry in Markdown. What is not known yet is left to the team."""
    korean = entry_format.language == "ko"
    title = re.sub(r"^\W*(error|오류|fatal)\s*:\s*", "", draft.error_text.splitlines()[0], flags=re.I).strip()
    todo = "(팀에서 채워 주세요)" if korean else "(to be filled in by the team)"
    fence = "````" if "```" in draft.error_text else "```"
    solved = "같은 명령이 이후에 성공했습니다." if korean else "The same command succeeded after this."
    prefix = f"{number}. " if number else ""
    parts = [
        f"{'#' * entry_format.heading_level} {prefix}{title[:MAX_TITLE_LENGTH]}",
        f"{entry_format.section_opening(SectionKind.PROBLEM)}\n{fence}\n{draft.error_text}\n{fence}",
        f"`{draft.failed_command}`",
        _open_section(entry_format.section_opening(SectionKind.CAUSE), todo),
        _open_section(entry_format.section_opening(SectionKind.FIX), solved if draft.is_solved else todo),
    ]
    if draft.later_commands:
        parts.append("```bash\n" + "\n".join(draft.later_commands) + "\n```")
    return "\n\n".join(parts) + "\n"


def _open_section(mark: str, text: str) -> str:
    return f"{mark} {text}" if mark.endswith(":") else f"{mark}\n{text}"


def next_entry_number(library: GuideLibrary, failed_command: str = "") -> str:
    """The next free number in the chapter about the tool that failed, or in a new chapter; empty for a guide without numbers."""
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
    chapters = [number[0] for entry, number in numbered if names and names.search(entry.chapter)]
    if chapters:
        chapter = chapters[0]
        return f"{chapter}.{max(number[1] for _, number in numbered if number[0] == chapter) + 1}"
    return f"{max(number[0] for _, number in numbered) + 1}.1"


_ENTRY_NUMBER = re.compile(r"\d+\.\d+")
CHAPTER_NAMES_BY_TOOL = {"gh": "GitHub", "aws": "AWS", "kubectl": "Kubernetes|쿠버네티스", "tofu": "Terraform|OpenTofu"}
"""The names of tools in chapter titles, where they differ from their commands."""


def is_recognisable(text: str) -> bool:
    """Whether a drafted entry would be found by its error text once it is in the guide."""
    return any(derive_signatures(entry) for entry in parse_guide(f"# Guide\n\n{text}", "draft.md").entries)

"""Drafts an entry for a failure that the guide has nothing about, from a session, in the document's own form."""

from __future__ import annotations

import re
import shlex
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from checks.sanitize import sanitize
from ecotui.guide.matching.matcher import diagnose
from ecotui.guide.reading.derived_signatures import derive
from ecotui.guide.reading.document import parse
from ecotui.guide.reading.library import Library
from ecotui.guide.reading.sections import Part, label_of, section_of
from ecotui.session import events

SHOWN = 30
"""Lines of an error text that are taken: a box of terraform has about ten."""

TITLE = 80
"""Letters of a heading."""


@dataclass(frozen=True)
class Draft:
    """What a session knows of one failure."""

    error: str
    failed: str
    """The command line that failed."""
    run: tuple[str, ...]
    """What was run after it, of what succeeded."""
    solved: bool
    """The same command succeeded later."""


def draft(records: Iterable[events.Record], output: Callable[[str], str], library: Library) -> Draft | None:
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
        failed = line_of(started[end.command].argv)
        after = [
            line_of(started[one.command].argv) for one in ended[place + 1 :] if one.outcome == "succeeded"
        ]
        return Draft(error_of(text), failed, tuple(dict.fromkeys(after)), failed in after)
    return None


def line_of(argv: Sequence[str]) -> str:
    """A command as a shell would take it."""
    return shlex.join(argv)


def error_of(text: str) -> str:
    """From the last line that speaks of an error, else the last lines; without the box around them."""
    lines = [_BOX.sub("", line).rstrip() for line in sanitize(text).splitlines()]
    lines = [line for line in lines if line.strip()]
    starts = [at for at, line in enumerate(lines) if "error" in line.lower()]
    # A message of terraform has one line that begins it; the lines behind it belong to it.
    begun = next((at for at in reversed(starts) if "Error:" in lines[at]), starts[-1] if starts else -1)
    return "\n".join(lines[begun : begun + SHOWN] if begun >= 0 else lines[-SHOWN:])


_BOX = re.compile("^\\s?[\u2500-\u257f]+ ?")
_WORDS = {
    "ko": {Part.PROBLEM: "문제", Part.CAUSE: "원인", Part.FIX: "해결"},
    "en": {Part.PROBLEM: "Problem", Part.CAUSE: "Cause", Part.FIX: "Fix"},
}


@dataclass(frozen=True)
class Form:
    """How a guide writes its entries."""

    language: str
    marks: Mapping[Part, str]
    """What begins each part: `#### 문제` or `**원인**:`, as most of its entries have it."""
    level: int
    """Of an entry's heading."""

    def opens(self, part: Part) -> str:
        korean = "ko" if self.language == "ko" else "en"
        return self.marks.get(part) or f"{'#' * (self.level + 1)} {_WORDS[korean][part]}"


def form_of(library: Library) -> Form:
    """The form of the guide that a draft is for: the first of the library, in the language it is read in."""
    if not library.documents:
        return Form(library.language, {}, 3)
    document = library.documents[0]
    marks: dict[Part, Counter[str]] = {part: Counter() for part in _WORDS["en"]}
    levels: Counter[int] = Counter()
    for entry in document.entries:
        for line in entry.text.splitlines():
            heading = re.match(r"(#{2,6})\s+(.+?)\s*#*$", line)
            if heading and (part := section_of(heading[2])) in marks:
                # `해결 방법 1: …`: the words of that entry alone are not the form.
                marks[part][f"{heading[1]} {re.split(r'[:：(]|[0-9]', heading[2])[0].strip()}"] += 1
                levels[len(heading[1]) - 1] += 1
            elif (label := label_of(line)) and label[0] in marks:
                marks[label[0]][f"**{label[1]}**:"] += 1
    chosen = {part: count.most_common(1)[0][0] for part, count in marks.items() if count}
    return Form(document.language, chosen, levels.most_common(1)[0][0] if levels else 3)


def written(known: Draft, number: str, form: Form) -> str:
    """The entry in Markdown; what nobody knows yet is left open for the team."""
    korean = form.language == "ko"
    title = re.sub(r"^\W*(error|오류|fatal)\s*:\s*", "", known.error.splitlines()[0], flags=re.I).strip()
    todo = "(팀에서 채워 주세요)" if korean else "(to be filled in by the team)"
    fence = "````" if "```" in known.error else "```"
    said = (
        ("같은 명령이 그 뒤에 성공했습니다." if korean else "The same command succeeded after this.")
        if known.solved
        else todo
    )
    parts = [
        f"{'#' * form.level} {number}. {title[:TITLE]}" if number else f"{'#' * form.level} {title[:TITLE]}",
        f"{form.opens(Part.PROBLEM)}\n{fence}\n{known.error}\n{fence}",
        f"`{known.failed}`",
        _begun(form.opens(Part.CAUSE), todo),
        _begun(form.opens(Part.FIX), said),
    ]
    if known.run:
        parts.append("```bash\n" + "\n".join(known.run) + "\n```")
    return "\n\n".join(parts) + "\n"


def _begun(mark: str, text: str) -> str:
    return f"{mark} {text}" if mark.endswith(":") else f"{mark}\n{text}"


def next_number(library: Library, failed: str = "") -> str:
    """The next free number of the chapter that is about the tool that failed, else of a new chapter; none where the
    guide has no numbers."""
    entries = library.documents[0].entries if library.documents else ()
    numbered = [
        (entry, [int(part) for part in entry.number.split(".")])
        for entry in entries
        if _NUMBER.fullmatch(entry.number)
    ]
    if not numbered:
        return "" if entries else "1.1"
    tool = re.escape(failed.split(" ")[0].rpartition("/")[2]) if failed else ""
    names = re.compile(rf"\b({tool}|{TOOLS.get(tool, tool)})\b", re.I) if tool else None
    own = [number for entry, number in numbered if names and names.search(entry.chapter)]
    if own:
        chapter = own[0][0]
        return f"{chapter}.{max(number[1] for _, number in numbered if number[0] == chapter) + 1}"
    return f"{max(number[0] for _, number in numbered) + 1}.1"


_NUMBER = re.compile(r"\d+\.\d+")
TOOLS = {"gh": "GitHub", "aws": "AWS", "kubectl": "Kubernetes|쿠버네티스", "tofu": "Terraform|OpenTofu"}
"""How chapters name the tools that commands begin with, where that is another word."""


def recognised(text: str) -> bool:
    """Whether what was drafted would be found again by its error text, once it stands in the guide."""
    return any(derive(entry) for entry in parse(f"# Guide\n\n{text}", "draft.md").entries)

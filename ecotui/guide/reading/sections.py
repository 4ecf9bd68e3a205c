"""The parts of an entry, told by the words that teams head them with, in Korean and in English."""

from __future__ import annotations

import re
from enum import StrEnum


class SectionKind(StrEnum):
    """What a passage of an entry is about."""

    PROBLEM = "problem"
    CAUSE = "cause"
    CHECK = "check"
    FIX = "fix"
    FILES = "files"
    COMMIT = "commit"
    OTHER = "other"


_HEADING_WORDS = {
    SectionKind.PROBLEM: r"문제(\s*(점|상황|현상|설명))?|현상|증상|(발생\s*)?(에러|오류)(\s*(메시지|내용|로그))?|"
    r"problems?(\s+statement)?|symptoms?|issues?|errors?(\s+messages?)?|what\s+(happens|you\s+see)|observed(\s+behaviou?r)?",
    SectionKind.CAUSE: r"(근본\s*)?원인(\s*분석)?|이유|((root|possible|likely)\s+)?causes?(\s+analysis)?|reasons?|why(\s+(it|this)\s+happens)?",
    SectionKind.CHECK: r"확인(\s*(방법|사항|명령어?))?|점검(\s*(방법|사항))?|진단(\s*방법)?|검증(\s*방법)?|checks?|verify|verification|"
    r"how\s+to\s+(check|verify|confirm)|diagnos(is|e|tics)|confirm(ation)?",
    SectionKind.FIX: r"해결(\s*(방법|방안|책|절차))?|조치(\s*(방법|사항|내용))?|대응(\s*(방법|절차))?|대처(\s*방법)?|복구(\s*(방법|절차))?|"
    r"임시\s*조치|방법|fix(es)?|solutions?|resolutions?|how\s+to\s+(fix|solve|resolve)(\s+(it|this))?|remed(y|ies)|"
    r"work-?arounds?|mitigations?|methods?|options?|recovery|what\s+to\s+do|steps",
    SectionKind.FILES: r"(적용|수정|변경|관련)(된)?\s*파일|files?(\s+(changed|affected|touched))?|(changed|affected|related)\s+files?",
    SectionKind.COMMIT: r"(관련\s*)?커밋|commits?|(fixed\s+)?in\s+commit",
}
_HEADING_PATTERNS = {
    part: re.compile(rf"({words})(?P<rest>\W.*|\d.*)?", re.I) for part, words in _HEADING_WORDS.items()
}
"""A heading that is one of these words, with at most a number and an explanation behind it."""
_NUMBER_OR_END = re.compile(r"^\s*(#?\d+|[A-Z]|[①-⑳])?\s*($|[:：.)(\[\-–—/&,]|(and|및|와|과)\s)")
_TITLE_PREFIX = re.compile(r"^[\W_]*(\d+(\.\d+)*[.)]?\s+)?[\W_]*")
_NUMBER_ONLY = re.compile(r"^\s*(#?\d+|[①-⑳])?\s*(\([^)]*\)|\[[^\]]*\])?\W*$")

_WORDS_ANYWHERE = (
    (SectionKind.PROBLEM, re.compile(r"문제|현상|증상|problem|symptom|error|what happens|observed", re.I)),
    (SectionKind.CAUSE, re.compile(r"원인|cause|reason|why", re.I)),
    (SectionKind.CHECK, re.compile(r"확인|check|verify|diagnos", re.I)),
    (SectionKind.FIX, re.compile(r"해결|조치|fix|solution|resol|method|remedy|workaround", re.I)),
)
_LABEL = re.compile(r"^\s*(?:[-*+]\s+)?\*\*([^*]{1,40})\*\*\s*[:：]?\s*(.*)$")


def exact_section_kind(title: str) -> SectionKind | None:
    """The part that a heading is for, and nothing else: `원인`, `해결 방법 1: …`, `Fix`; None for any other heading.

    `Error: VcpuLimitExceeded` is how teams head a whole entry: words for the problem stand alone.
    """
    bare = _TITLE_PREFIX.sub("", title)
    for part, words in _HEADING_PATTERNS.items():
        found = words.fullmatch(bare)
        if found and (_NUMBER_ONLY if part is SectionKind.PROBLEM else _NUMBER_OR_END).match(found["rest"] or ""):
            return part
    return None


def guess_section_kind(title: str) -> SectionKind:
    """What a heading within an entry announces; the words may stand anywhere in it."""
    return exact_section_kind(title) or next(
        (part for part, words in _WORDS_ANYWHERE if words.search(title)), SectionKind.OTHER
    )


def parse_label(line: str) -> tuple[SectionKind, str, str] | None:
    """A bold label that begins a part, as (part, label, the rest of the line): `**원인**: …`."""
    if not line.lstrip().startswith(("**", "- **", "* **", "+ **")):
        return None
    found = _LABEL.match(line)
    if not found:
        return None
    label = found[1].strip(" :：")
    part = exact_section_kind(label)
    if part is None:
        # `한도 확인`: a check within a fix.
        part = next((one for one in (SectionKind.CAUSE, SectionKind.CHECK) if one is guess_section_kind(label)), None)
    return (part, label, found[2]) if part is not None else None

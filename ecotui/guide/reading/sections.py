"""The kinds of sections of an entry, recognised by the words of their headings, in Korean and English."""

from __future__ import annotations

import re
from enum import StrEnum


class SectionKind(StrEnum):
    """What a section of an entry is about."""

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
    kind: re.compile(rf"({words})(?P<rest>\W.*|\d.*)?", re.I) for kind, words in _HEADING_WORDS.items()
}
"""A heading of one of these words, with at most a number and an explanation behind it."""
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
    """The kind of section that a heading names and nothing else: `원인`, `해결 방법 1: …`, `Fix`; None for any other.

    The words for the problem must stand alone: `Error: VcpuLimitExceeded` is the heading of a whole entry.
    """
    bare = _TITLE_PREFIX.sub("", title)
    for kind, pattern in _HEADING_PATTERNS.items():
        match = pattern.fullmatch(bare)
        if match and (_NUMBER_ONLY if kind is SectionKind.PROBLEM else _NUMBER_OR_END).match(match["rest"] or ""):
            return kind
    return None


def guess_section_kind(title: str) -> SectionKind:
    """The kind of section below a heading within an entry; its words may stand anywhere in it."""
    return exact_section_kind(title) or next(
        (kind for kind, words in _WORDS_ANYWHERE if words.search(title)), SectionKind.OTHER
    )


def parse_label(line: str) -> tuple[SectionKind, str, str] | None:
    """A bold label that opens a section, such as `**원인**: …`, as (kind, label, the rest of the line)."""
    if not line.lstrip().startswith(("**", "- **", "* **", "+ **")):
        return None
    match = _LABEL.match(line)
    if not match:
        return None
    label = match[1].strip(" :：")
    kind = exact_section_kind(label)
    if kind is None and guess_section_kind(label) in (SectionKind.CAUSE, SectionKind.CHECK):
        # `한도 확인`: a check within a fix.
        kind = guess_section_kind(label)
    return (kind, label, match[2]) if kind is not None else None

"""Derives signatures from the fenced error texts of entries that have none: fixed words, with gaps for what changes."""

from __future__ import annotations

import re
from collections.abc import Iterator

from ecotui.guide.log_lines import strip_decoration
from ecotui.guide.reading.document import Entry, fenced_blocks
from ecotui.guide.reading.overlay import Signature
from ecotui.guide.reading.sections import SectionKind

MIN_FIXED_LETTERS = 12
"""Letters of fixed text that a signature needs, or it would match everything. A syllable of Korean counts as two."""

GAP_PATTERN = ".{0,200}?"
"""The gap for what changes, and for a cause that tools put behind a colon."""

_CODE_LANGUAGES = frozenset(
    re.findall(
        r"\S+",
        "c cfg conf cpp cs css diff dockerfile dotenv env go graphql groovy hcl html ini java javascript js json5 kotlin make "
        "makefile nginx php properties py python rb ruby rust scala sql swift terraform tf toml ts typescript xml yaml yml",
    )
)
"""Languages of code and settings: only plain errors in their fences count."""
_SHELL_LANGUAGES = frozenset({"bash", "sh", "shell", "zsh", "fish", "powershell", "ps1", "bat", "cmd"})
"""Languages of commands: their output is a comment, or stands below a prompt."""

_ERROR_WORDS = re.compile(
    r"error|fail|fatal|denied|refused|forbidden|unauthori[sz]ed|time[ds]? ?out|timeout|exception|cannot|can't|could ?n[o']t|"
    r"unable|\bnot (found|exist|ready|allowed|permitted|valid|enough)|invalid|expired|exceed|mismatch|panic|killed|evict|"
    r"backoff|unhealthy|too many|conflict|already|missing|\bno (such|space|basic|route)|reject|abort|corrupt|locked|"
    r"low on|blocked|오류|에러|실패|없습니다|없음|거부|초과|만료|불가|부족|[a-z](Exceeded|Exists|InUse|NotFound|Duplicate)\b",
    re.I,
)
"""The words of a line that reports an error."""
_CODE_ERROR = re.compile(r"^\s*[\w.$]*(Error|Exception)\b\s*:|^\s*(error|fatal|panic)\s*[:\[]", re.I)
_STACK_FRAME = re.compile(r"^\s*(at [\w.$<>]+\(|File \"|\.\.\. \d+ more|\d+: +0x|goroutine \d)")
_PROMPT = re.compile(r"^\s*(?:\S*[\w~/\])][$#%] |[$%❯>] )(?=\S)")
_COMMAND_LINE = re.compile(
    r"^\s*(sudo|cd|export|kubectl|helm|terraform|tofu|terragrunt|aws|gh|git|docker|podman|npm|yarn|pip|make|ssh|scp|curl|"
    r"wget|systemctl|journalctl|cat|tail|grep|ls|rm|bash|sh|python3?|psql|ansible(-playbook)?|\./\S+)\s+[\w./'\"$<-]"
)
_SETTING_LINE = re.compile(
    r"^\s*(- )?[\w.\"-]+\s*(=|:\s*$|:\s+[\w\"'{\[./-]+\s*$)|^\s*[{}\[\]]+\s*$|^[\s\"'\w.-]+\{\s*$"
)
_MESSAGE_PREFIX = re.compile(r"^\W*((caused by|error|warning)\s*:\s*|[#>│|]\s+)+", re.I)
_COLUMN_SEPARATOR = re.compile(r"\s{2,}|\t+")

_VARIABLE_TEXT = re.compile(
    r"\([^)]*\)|\"[^\"]*\"|(?<!\w)'[^']*'(?!\w)|`[^`]*`|"  # what tools put between brackets and quotes
    r"\$?\{[^}]*\}|<[^<>]*>|\$\w+|\.{3}|…|\*{2,}|[x○O]{3,}|"  # what a writer leaves open
    r"\b(?:arn|i-|vpc-|sg-|subnet-)\S*",
    re.I,
)
_GAP_MARK = "\0"
_NUMBER_LABEL = re.compile(r"(code|status|http|exit|errno)\W*$", re.I)
_GENERIC_WORDS = frozenset(
    re.findall(
        r"\S+",
        "a an and any are argument as at be been by can cannot code command completed connection context could deadline denied did "
        "directory does error errors exceeded exception exist exit expired failed failure fatal file for found from has have host "
        "if in info internal invalid is it line message no not of on or out permission process refused request response return "
        "returned server state status such that the this timed timeout to trying unable unexpected unknown was when while with "
        "오류 에러 실패 없습니다 찾을 수 파일을 확인 실패했습니다",
    )
)
"""Words that occur in errors of any kind."""


def derive_signatures(entry: Entry) -> tuple[Signature, ...]:
    """Signatures from the fenced error texts of an entry. Commands, code and settings are skipped."""
    signatures: dict[str, Signature] = {}
    for line in _error_lines(entry):
        if signature := derive_signature_from_line(line):
            signatures.setdefault(signature.match, signature)
    return tuple(signatures.values())


def _error_lines(entry: Entry) -> Iterator[str]:
    """The lines of its fences by which a person would recognise the problem."""
    lines = list(_section_output(entry, SectionKind.PROBLEM))
    # If no heading names the problem, only plain errors count.
    candidates = lines or _section_output(entry, SectionKind.OTHER)
    errors = [line for line in candidates if _ERROR_WORDS.search(line)]
    yield from errors or [line for line in lines if not _SETTING_LINE.search(line)]


def _section_output(entry: Entry, kind: SectionKind) -> Iterator[str]:
    for section in entry.sections:
        if section.kind is kind:
            for language, body in fenced_blocks(section.text):
                yield from _output_lines(language.strip().lower(), body.splitlines())


def _output_lines(language: str, lines: list[str]) -> Iterator[str]:
    """The lines of a fenced block that are output of tools."""
    prompted = any(_PROMPT.match(line) for line in lines)
    for line in lines:
        if not line.strip() or _STACK_FRAME.match(line) or _PROMPT.match(line):
            continue
        if language in _SHELL_LANGUAGES and not prompted:
            if not line.lstrip().startswith("#"):
                continue
        elif language in _CODE_LANGUAGES:
            if not _CODE_ERROR.match(line):
                continue
        elif _COMMAND_LINE.match(line) and not _ERROR_WORDS.search(line):
            continue
        if line.upper() != line or re.search("[가-힣]", line) or _ERROR_WORDS.search(line):
            yield line


def derive_signature_from_line(line: str) -> Signature | None:
    """The fixed words of one line as a signature; None if they are too few or too general."""
    if line.lstrip().startswith("{"):
        # The longest string of a JSON object is the message.
        line = max(re.findall(r'"((?:[^"\\]|\\.)*)"', line), key=len, default="")
    columns = _COLUMN_SEPARATOR.split(line.strip())
    line = columns[-1] if len(columns) > 3 and len(columns[-1].split()) > 3 else line
    words = _MESSAGE_PREFIX.sub("", strip_decoration(line))
    first, _, _ = words.partition(". ")
    for text in (first, words):
        pieces = [
            piece
            for piece in re.split(f"[{_GAP_MARK}\\s]*{_GAP_MARK}[{_GAP_MARK}\\s]*", _mark_variable_words(text))
            if piece.strip(" .,:;-")
        ]
        fixed = " ".join(pieces)
        if _count_letters(fixed) < MIN_FIXED_LETTERS or not _is_specific(fixed):
            continue
        head, *rest = [
            part + colon
            for piece in pieces
            for part, colon in re.findall(r"(.+?)(:(?=\s)|$)", piece.strip(" .,;"))
            if part.strip(" :.,;-")
        ]
        # Atomic: each part matches at its first position, so that a long text is read once.
        pattern = _pattern_of_words(head) + "".join(f"(?>{GAP_PATTERN}{_pattern_of_words(part)})" for part in rest)
        return Signature(anchor=_choose_anchor(pieces), match=pattern, kind="text")
    return None


def _mark_variable_words(text: str) -> str:
    """The text with a gap mark for every word that varies."""
    text = _VARIABLE_TEXT.sub(_GAP_MARK, text)
    words = text.split()
    for index, word in enumerate(words):
        if _GAP_MARK in word:
            # A colon stays: it separates what failed from why.
            words[index] = _GAP_MARK + (":" if word.endswith(":") else "")
        elif re.search(r"\d", word):
            port = re.fullmatch(r"\W*[A-Za-z0-9.-]*[A-Za-z.][A-Za-z0-9.-]*:(\d{2,5})\W*", word)
            if word.strip(".,;:").isdigit() and _NUMBER_LABEL.search(" ".join(words[:index])):
                continue
            if re.fullmatch(r"[A-Za-z]+\d{1,3}[a-z]*\W*", word):
                # A name: x509, ec2, utf8.
                continue
            words[index] = f"{_GAP_MARK}:{port[1]}" if port else _GAP_MARK + (":" if word.endswith(":") else "")
    return " ".join(words)


def _pattern_of_words(text: str) -> str:
    return r"\s+".join(map(re.escape, text.split()))


def _count_letters(text: str) -> int:
    return sum(2 if "가" <= letter <= "힣" else letter.isalpha() for letter in text)


def _is_specific(text: str) -> bool:
    """Whether the words are more than those of errors of any kind."""
    words = [
        word
        for word in re.findall(r"[^\W\d_]+", text)
        if word.lower() not in _GENERIC_WORDS and _count_letters(word) >= 3
    ]
    return len({word.lower() for word in words}) >= 2 or any(
        len(word) >= 9 and re.search(r"[a-z][A-Z]|[A-Z]{2}[a-z]", word) for word in words
    )


def _choose_anchor(pieces: list[str]) -> str:
    """The longest specific word and its next word. Two words are rarely wrapped apart."""
    best: tuple[int, str] = (0, "")
    for piece in pieces:
        words = piece.split()
        for index, word in enumerate(words):
            bare = word.strip(" :,.-;()[]'\"")
            weight = _count_letters(bare) * (1 if bare.lower() in _GENERIC_WORDS else 3)
            if weight > best[0]:
                phrase = bare
                if word.endswith(bare) and index + 1 < len(words):
                    following = words[index + 1].rstrip(":,.;)]'\"")
                    phrase = f"{bare} {following}" if following.isalpha() else bare
                best = (weight, phrase)
    return best[1]

"""Signatures of entries that have none: what is fixed in their fenced error texts, with what changes left open."""

from __future__ import annotations

import re
from collections.abc import Iterator

from ecotui.guide.log_lines import strip_decoration
from ecotui.guide.reading.document import Entry, fenced_blocks
from ecotui.guide.reading.overlay import Signature
from ecotui.guide.reading.sections import SectionKind

MIN_FIXED_LETTERS = 12
"""Letters of fixed text below which a signature would match everything; a syllable of Korean counts as two."""

GAP_PATTERN = ".{0,200}?"
"""Where something changes, or where tools put a cause between what failed and why: behind a colon."""

_CODE_LANGUAGES = frozenset(
    re.findall(
        r"\S+",
        "c cfg conf cpp cs css diff dockerfile dotenv env go graphql groovy hcl html ini java javascript js json5 kotlin make "
        "makefile nginx php properties py python rb ruby rust scala sql swift terraform tf toml ts typescript xml yaml yml",
    )
)
"""Languages of fences that hold code and settings: of them only what is plainly an error is taken."""
_SHELL_LANGUAGES = frozenset({"bash", "sh", "shell", "zsh", "fish", "powershell", "ps1", "bat", "cmd"})
"""Languages of fences that hold commands, in which what they said stands as a comment or behind a prompt."""

_ERROR_WORDS = re.compile(
    r"error|fail|fatal|denied|refused|forbidden|unauthori[sz]ed|time[ds]? ?out|timeout|exception|cannot|can't|could ?n[o']t|"
    r"unable|\bnot (found|exist|ready|allowed|permitted|valid|enough)|invalid|expired|exceed|mismatch|panic|killed|evict|"
    r"backoff|unhealthy|too many|conflict|already|missing|\bno (such|space|basic|route)|reject|abort|corrupt|locked|"
    r"low on|blocked|오류|에러|실패|없습니다|없음|거부|초과|만료|불가|부족|[a-z](Exceeded|Exists|InUse|NotFound|Duplicate)\b",
    re.I,
)
"""What a line says that tells of a fault."""
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
"""Words that errors of any kind are made of."""


def derive_signatures(entry: Entry) -> tuple[Signature, ...]:
    """Signatures from an entry's fenced error texts. Commands, code and settings among them are passed over."""
    found: dict[str, Signature] = {}
    for line in _error_lines(entry):
        if signature := derive_signature_from_line(line):
            found.setdefault(signature.match, signature)
    return tuple(found.values())


def _error_lines(entry: Entry) -> Iterator[str]:
    """The lines of its fences by which a person would know the problem."""
    lines = [line for body in _output_blocks(entry, SectionKind.PROBLEM) for line in body]
    faults = [line for line in lines if _ERROR_WORDS.search(line)]
    if not lines:
        # No heading says which of its texts is the problem: only what is plainly a fault is one.
        faults = [
            line for body in _output_blocks(entry, SectionKind.OTHER) for line in body if _ERROR_WORDS.search(line)
        ]
    yield from faults or [line for line in lines if not _SETTING_LINE.search(line)]


def _output_blocks(entry: Entry, part: SectionKind) -> Iterator[Iterator[str]]:
    for passage in entry.sections:
        if passage.kind is part:
            for language, body in fenced_blocks(passage.text):
                yield _output_lines(language.strip().lower(), body.splitlines())


def _output_lines(language: str, lines: list[str]) -> Iterator[str]:
    """What tools said, of a block in a language."""
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
    """The fixed words of one line as a signature; None where there is too little that is its own."""
    if line.lstrip().startswith("{"):
        # What is read of JSON is its texts; the longest is the message.
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
            part + sign
            for piece in pieces
            for part, sign in re.findall(r"(.+?)(:(?=\s)|$)", piece.strip(" .,;"))
            if part.strip(" :.,;-")
        ]
        # Each part is taken where it stands first: text that is made to be long is read once.
        pattern = _pattern_of_words(head) + "".join(f"(?>{GAP_PATTERN}{_pattern_of_words(part)})" for part in rest)
        return Signature(anchor=_choose_anchor(pieces), match=pattern, kind="text")
    return None


def _mark_variable_words(text: str) -> str:
    """The text with a hole for every word in which something changes."""
    text = _VARIABLE_TEXT.sub(_GAP_MARK, text)
    words = text.split()
    for at, word in enumerate(words):
        if _GAP_MARK in word:
            # Signs around it stay: a colon tells what failed from why.
            words[at] = _GAP_MARK + (":" if word.endswith(":") else "")
        elif re.search(r"\d", word):
            port = re.fullmatch(r"\W*[A-Za-z0-9.-]*[A-Za-z.][A-Za-z0-9.-]*:(\d{2,5})\W*", word)
            if word.strip(".,;:").isdigit() and _NUMBER_LABEL.search(" ".join(words[:at])):
                continue
            if re.fullmatch(r"[A-Za-z]+\d{1,3}[a-z]*\W*", word):
                # A name of something: x509, ec2, utf8.
                continue
            words[at] = f"{_GAP_MARK}:{port[1]}" if port else _GAP_MARK + (":" if word.endswith(":") else "")
    return " ".join(words)


def _pattern_of_words(text: str) -> str:
    return r"\s+".join(map(re.escape, text.split()))


def _count_letters(text: str) -> int:
    return sum(2 if "가" <= sign <= "힣" else sign.isalpha() for sign in text)


def _is_specific(text: str) -> bool:
    """Whether the words are more than what errors of any kind are made of."""
    words = [
        word
        for word in re.findall(r"[^\W\d_]+", text)
        if word.lower() not in _GENERIC_WORDS and _count_letters(word) >= 3
    ]
    return len({word.lower() for word in words}) >= 2 or any(
        len(word) >= 9 and re.search(r"[a-z][A-Z]|[A-Z]{2}[a-z]", word) for word in words
    )


def _choose_anchor(pieces: list[str]) -> str:
    """The longest word that is its own, with what stands beside it: few words are wrapped over few lines."""
    best: tuple[int, str] = (0, "")
    for piece in pieces:
        words = piece.split()
        for at, word in enumerate(words):
            bare = word.strip(" :,.-;()[]'\"")
            weight = _count_letters(bare) * (1 if bare.lower() in _GENERIC_WORDS else 3)
            if weight > best[0]:
                phrase = bare
                if word.endswith(bare) and at + 1 < len(words):
                    behind = words[at + 1].rstrip(":,.;)]'\"")
                    phrase = f"{bare} {behind}" if behind.isalpha() else bare
                best = (weight, phrase)
    return best[1]

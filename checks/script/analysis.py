"""What a shell script would do, as far as its text tells: what it deletes, what it applies, whether it asks. Pure.

This is reading, not running: a command that is put together at run time is not seen. So the result is for a person
who is about to consent, and never a proof that a script is harmless.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from enum import StrEnum
from pathlib import PurePosixPath

from checks.finding import FrozenStruct
from checks.sanitize import one_line

MAX_SCRIPT_CHARACTERS = 2_000_000
"""Characters of one script that are read."""
MAX_CALL_DEPTH = 3
"""How far scripts that call scripts are followed."""
MAX_EFFECT_LINES = 400
"""Deeds that are kept."""


class ScriptEffect(StrEnum):
    DESTROY = "destroys"
    """`terraform destroy`, a deletion of the AWS command line, kubectl or gh."""
    APPLY = "applies"
    PROMPT = "asks"
    """It reads an answer: under the supervisor it gets none."""
    SKIP_CONFIRMATION = "silences"
    """It switches a confirmation off."""
    NAME_PATTERN = "pattern"
    """It picks things by a part of their name."""


class ScriptLine(FrozenStruct, frozen=True):
    """One line that matters."""

    deed: ScriptEffect
    file: str
    """As the script names it."""
    number: int
    text: str
    """The command, in one line."""
    pattern: str = ""
    """For a pattern: what a name has to contain."""


class ScriptAnalysis(FrozenStruct, frozen=True):
    lines: tuple[ScriptLine, ...] = ()
    files: tuple[str, ...] = ()
    """The scripts that were read, the first one first."""
    unread: tuple[str, ...] = ()
    """Scripts that it calls and that could not be read."""

    def lines_with(self, effect: ScriptEffect) -> tuple[ScriptLine, ...]:
        return tuple(one for one in self.lines if one.deed is effect)

    @property
    def has_prompts(self) -> bool:
        return bool(self.lines_with(ScriptEffect.PROMPT))

    @property
    def summary(self) -> str:
        """What it does without asking, in one line."""
        parts = []
        if destroys := self.lines_with(ScriptEffect.DESTROY):
            parts.append(f"deletes in {len(destroys)} place{'s' if len(destroys) != 1 else ''}")
        if applies := self.lines_with(ScriptEffect.APPLY):
            parts.append(f"applies in {len(applies)}")
        told = " and ".join(parts) or "nothing that ecotui recognises as a change"
        ask = "It reads answers, and will get none" if self.has_prompts else "It asks nothing"
        return f"{ask}: by its text it {told}" if parts else f"{ask}; by its text, {told}"


_AWS_DELETE_COMMAND = r"aws\s+(?:--\S+\s+\S+\s+)*[a-z0-9-]+\s+(?:delete|terminate|release|deregister|schedule-key-deletion|remove|rb\b|rm\b|detach|disassociate)[a-z0-9-]*"
_EFFECT_PATTERNS = (
    (
        ScriptEffect.DESTROY,
        re.compile(
            rf"(?:terraform|tofu)\b[^#|;&]*\bdestroy\b|{_AWS_DELETE_COMMAND}|kubectl\b[^#|;&]*\bdelete\b|gh\s+\S+\s+delete\b|\brm\s+-[a-z]*[rf]"
        ),
    ),
    (
        ScriptEffect.APPLY,
        re.compile(r"(?:terraform|tofu)\b[^#|;&]*\bapply\b|kubectl\b[^#|;&]*\bapply\b|helm\s+(?:install|upgrade)"),
    ),
    (
        ScriptEffect.PROMPT,
        re.compile(r"(?:^|[;&|({]\s*|\bthen\s+|\bdo\s+)read\s+(?:-\w+\s+)*(?:-p\b|\w+\s*$)|\bselect\s+\w+\s+in\b"),
    ),
    (
        ScriptEffect.SKIP_CONFIRMATION,
        re.compile(r"-auto-approve\b|\bAUTO_MODE=(?:true|1|yes)|\byes\s*\||--(?:force|yes)\b|\bFORCE=(?:true|1)"),
    ),
)
_NAME_PATTERN = re.compile(
    r"""(?:contains|starts_with)\(\s*[\w.\[\]`'"]+\s*,\s*[`'"\\]*([^`'"\\)]+)|grep\s+(?:-[A-Za-z]+\s+)*['"]?([A-Za-z0-9_.*|-]{3,})"""
)
_SCRIPT_CALL = re.compile(
    r"""(?:\b(?:bash|sh|source)|(?:^|\s)\.)\s+["']?([^\s"';|&]+\.sh)|(?:^|[;&|]\s*)["']?((?:\./|\$\{?\w+\}?/|/)[^\s"';|&]+\.sh)"""
)
_PATH_PREFIX = re.compile(r"^\$\{?\w+\}?/|^\./|^/")


def analyze_script(path: str, read_text: Callable[[str], str | None]) -> ScriptAnalysis:
    """Read a script and those it calls. `open_script` gives the text of a path, or None when there is none.

    A path that begins with a variable (`$PROJECT_ROOT/scripts/x.sh`) is tried without it.
    """
    found: list[ScriptLine] = []
    files: list[str] = []
    unread: list[str] = []
    waiting = [(path, 0)]
    while waiting:
        at, depth = waiting.pop(0)
        if at in files or at in unread:
            continue
        text = read_text(at)
        if text is None:
            unread.append(at)
            continue
        files.append(at)
        for number, line in logical_lines(text[:MAX_SCRIPT_CHARACTERS]):
            found += _effect_lines(at, number, line)
            if depth < MAX_CALL_DEPTH:
                waiting += [(called, depth + 1) for called in _called_scripts(line)]
    return ScriptAnalysis(lines=tuple(found[:MAX_EFFECT_LINES]), files=tuple(files), unread=tuple(unread))


def _called_scripts(line: str) -> list[str]:
    calls = []
    for match in _SCRIPT_CALL.finditer(line):
        path = _PATH_PREFIX.sub("", match[1] or match[2])
        if path and not path.startswith(("-", "$")):
            calls.append(str(PurePosixPath(path)))
    return calls


def _effect_lines(file: str, number: int, line: str) -> list[ScriptLine]:
    text = one_line(line, limit=300)
    found = [
        ScriptLine(deed=deed, file=file, number=number, text=text)
        for deed, rule in _EFFECT_PATTERNS
        if rule.search(line)
    ]
    for match in _NAME_PATTERN.finditer(line) if re.search(r"\baws\b|--query|\|\s*grep", line) else ():
        for part in (match[1] or match[2]).split("|"):
            if part.strip():
                found.append(
                    ScriptLine(
                        deed=ScriptEffect.NAME_PATTERN,
                        file=file,
                        number=number,
                        text=text,
                        pattern=one_line(part.strip()),
                    )
                )
    return found


def logical_lines(text: str, *, keep_piped_output: bool = False) -> list[tuple[int, str]]:
    """Lines with their numbers, continued ones joined, without comments, quoted output and here-documents.

    `spoken`: output that is piped on, or that runs something, stays.
    """
    found: list[tuple[int, str]] = []
    begun, joined, until = 0, "", ""
    for number, raw in enumerate(text.splitlines(), 1):
        if until:
            until = "" if raw.strip() == until else until
            continue
        line = raw.rstrip()
        begun = begun or number
        if line.endswith("\\"):
            joined += line[:-1] + " "
            continue
        whole, start = (joined + line).strip(), begun
        joined, begun = "", 0
        here = re.search(r"<<-?\s*['\"]?(\w+)['\"]?\s*$", whole)
        if here:
            until = here[1]
        silent = whole.startswith(("echo ", "printf ", "log ", "info ", "warn ")) and not (
            keep_piped_output and ("|" in whole or "$(" in whole or "&&" in whole or ";" in whole)
        )
        if whole and not whole.startswith("#") and not silent:
            found.append((start, re.sub(r"\s#\s.*$", "", whole)))
    if joined.strip():
        found.append((begun, joined.strip()))
    return found

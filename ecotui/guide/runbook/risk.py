"""Rates the risk of a command by its words. In doubt, the operator is asked."""

from __future__ import annotations

import re
from itertools import takewhile

from checks.finding import Risk

_DESTRUCTIVE_WORDS = re.compile(
    r"^(delete|destroy|destroyed|rm|rmi|rmdir|remove|detach|terminate|force|forced|forcefully|purge|prune|drop|empty|kill|"
    r"deregister|revoke|release|disassociate|disable|drain|wipe|unlock|shutdown|reset|taint|replace|rb|"
    r"cleanup|schedule-key-deletion|autoapprove|truncate|dd|mkfs|uninstall)$"
)
_AWS_READ_ONLY_VERBS = re.compile(
    r"^(list|get|describe|lookup|search|head|check|validate|batch-get|view|ls|wait|help|simulate|estimate)\b"
)
_READ_ONLY_VERBS = {
    "terraform": frozenset({"output", "show", "validate", "plan", "graph", "providers", "version"}),
    "tofu": frozenset({"output", "show", "validate", "plan", "graph", "providers", "version"}),
    "kubectl": frozenset(
        {"get", "describe", "logs", "top", "version", "cluster-info", "explain", "api-resources", "events"}
    ),
    "gh": frozenset({"status", "list", "view"}),
    "ecotui": frozenset({"check", "diagnose", "guide", "sessions", "plan"}),
}
_READ_ONLY_PROGRAMS = frozenset(
    """ls cat head tail grep echo pwd which type date sleep ping dig host nslookup df du free ps journalctl whoami id
    uname env printenv wc file stat tree jq less more test true""".split()  # noqa: SIM905 - forty words, easier to read so
)
_INTERACTIVE_COMMANDS = (
    ("gh", "auth", "login"),
    ("gh", "auth", "refresh"),
    ("aws", "configure"),
    ("aws", "sso", "login"),
    ("terraform", "login"),
    ("ssh",),
    ("sudo",),
    ("vi",),
    ("vim",),
    ("nano",),
    ("less",),
    ("top",),
)
"""Commands that ask at the terminal."""


def needs_terminal(argv: tuple[str, ...]) -> bool:
    """Whether a command asks the operator at the terminal."""
    if argv[:3] == ("aws", "configure", "list") or "--with-token" in argv:
        return False
    return any(argv[: len(start)] == start for start in _INTERACTIVE_COMMANDS)


def command_risk(argv: tuple[str, ...]) -> Risk:
    """The risk of a command. One that is not known to only read counts as changing something."""
    if not argv:
        return Risk.READS
    name = argv[0].rpartition("/")[2]
    if name == "env" and len(argv) > 1:
        return command_risk(tuple(word for word in argv[1:] if "=" not in word or word.startswith("-")))
    # Only words before the first option: behind one, a word may be its value.
    verbs = [word for word in argv[1:4] if not word.startswith("-chdir=")]
    verbs = list(takewhile(lambda word: not word.startswith("-"), verbs))
    if name == "aws" and len(verbs) > 1 and _AWS_READ_ONLY_VERBS.match(verbs[1]):
        return Risk.READS
    text = " ".join(argv).lower().replace("auto-approve", "autoapprove")
    if any(_DESTRUCTIVE_WORDS.match(word) for word in re.split(r"[^a-z]+", text)):
        return Risk.DESTROYS
    if name in ("terraform", "tofu") and verbs[:2] in (["state", "list"], ["state", "show"]):
        return Risk.READS
    if name == "gh":
        verbs = verbs[1:]
    if verbs and verbs[0] in _READ_ONLY_VERBS.get(name, ()):
        return Risk.READS
    return Risk.READS if name in _READ_ONLY_PROGRAMS else Risk.CHANGES

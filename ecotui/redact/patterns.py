"""Patterns of secrets: what tokens, keys and passwords look like in the output of tools. One entry a format."""

from __future__ import annotations

import re
from collections.abc import Iterator


class SecretPattern:
    """Regular expressions, and a hint that each match contains: the hint is searched first, which is much quicker.

    The group that took part in a match is the secret; without one, all of it is.
    """

    def __init__(
        self, hint: str, *patterns: str | tuple[int, str], ignore_case: bool = False, is_literal: bool = False
    ) -> None:
        """`hint`: a regular expression, or a text with `is_literal`. It may match more than the patterns, never less, and
        sees characters beyond Latin-1 as question marks. A pattern with a number starts so many characters before it."""
        self.literal_hint = hint if is_literal else ""
        self.find_hint = re.compile(hint).search
        self.ignore_case = ignore_case
        """The hint is in lower case, and matches any case."""
        variants = [pattern if isinstance(pattern, tuple) else (0, pattern) for pattern in patterns]
        self.matchers = tuple((chars_before, re.compile(pattern).match) for chars_before, pattern in variants)

    def next_candidate(self, text: str, start: int) -> int:
        """Where the next match may be; -1 where there is none."""
        if self.literal_hint:
            return text.find(self.literal_hint, start)
        match = self.find_hint(text, start)
        return match.start() if match else -1


class SingleByteText:
    """A text with one byte a character: offsets are the same, and hints are found twice as fast."""

    def __init__(self, text: str) -> None:
        self.text = text
        # Bytes make only letters of ASCII small, which is all that hints have.
        encoded = text.encode("latin-1", "replace")
        self.exact = text if text.isascii() else encoded.decode("latin-1")
        self.lowercase = encoded.lower().decode("latin-1")


# What a value is made of, where it ends by itself. Never the token of a secret that was masked before.
_VALUE_CHAR = r"""[^\s"'\\,;&«»(){}<>]"""
_TOKEN_CHAR = r"""[^\s"'\\&«»]"""

_BASE64_VALUE = r"[\"']?\s?:\s{0,4}[\"']?([A-Za-z0-9+/=]{16,12288})"
_QUOTED_VALUE = r"""(?:[^"\\\n«»]|\\.){0,4096}"""
MAX_CHARS_BETWEEN_KEYS = 400
"""Characters between `sensitive` and `value` in terraform's JSON of an output: the type is between them."""


_NAME_PREFIXES = ("_", "-", "access", "auth", "session", "security", "refresh", "client")


def _lookbehind_any(*names: str) -> str:
    """A lookbehind: the text before ends in one of these, in any case."""
    return "(?ai:" + "|".join(f"(?<={name})" for name in names) + ")"


_NAME_ENDINGS = {
    # The end of a name; or the word alone, but not in an ARN, as in secretsmanager:...:secret:name
    **{
        name: f"(?:{_lookbehind_any(*(before + name for before in _NAME_PREFIXES))}|(?ai:(?<![a-z:]{name})))"
        for name in ("token", "secret")
    },
    "key": _lookbehind_any(
        *(f"{a}{sign}key" for a in ("secret", "api", "private") for sign in ("", "_", "-")),
        *(f"secret{one}access{two}key" for one in ("", "_", "-") for two in ("", "_", "-")),
    ),
}
_ASSIGNMENT_AHEAD = r"(?=[\"']?[\s?]{0,40}+[=:])"
"""Before an assignment."""
_PASSWORD_AT_LINE_START = "|".join(rf"(?<=^{indent}password)" for indent in ("", "\t", " " * 2, " " * 4, " " * 8))
"""The word starts a line, as in .netrc."""


SECRET_PATTERNS = (
    # GitHub: https://github.blog/2021-04-05-behind-githubs-new-authentication-token-formats/
    # npm, Docker Hub (their own documentation), and what npm keeps in its settings.
    SecretPattern(
        r"_(?:auth[\s?]?=|pat_(?:(?<=github_pat_)|(?<=dckr_pat_))|(?<=npm_)[A-Za-z0-9]{36}|(?<=gh[pousr]_))",
        (3, r"gh[pousr]_[A-Za-z0-9_]{16,255}"),
        (3, r"npm_[A-Za-z0-9]{36,64}(?![A-Za-z0-9])"),
        r"_pat_(?:(?<=github_pat_)|(?<=dckr_pat_))[\w-]{20,255}",
        r"_auth\s?=\s?((?=[A-Za-z0-9+/]{0,15}[\d=]|[A-Za-z0-9+/]{16})[A-Za-z0-9+/]{8,4096}={0,2})(?!\S)",
    ),
    # GitLab: personal, runner, deploy, trigger, job, feed, mail and agent tokens (its "Token overview").
    SecretPattern(
        "gl(?:pat|[rdf]t|ptt|cbt|imt|agent|soat|oas)-",
        r"(?<![A-Za-z0-9])gl(?:pat|rt|dt|ptt|cbt|ft|imt|agent|soat|oas)-[\w.-]{20,255}",
    ),
    # AWS: access key ids (AKIA long-term, ASIA temporary), and the first characters of session tokens.
    # Keys of Google's APIs start in a similar way.
    SecretPattern(
        "I(?:(?<=A[KS]I)A|(?<=AI)za|QoJb3JpZ2lu|(?<=oGZXI)vYXdz)",
        (2, r"A[KS]IA[A-Z2-7]{16}(?![A-Za-z0-9])"),
        (1, r"AIza[\w-]{35}(?![\w-])"),
        r"IQoJb3JpZ2lu[A-Za-z0-9+/=%]{20,4096}",
        (6, r"F[wQ]oGZXIvYXdz[A-Za-z0-9+/=%]{20,4096}"),
    ),
    # PyPI, Slack's incoming webhooks (their own documentation).
    SecretPattern("pypi-AgE", r"pypi-AgE[\w-]{30,512}", is_literal=True),
    SecretPattern(
        "hooks.slack.com/", r"hooks\.slack\.com/(?:services|workflows|triggers)/([\w/-]{20,255})", is_literal=True
    ),
    # .netrc on one line; where it has a line of its own, see below.
    SecretPattern(
        "machine ",
        r"(?ai:machine)\s{1,4}\S{1,255}\s{1,8}(?ai:login)\s{1,8}\S{1,128}\s{1,8}(?ai:password)\s{1,8}([^\s«»]{4,512})",
        ignore_case=True,
        is_literal=True,
    ),
    SecretPattern(
        r"x(?:-amz-(?:signature|security-token|credential)[=:]|ox[abeoprsc][.-]|app-)",
        rf"(?ai:x-amz-(?:signature|security-token|credential))[=:]\s?({_TOKEN_CHAR}{{8,4096}})"
        r"|(?ai:xox[abeoprsc](?:\.xox[bp])?)-[\w-]{10,255}|(?ai:xapp)-\d-[\w-]{10,255}",
        ignore_case=True,
    ),
    # JSON Web Tokens, Kubernetes service account tokens among them.
    SecretPattern(
        "J(?<=eyJ)", (2, r"eyJ(?:(?<![\w-]eyJ)|(?<=3[Dd]eyJ))[\w-]{8,4096}+\.eyJ[\w-]{8,8192}+\.[\w-]{8,2048}")
    ),
    SecretPattern("hvs.", r"hvs\.[\w-]{24,255}", is_literal=True),
    # A password in a URL.
    SecretPattern(r"://(?=[^\s/:@\"'#]{0,255}+:)", r"://[^\s/:@\"'?#]{0,255}+:([^\s/@\"'«»]{1,1024}+)@"),
    SecretPattern(
        "authorization",
        r"(?ai:authorization)[\"']?\s{0,4}[:=]\s{0,4}[\"']?(?ai:basic|bearer|token|negotiate|aws4-hmac-sha256)\s{1,4}"
        rf"({_TOKEN_CHAR}{{6,8192}})",
        ignore_case=True,
        is_literal=True,
    ),
    SecretPattern(
        "bearer ", r"(?ai:bearer)\s{1,4}((?=[\w.~+/=-]{0,64}\d)[\w.~+/=-]{16,8192})", ignore_case=True, is_literal=True
    ),
    # docker in Kubernetes: base64 behind a key; kubeconfig has that too, see below.
    SecretPattern(".dockerconfigjson", rf"\.dockerconfigjson{_BASE64_VALUE}", is_literal=True),
    # docker's own settings; an output of terraform that it calls sensitive, and shows all the same (output -json).
    SecretPattern(
        r"\"(?:auth|identitytoken|sensitive|value)\"",
        rf"\"(?:auth|identitytoken)\"\s{{0,4}}:\s{{0,4}}\"({_TOKEN_CHAR}{{8,8192}})\"",
        rf"\"sensitive\"\s{{0,4}}:\s{{0,4}}true\b[^{{}}]{{0,{MAX_CHARS_BETWEEN_KEYS}}}?\"value\"\s{{0,4}}:\s{{0,4}}\"({_QUOTED_VALUE})\"",
        rf"\"value\"\s{{0,4}}:\s{{0,4}}\"({_QUOTED_VALUE})\"[^{{}}]{{0,{MAX_CHARS_BETWEEN_KEYS}}}?\"sensitive\"\s{{0,4}}:\s{{0,4}}true\b",
    ),
    SecretPattern(
        "curl ",
        rf"curl [^\n]{{0,200}}?(?:-u|--user)[= ]{{0,2}}[\"']?[^\s:\"']{{1,64}}:({_TOKEN_CHAR}{{4,1024}})",
        is_literal=True,
    ),
    # Flags of commands: kubeadm join --token, docker login --password.
    SecretPattern(
        r"--(?:token|password|certificate-key|secret(?:-access-key|-key)?)[= ]",
        rf"--(?:token|password|certificate-key|secret(?:-access-key|-key)?)[= ]{{1,2}}({_TOKEN_CHAR}{{6,4096}})",
    ),
    # The end of a secret name, then = or : and a value with a digit in it, so that it is not just a word.
    *(
        SecretPattern(
            f"{name}(?:{_ASSIGNMENT_AHEAD}{ends}{also})",
            f"(?ai:{name}){ends}"
            r"[\"']?\s{0,40}+(?:=>?|:)\s{0,4}[\"']?((?!(?ai:arn:))(?=[\w+/=.~%-]{0,128}\d)"
            + _VALUE_CHAR
            + r"{12,8192})",
            *patterns,
            ignore_case=True,
        )
        for name, ends, also, *patterns in (
            ("token", _NAME_ENDINGS["token"], ""),
            ("secret", _NAME_ENDINGS["secret"], ""),
            ("key", _NAME_ENDINGS["key"], "|(?<=client-key)-data", (7, f"client-key-data{_BASE64_VALUE}")),
        )
    ),
    SecretPattern(
        rf"pass(?:word|wd|phrase)(?:{_ASSIGNMENT_AHEAD}|(?m:{_PASSWORD_AT_LINE_START})[ \t])",
        r"(?ai:pass(?:word|wd|phrase))"
        r"(?:[\"']\s{0,4}:\s{0,4}[\"']|\s{0,40}+=\s{0,4}[\"']?|:\s{0,4}(?=[\"']|" + _VALUE_CHAR + r"{0,64}[\d!@#$%^*=])"
        rf"|(?mai:{_PASSWORD_AT_LINE_START})"
        r"[ \t]{1,4}(?=[^\s«»]{0,64}[\d!@#$%^*][^\s«»]{0,512}[ \t]{0,8}(?m:$)))[\"']?"
        r"((?!(?ai:null|true|false)\b)" + _VALUE_CHAR + r"{4,1024})",
        ignore_case=True,
    ),
)


def find_pattern_matches(pattern: SecretPattern, source: SingleByteText) -> Iterator[tuple[int, int]]:
    """The spans of the secrets that match."""
    text, haystack = source.text, source.lowercase if pattern.ignore_case else source.exact
    ends = [0] * len(pattern.matchers)
    index = pattern.next_candidate(haystack, 0)
    while index >= 0:
        for variant, (chars_before, match) in enumerate(pattern.matchers):
            if index - chars_before >= ends[variant] and (span := match(text, index - chars_before)):
                ends[variant] = span.end()
                yield _secret_span(span)
        index = pattern.next_candidate(haystack, index + 1)


def _secret_span(match: re.Match[str]) -> tuple[int, int]:
    """The span of the secret: of the one group that matched, or of the whole match."""
    return match.span(match.lastindex or 0)

"""The shapes of secrets: what tokens, keys and passwords look like in the output of tools. One entry a shape."""

from __future__ import annotations

import re
from collections.abc import Iterator


class Shape:
    """Patterns, and what they all have: looking for that first is much quicker, and for several at once still more so.

    The group that took part in a match is the secret; without one, all of it is.
    """

    def __init__(
        self, has: str, *patterns: str | tuple[int, str], lower: bool = False, plain: bool = False
    ) -> None:
        """`has`: a pattern, with `plain` a text. It may stand in more than what is meant, never in less; a sign beyond
        Latin-1 is a question mark to it. With a number, a pattern begins so many characters before."""
        self.text = has if plain else ""
        self.search = re.compile(has).search
        self.lower = lower
        """What it has is given in small letters, and stands there in any."""
        ways = [one if isinstance(one, tuple) else (0, one) for one in patterns]
        self.ways = tuple((back, re.compile(pattern).match) for back, pattern in ways)

    def next(self, where: str, start: int) -> int:
        """Where the next one may be; -1 where there is none."""
        if self.text:
            return where.find(self.text, start)
        found = self.search(where, start)
        return found.start() if found else -1


class Plain:
    """A text with one byte a character: the same places, and hints are found in it twice as fast."""

    def __init__(self, text: str) -> None:
        self.text = text
        # Bytes make only letters of ASCII small, which is all that hints have.
        encoded = text.encode("latin-1", "replace")
        self.exact = text if text.isascii() else encoded.decode("latin-1")
        self.lower = encoded.lower().decode("latin-1")


# What a value is made of, where it ends by itself. Never the token of a secret that was masked before.
_VALUE = r"""[^\s"'\\,;&«»(){}<>]"""
_OPEN = r"""[^\s"'\\&«»]"""

_BASE64 = r"[\"']?\s?:\s{0,4}[\"']?([A-Za-z0-9+/=]{16,12288})"
_QUOTED = r"""(?:[^"\\\n«»]|\\.){0,4096}"""
BETWEEN = 400
"""Characters between the two words by which terraform calls an output sensitive: its type stands there."""


_BEFORE = ("_", "-", "access", "auth", "session", "security", "refresh", "client")


def _ends(*names: str) -> str:
    """A look back: what was read ends in one of these, in letters of any size."""
    return "(?ai:" + "|".join(f"(?<={name})" for name in names) + ")"


_NAMED = {
    # The end of a name that says it; or it stands alone, not in an ARN, as in secretsmanager:...:secret:name
    **{
        name: f"(?:{_ends(*(before + name for before in _BEFORE))}|(?ai:(?<![a-z:]{name})))"
        for name in ("token", "secret")
    },
    "key": _ends(
        *(f"{a}{sign}key" for a in ("secret", "api", "private") for sign in ("", "_", "-")),
        *(f"secret{one}access{two}key" for one in ("", "_", "-") for two in ("", "_", "-")),
    ),
}
_SAYS = r"(?=[\"']?[\s?]{0,40}+[=:])"
"""Before what a name is said to be."""
_ALONE = "|".join(rf"(?<=^{indent}password)" for indent in ("", "\t", " " * 2, " " * 4, " " * 8))
"""The name has a line of its own, as in .netrc."""


SHAPES = (
    # GitHub: https://github.blog/2021-04-05-behind-githubs-new-authentication-token-formats/
    # npm, Docker Hub (their own documentation), and what npm keeps in its settings.
    Shape(
        r"_(?:auth[\s?]?=|pat_(?:(?<=github_pat_)|(?<=dckr_pat_))|(?<=npm_)[A-Za-z0-9]{36}|(?<=gh[pousr]_))",
        (3, r"gh[pousr]_[A-Za-z0-9_]{16,255}"),
        (3, r"npm_[A-Za-z0-9]{36,64}(?![A-Za-z0-9])"),
        r"_pat_(?:(?<=github_pat_)|(?<=dckr_pat_))[\w-]{20,255}",
        r"_auth\s?=\s?((?=[A-Za-z0-9+/]{0,15}[\d=]|[A-Za-z0-9+/]{16})[A-Za-z0-9+/]{8,4096}={0,2})(?!\S)",
    ),
    # GitLab: personal, runner, deploy, trigger, job, feed, mail and agent tokens (its "Token overview").
    Shape(
        "gl(?:pat|[rdf]t|ptt|cbt|imt|agent|soat|oas)-",
        r"(?<![A-Za-z0-9])gl(?:pat|rt|dt|ptt|cbt|ft|imt|agent|soat|oas)-[\w.-]{20,255}",
    ),
    # AWS: access key ids (AKIA long-term, ASIA temporary), and the ways in which session tokens begin.
    # Keys of Google's APIs begin alike.
    Shape(
        "I(?:(?<=A[KS]I)A|(?<=AI)za|QoJb3JpZ2lu|(?<=oGZXI)vYXdz)",
        (2, r"A[KS]IA[A-Z2-7]{16}(?![A-Za-z0-9])"),
        (1, r"AIza[\w-]{35}(?![\w-])"),
        r"IQoJb3JpZ2lu[A-Za-z0-9+/=%]{20,4096}",
        (6, r"F[wQ]oGZXIvYXdz[A-Za-z0-9+/=%]{20,4096}"),
    ),
    # PyPI, Slack's incoming webhooks (their own documentation).
    Shape("pypi-AgE", r"pypi-AgE[\w-]{30,512}", plain=True),
    Shape(
        "hooks.slack.com/",
        r"hooks\.slack\.com/(?:services|workflows|triggers)/([\w/-]{20,255})",
        plain=True,
    ),
    # .netrc on one line; where it has a line of its own, see below.
    Shape(
        "machine ",
        r"(?ai:machine)\s{1,4}\S{1,255}\s{1,8}(?ai:login)\s{1,8}\S{1,128}\s{1,8}(?ai:password)\s{1,8}([^\s«»]{4,512})",
        lower=True,
        plain=True,
    ),
    Shape(
        r"x(?:-amz-(?:signature|security-token|credential)[=:]|ox[abeoprsc][.-]|app-)",
        rf"(?ai:x-amz-(?:signature|security-token|credential))[=:]\s?({_OPEN}{{8,4096}})"
        r"|(?ai:xox[abeoprsc](?:\.xox[bp])?)-[\w-]{10,255}|(?ai:xapp)-\d-[\w-]{10,255}",
        lower=True,
    ),
    # JSON Web Tokens, Kubernetes service account tokens among them.
    Shape(
        "J(?<=eyJ)",
        (2, r"eyJ(?:(?<![\w-]eyJ)|(?<=3[Dd]eyJ))[\w-]{8,4096}+\.eyJ[\w-]{8,8192}+\.[\w-]{8,2048}"),
    ),
    Shape("hvs.", r"hvs\.[\w-]{24,255}", plain=True),
    # A password in a URL.
    Shape(r"://(?=[^\s/:@\"'#]{0,255}+:)", r"://[^\s/:@\"'?#]{0,255}+:([^\s/@\"'«»]{1,1024}+)@"),
    Shape(
        "authorization",
        r"(?ai:authorization)[\"']?\s{0,4}[:=]\s{0,4}[\"']?(?ai:basic|bearer|token|negotiate|aws4-hmac-sha256)\s{1,4}"
        rf"({_OPEN}{{6,8192}})",
        lower=True,
        plain=True,
    ),
    Shape(
        "bearer ",
        r"(?ai:bearer)\s{1,4}((?=[\w.~+/=-]{0,64}\d)[\w.~+/=-]{16,8192})",
        lower=True,
        plain=True,
    ),
    # docker in Kubernetes: base64 behind a key; kubeconfig has that too, see below.
    Shape(".dockerconfigjson", rf"\.dockerconfigjson{_BASE64}", plain=True),
    # docker's own settings; an output of terraform that it calls sensitive, and shows all the same (output -json).
    Shape(
        r"\"(?:auth|identitytoken|sensitive|value)\"",
        rf"\"(?:auth|identitytoken)\"\s{{0,4}}:\s{{0,4}}\"({_OPEN}{{8,8192}})\"",
        rf"\"sensitive\"\s{{0,4}}:\s{{0,4}}true\b[^{{}}]{{0,{BETWEEN}}}?\"value\"\s{{0,4}}:\s{{0,4}}\"({_QUOTED})\"",
        rf"\"value\"\s{{0,4}}:\s{{0,4}}\"({_QUOTED})\"[^{{}}]{{0,{BETWEEN}}}?\"sensitive\"\s{{0,4}}:\s{{0,4}}true\b",
    ),
    Shape(
        "curl ",
        rf"curl [^\n]{{0,200}}?(?:-u|--user)[= ]{{0,2}}[\"']?[^\s:\"']{{1,64}}:({_OPEN}{{4,1024}})",
        plain=True,
    ),
    # Flags of commands: kubeadm join --token, docker login --password.
    Shape(
        r"--(?:token|password|certificate-key|secret(?:-access-key|-key)?)[= ]",
        rf"--(?:token|password|certificate-key|secret(?:-access-key|-key)?)[= ]{{1,2}}({_OPEN}{{6,4096}})",
    ),
    # The end of a name that says it, then = or : and something with a digit in it, so that it is not just a word.
    *(
        Shape(
            f"{name}(?:{_SAYS}{ends}{also})",
            f"(?ai:{name}){ends}"
            r"[\"']?\s{0,40}+(?:=>?|:)\s{0,4}[\"']?((?!(?ai:arn:))(?=[\w+/=.~%-]{0,128}\d)"
            + _VALUE
            + r"{12,8192})",
            *patterns,
            lower=True,
        )
        for name, ends, also, *patterns in (
            ("token", _NAMED["token"], ""),
            ("secret", _NAMED["secret"], ""),
            ("key", _NAMED["key"], "|(?<=client-key)-data", (7, f"client-key-data{_BASE64}")),
        )
    ),
    Shape(
        rf"pass(?:word|wd|phrase)(?:{_SAYS}|(?m:{_ALONE})[ \t])",
        r"(?ai:pass(?:word|wd|phrase))"
        r"(?:[\"']\s{0,4}:\s{0,4}[\"']|\s{0,40}+=\s{0,4}[\"']?|:\s{0,4}(?=[\"']|"
        + _VALUE
        + r"{0,64}[\d!@#$%^*=])"
        rf"|(?mai:{_ALONE})"
        r"[ \t]{1,4}(?=[^\s«»]{0,64}[\d!@#$%^*][^\s«»]{0,512}[ \t]{0,8}(?m:$)))[\"']?"
        r"((?!(?ai:null|true|false)\b)" + _VALUE + r"{4,1024})",
        lower=True,
    ),
)


def secrets_of(shape: Shape, plain: Plain) -> Iterator[tuple[int, int]]:
    """Where the secrets of these shapes stand."""
    text, where = plain.text, plain.lower if shape.lower else plain.exact
    ends = [0] * len(shape.ways)
    at = shape.next(where, 0)
    while at >= 0:
        for way, (back, match) in enumerate(shape.ways):
            if at - back >= ends[way] and (found := match(text, at - back)):
                ends[way] = found.end()
                yield _span(found)
        at = shape.next(where, at + 1)


def _span(match: re.Match[str]) -> tuple[int, int]:
    """Where the secret stands: the one group that took part, or all of it."""
    return match.span(match.lastindex or 0)

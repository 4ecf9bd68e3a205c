"""The shapes of secrets: what tokens, keys and passwords look like in the output of tools. One entry a shape."""

from __future__ import annotations

import re
from collections.abc import Iterator


class Shape:
    """A pattern, and the plain texts at one of which it must begin: looking for those is much quicker.

    The group that took part in a match is the secret; without one, all of it is.
    """

    def __init__(
        self, hints: tuple[str, ...], pattern: str, *, lower: bool = False, often: bool = False
    ) -> None:
        self.hints = hints
        self.lower = lower
        """Hints and pattern are for the text in lower case; that is quicker than to ignore the case."""
        self.often = often
        """Its hint stands in much that is no secret, and begins the pattern: there the pattern itself looks for it."""
        compiled = re.compile(pattern)
        self.match, self.finditer = compiled.match, compiled.finditer


# What a value is made of, where it ends by itself. Never the token of a secret that was masked before.
_VALUE = r"""[^\s"'\\,;&«»(){}<>]"""
_OPEN = r"""[^\s"'\\&«»]"""

_QUOTED = r"""(?:[^"\\\n«»]|\\.){0,4096}"""
BETWEEN = 400
"""Characters between the two words by which terraform calls an output sensitive: its type stands there."""


_BEFORE = ("_", "-", "access", "auth", "session", "security", "refresh", "client")


def _ends(*names: str) -> str:
    """A look back: what was read ends in one of these."""
    return "(?:" + "|".join(f"(?<={name})" for name in names) + ")"


SHAPES = (
    # GitHub: https://github.blog/2021-04-05-behind-githubs-new-authentication-token-formats/
    # GitLab: personal, runner, deploy, trigger, job, feed, mail and agent tokens (its "Token overview").
    Shape(
        ("g",),
        r"g(?:h[pousr]_[A-Za-z0-9_]{16,255}|(?<![A-Za-z0-9]g)l(?:pat|rt|dt|ptt|cbt|ft|imt|agent|soat|oas)-[\w.-]{20,255})",
        often=True,
    ),
    # AWS: access key ids (AKIA long-term, ASIA temporary), and the ways in which session tokens begin.
    # Keys of Google's APIs begin alike.
    Shape(("A",), r"A(?:[KS]IA[A-Z2-7]{16}(?![A-Za-z0-9])|Iza[\w-]{35}(?![\w-]))", often=True),
    Shape(
        ("IQoJb3JpZ2lu", "FwoGZXIvYXdz", "FQoGZXIvYXdz"),
        r"(?:IQoJb3JpZ2lu|F[wQ]oGZXIvYXdz)[A-Za-z0-9+/=%]{20,4096}",
    ),
    # Registries and chats: npm, PyPI, Docker Hub, Google, Slack's incoming webhooks (their own documentation).
    Shape(("npm_",), r"npm_[A-Za-z0-9]{36,64}(?![A-Za-z0-9])"),
    Shape(("pypi-AgE",), r"pypi-AgE[\w-]{30,512}"),
    Shape(("_pat_",), r"_pat_(?:(?<=github_pat_)|(?<=dckr_pat_))[\w-]{20,255}"),
    Shape(
        ("hooks.slack.com/",),
        r"hooks\.slack\.com/(?:services|workflows|triggers)/([\w/-]{20,255})",
    ),
    Shape(
        ("_auth",),
        r"_auth\s?=\s?((?=[A-Za-z0-9+/]{0,15}[\d=]|[A-Za-z0-9+/]{16})[A-Za-z0-9+/]{8,4096}={0,2})(?!\S)",
    ),
    # .netrc on one line; where it has a line of its own, see below.
    Shape(
        ("machine ",),
        r"machine\s{1,4}\S{1,255}\s{1,8}login\s{1,8}\S{1,128}\s{1,8}password\s{1,8}([^\s«»]{4,512})",
        lower=True,
    ),
    Shape(
        ("x",),
        rf"x(?:-amz-(?:signature|security-token|credential)[=:]\s?({_OPEN}{{8,4096}})"
        r"|ox[abeoprsc](?:\.xox[bp])?-[\w-]{10,255}|app-\d-[\w-]{10,255})",
        lower=True,
        often=True,
    ),
    # JSON Web Tokens, Kubernetes service account tokens among them.
    Shape(("eyJ",), r"eyJ(?:(?<![\w-]eyJ)|(?<=3[Dd]eyJ))[\w-]{8,4096}+\.eyJ[\w-]{8,8192}+\.[\w-]{8,2048}"),
    Shape(("hvs.",), r"hvs\.[\w-]{24,255}"),
    # A password in a URL.
    Shape(("://",), r"://[^\s/:@\"'?#]{0,255}+:([^\s/@\"'«»]{1,1024}+)@", often=True),
    Shape(
        ("authorization",),
        r"authorization[\"']?\s{0,4}[:=]\s{0,4}[\"']?(?:basic|bearer|token|negotiate|aws4-hmac-sha256)\s{1,4}"
        rf"({_OPEN}{{6,8192}})",
        lower=True,
    ),
    Shape(("bearer ",), r"bearer\s{1,4}((?=[\w.~+/=-]{0,64}\d)[\w.~+/=-]{16,8192})", lower=True),
    # kubeconfig and docker: base64 behind a key.
    Shape(
        ("client-key-data", ".dockerconfigjson"),
        r"(?:client-key-data|\.dockerconfigjson)[\"']?\s?:\s{0,4}[\"']?([A-Za-z0-9+/=]{16,12288})",
    ),
    Shape(
        ('"auth"', '"identitytoken"'),
        rf"\"(?:auth|identitytoken)\"\s{{0,4}}:\s{{0,4}}\"({_OPEN}{{8,8192}})\"",
    ),
    # An output of terraform that it calls sensitive, and shows all the same (terraform output -json).
    Shape(
        ('"sensitive"',),
        rf"\"sensitive\"\s{{0,4}}:\s{{0,4}}true\b[^{{}}]{{0,{BETWEEN}}}?\"value\"\s{{0,4}}:\s{{0,4}}\"({_QUOTED})\"",
    ),
    Shape(
        ('"value"',),
        rf"\"value\"\s{{0,4}}:\s{{0,4}}\"({_QUOTED})\"[^{{}}]{{0,{BETWEEN}}}?\"sensitive\"\s{{0,4}}:\s{{0,4}}true\b",
    ),
    Shape(
        ("curl ",),
        rf"curl [^\n]{{0,200}}?(?:-u|--user)[= ]{{0,2}}[\"']?[^\s:\"']{{1,64}}:({_OPEN}{{4,1024}})",
    ),
    # Flags of commands: kubeadm join --token, docker login --password.
    Shape(
        ("--",),
        rf"--(?:token|password|certificate-key|secret(?:-access-key|-key)?)[= ]{{1,2}}({_OPEN}{{6,4096}})",
        often=True,
    ),
    # The end of a name that says it, then = or : and something with a digit in it, so that it is not just a word.
    *(
        Shape(
            (name,),
            name
            + "(?:"
            + _ends(*(f"{before}{name}" for before in _BEFORE))
            # or it stands alone; not in an ARN, as in secretsmanager:...:secret:name
            + rf"|(?<={name})(?<![a-z:]{name}))"
            r"[\"']?\s{0,40}+(?:=>?|:)\s{0,4}[\"']?((?!arn:)(?=[\w+/=.~%-]{0,128}\d)"
            + _VALUE
            + r"{12,8192})",
            lower=True,
            often=True,
        )
        for name in ("token", "secret")
    ),
    Shape(
        ("key",),
        "key"
        + _ends(
            *(f"{a}{sign}key" for a in ("secret", "api", "private") for sign in ("", "_", "-")),
            *(f"secret{one}access{two}key" for one in ("", "_", "-") for two in ("", "_", "-")),
        )
        + r"[\"']?\s{0,40}+(?:=>?|:)\s{0,4}[\"']?((?!arn:)(?=[\w+/=.~%-]{0,128}\d)"
        + _VALUE
        + r"{12,8192})",
        lower=True,
        often=True,
    ),
    Shape(
        ("pass",),
        r"pass(?:word|wd|phrase)"
        r"(?:[\"']\s{0,4}:\s{0,4}[\"']|\s{0,40}+=\s{0,4}[\"']?|:\s{0,4}(?=[\"']|"
        + _VALUE
        + r"{0,64}[\d!@#$%^*=])"
        r"|(?m:"
        + "|".join(rf"(?<=^{indent}password)" for indent in ("", "\t", " " * 2, " " * 4, " " * 8))
        + r")[ \t]{1,4}(?=[^\s«»]{0,64}[\d!@#$%^*][^\s«»]{0,512}[ \t]{0,8}(?m:$)))[\"']?"
        r"((?!null\b|true\b|false\b)" + _VALUE + r"{4,1024})",
        lower=True,
        often=True,
    ),
)


def secrets_of(shape: Shape, text: str) -> Iterator[tuple[int, int]]:
    if shape.often:
        yield from map(_span, shape.finditer(text))
        return
    for hint in shape.hints:
        start = text.find(hint)
        while start >= 0:
            match = shape.match(text, start)
            if match is not None:
                yield _span(match)
            start = text.find(hint, match.end() if match is not None else start + len(hint))


def _span(match: re.Match[str]) -> tuple[int, int]:
    """Where the secret stands: the one group that took part, or all of it."""
    return match.span(match.lastindex or 0)

"""Secrets out, before anything reaches the disk: known shapes, and the values of variables that look secret.

A secret becomes `«secret:3fa2»`: the same secret always the same token within a session, and nothing to be learnt from
it. Ids, ARNs, hashes and paths stay readable. Imports little: the supervisor carries it.
"""

from __future__ import annotations

import base64
import hmac
import re
from collections.abc import Collection, Iterator, Mapping
from typing import Any
from urllib.parse import quote, quote_plus

from checks.sanitize import sanitize

_NAME = re.compile(
    r"(?:^|_|-)(?:\w*TOKEN|\w*SECRETS?|\w*PASSWORD|PASSWD|PASSPHRASE|\w*CREDENTIALS?|APIKEY|KEY|AUTH|PAT)(?:$|_|-)",
    re.IGNORECASE,
)
_NOT_SECRET = re.compile(
    r"(?:_(?:ID|FILE|PATH|DIR|NAME|URL|URI|ARN|TYPE|SOCK|COMMAND|EXPIRATION|EXPIRY|TTL))$", re.IGNORECASE
)

SHORTEST = 4
"""Characters. A shorter value stands in too many innocent places to be masked."""
SHORTEST_GUESSED = 8
"""The same for a variable that only looks secret by its name."""
LONGEST_SHAPE = 16_384
"""Characters. No match of a shape is longer; what is held back at a cut depends on it."""

REMEMBERED = 512
"""Tokens that are kept, so that a secret in every line is not hashed in every line."""


def looks_secret(name: str) -> bool:
    """Whether a variable of this name usually holds a secret."""
    return bool(_NAME.search(name)) and not _NOT_SECRET.search(name)


class _Shape:
    """A pattern, and the plain texts at one of which it must begin: looking for those is much quicker."""

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


_SHAPES = (
    # GitHub: https://github.blog/2021-04-05-behind-githubs-new-authentication-token-formats/
    # GitLab: personal, runner, deploy, trigger, job, feed, mail and agent tokens (its "Token overview").
    _Shape(
        ("g",),
        r"g(?:h[pousr]_[A-Za-z0-9_]{16,255}|(?<![A-Za-z0-9]g)l(?:pat|rt|dt|ptt|cbt|ft|imt|agent|soat|oas)-[\w.-]{20,255})",
        often=True,
    ),
    # AWS: access key ids (AKIA long-term, ASIA temporary), and the ways in which session tokens begin.
    # Keys of Google's APIs begin alike.
    _Shape(("A",), r"A(?:[KS]IA[A-Z2-7]{16}(?![A-Za-z0-9])|Iza[\w-]{35}(?![\w-]))", often=True),
    _Shape(
        ("IQoJb3JpZ2lu", "FwoGZXIvYXdz", "FQoGZXIvYXdz"),
        r"(?:IQoJb3JpZ2lu|F[wQ]oGZXIvYXdz)[A-Za-z0-9+/=%]{20,4096}",
    ),
    # Registries and chats: npm, PyPI, Docker Hub, Google, Slack's incoming webhooks (their own documentation).
    _Shape(("npm_",), r"npm_[A-Za-z0-9]{36,64}(?![A-Za-z0-9])"),
    _Shape(("pypi-AgE",), r"pypi-AgE[\w-]{30,512}"),
    _Shape(("_pat_",), r"_pat_(?:(?<=github_pat_)|(?<=dckr_pat_))[\w-]{20,255}"),
    _Shape(
        ("hooks.slack.com/",),
        r"hooks\.slack\.com/(?:services|workflows|triggers)/([\w/-]{20,255})",
    ),
    _Shape(
        ("_auth",),
        r"_auth\s?=\s?((?=[A-Za-z0-9+/]{0,15}[\d=]|[A-Za-z0-9+/]{16})[A-Za-z0-9+/]{8,4096}={0,2})(?!\S)",
    ),
    # .netrc on one line; where it has a line of its own, see below.
    _Shape(
        ("machine ",),
        r"machine\s{1,4}\S{1,255}\s{1,8}login\s{1,8}\S{1,128}\s{1,8}password\s{1,8}([^\s«»]{4,512})",
        lower=True,
    ),
    _Shape(
        ("x",),
        rf"x(?:-amz-(?:signature|security-token|credential)[=:]\s?({_OPEN}{{8,4096}})"
        r"|ox[abeoprsc](?:\.xox[bp])?-[\w-]{10,255}|app-\d-[\w-]{10,255})",
        lower=True,
        often=True,
    ),
    # JSON Web Tokens, Kubernetes service account tokens among them.
    _Shape(("eyJ",), r"eyJ(?:(?<![\w-]eyJ)|(?<=3[Dd]eyJ))[\w-]{8,4096}+\.eyJ[\w-]{8,8192}+\.[\w-]{8,2048}"),
    _Shape(("hvs.",), r"hvs\.[\w-]{24,255}"),
    # A password in a URL.
    _Shape(("://",), r"://[^\s/:@\"'?#]{0,255}+:([^\s/@\"'«»]{1,1024}+)@", often=True),
    _Shape(
        ("authorization",),
        r"authorization[\"']?\s{0,4}[:=]\s{0,4}[\"']?(?:basic|bearer|token|negotiate|aws4-hmac-sha256)\s{1,4}"
        rf"({_OPEN}{{6,8192}})",
        lower=True,
    ),
    _Shape(("bearer ",), r"bearer\s{1,4}((?=[\w.~+/=-]{0,64}\d)[\w.~+/=-]{16,8192})", lower=True),
    # kubeconfig and docker: base64 behind a key.
    _Shape(
        ("client-key-data", ".dockerconfigjson"),
        r"(?:client-key-data|\.dockerconfigjson)[\"']?\s?:\s{0,4}[\"']?([A-Za-z0-9+/=]{16,12288})",
    ),
    _Shape(
        ('"auth"', '"identitytoken"'),
        rf"\"(?:auth|identitytoken)\"\s{{0,4}}:\s{{0,4}}\"({_OPEN}{{8,8192}})\"",
    ),
    # An output of terraform that it calls sensitive, and shows all the same (terraform output -json).
    _Shape(
        ('"sensitive"',),
        rf"\"sensitive\"\s{{0,4}}:\s{{0,4}}true\b[^{{}}]{{0,{BETWEEN}}}?\"value\"\s{{0,4}}:\s{{0,4}}\"({_QUOTED})\"",
    ),
    _Shape(
        ('"value"',),
        rf"\"value\"\s{{0,4}}:\s{{0,4}}\"({_QUOTED})\"[^{{}}]{{0,{BETWEEN}}}?\"sensitive\"\s{{0,4}}:\s{{0,4}}true\b",
    ),
    _Shape(
        ("curl ",),
        rf"curl [^\n]{{0,200}}?(?:-u|--user)[= ]{{0,2}}[\"']?[^\s:\"']{{1,64}}:({_OPEN}{{4,1024}})",
    ),
    # Flags of commands: kubeadm join --token, docker login --password.
    _Shape(
        ("--",),
        rf"--(?:token|password|certificate-key|secret(?:-access-key|-key)?)[= ]{{1,2}}({_OPEN}{{6,4096}})",
        often=True,
    ),
    # The end of a name that says it, then = or : and something with a digit in it, so that it is not just a word.
    *(
        _Shape(
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
    _Shape(
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
    _Shape(
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

_KEY_BEGIN = re.compile(r"-----BEGIN (?:[A-Z0-9 ]{0,32})PRIVATE KEY(?: BLOCK)?-----")
_KEY_END = re.compile(r"-----END (?:[A-Z0-9 ]{0,32})PRIVATE KEY(?: BLOCK)?-----")


# terraform output -json says over several lines that a value is sensitive, then the value.
_SENSITIVE = re.compile(
    rf"\"sensitive\"\s{{0,4}}:\s{{0,4}}true\b(?![^{{}}]*\"value\"[^{{}}]*\n)[^{{}}]{{0,{BETWEEN}}}\Z"
)


def _keys(text: str) -> tuple[list[tuple[int, int]], int | None]:
    """Where private keys are, and where one begins whose end may still come."""
    spans: list[tuple[int, int]] = []
    place = 0
    while begin := _KEY_BEGIN.search(text, place):
        start = begin.start()
        end = _KEY_END.search(text, begin.end(), start + LONGEST_SHAPE)
        if end is None and len(text) - start < LONGEST_SHAPE:
            return spans, start
        # One that does not end is masked for as long as a key can be.
        place = end.end() if end is not None else start + LONGEST_SHAPE
        spans.append((start, place))
    return spans, None


class Redactor:
    """Knows the secrets of one session. Everything is text that was sanitised already."""

    def __init__(
        self, salt: bytes, *, env: Mapping[str, str] | None = None, secrets: Collection[str] = ()
    ) -> None:
        """`salt`: 32 random bytes of the session. `secrets`: names of variables whose values are secret."""
        self._salt = salt
        self._values: tuple[str, ...] = ()
        self._tokens: dict[str, str] = {}
        if env is not None:
            self.learn(env, secrets)

    @property
    def longest(self) -> int:
        """Characters: no secret that this finds is longer."""
        return max(LONGEST_SHAPE, *(len(value) for value in self._values), 0)

    def learn(self, env: Mapping[str, str], secrets: Collection[str] = ()) -> None:
        """Mask the values of the named variables, and of all whose name looks secret, in every usual encoding."""
        found = set(self._values)
        for name, value in env.items():
            if name in secrets:
                if len(value) >= SHORTEST:
                    found.update(_forms(value))
            elif (
                len(value) >= SHORTEST_GUESSED
                and looks_secret(name)
                and not value.startswith(("/", "~", "arn:"))
            ):
                found.update(_forms(value))
        # The longest first: a secret that contains another is masked whole.
        self._values = tuple(sorted(found, key=lambda value: (-len(value), value)))

    def token(self, secret: str) -> str:
        """What stands for a secret: 16 bits of a keyed hash, enough to tell two apart, too little to tell more."""
        known = self._tokens.get(secret)
        if known is None:
            digest = hmac.digest(self._salt, secret.encode("utf-8", "surrogatepass"), "sha256")
            if len(self._tokens) >= REMEMBERED:
                self._tokens.clear()
            known = self._tokens[secret] = f"«secret:{digest.hex()[:4]}»"
        return known

    def redact(self, text: str) -> str:
        """The text with every secret in it replaced. A whole text: what is cut in two is not found."""
        spans = self.spans(text)
        return self.mask(text, spans) if spans else text

    def redact_all(self, plain: Any) -> Any:
        """The same for all strings in lists and dicts."""
        if isinstance(plain, str):
            return self.redact(plain).encode("utf-8", "replace").decode() if plain else plain
        if isinstance(plain, dict):
            return {self.redact_all(key): self.redact_all(value) for key, value in plain.items()}
        if isinstance(plain, list | tuple):
            return [self.redact_all(value) for value in plain]
        return plain

    def nothing_in(self, encoded: bytes) -> bool:
        """Whether there is certainly nothing to mask in any string of this JSON: one look for many small documents."""
        if b"\\" in encoded:  # a string is not there as it is
            return False
        # Each string between two ends of lines, as if it stood alone.
        return not self.spans(encoded.decode("utf-8").replace('"', "\n"))

    def spans(self, text: str) -> list[tuple[int, int]]:
        """Where the secrets are: start and end, in order, none over another."""
        found: list[tuple[int, int]] = []
        for value in self._values:
            start = text.find(value)
            while start >= 0:
                found.append((start, start + len(value)))
                start = text.find(value, start + len(value))
        if "-----BEGIN " in text:
            keys, opened = _keys(text)
            found.extend(keys)
            if opened is not None:
                found.append((opened, len(text)))
        lower = _lower(text)
        for shape in _SHAPES:
            where = lower if shape.lower else text
            found.extend(span for span in _secrets(shape, where) if span[0] < span[1])
        return _merged(found) if found else found

    def mask(self, text: str, spans: list[tuple[int, int]]) -> str:
        """The text with these parts replaced by their tokens."""
        parts: list[str] = []
        end = 0
        for start, stop in spans:
            parts += [text[end:start], self.token(text[start:stop])]
            end = stop
        parts.append(text[end:])
        return "".join(parts)


def _lower(text: str) -> str:
    """With small letters for the capitals of ASCII, which is all that hints have: places in it are places in the text."""
    if text.isascii():
        return text.lower()
    # Of bytes only those letters are made small, and several times as fast as all letters of a text.
    return text.encode("utf-8", "surrogatepass").lower().decode("utf-8", "surrogatepass")


def _secrets(shape: _Shape, text: str) -> Iterator[tuple[int, int]]:
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


def _merged(spans: list[tuple[int, int]]) -> list[tuple[int, int]]:
    merged: list[tuple[int, int]] = []
    for start, end in sorted(spans):
        if merged and start < merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return merged


def _forms(value: str) -> Iterator[str]:
    """A secret as it is, as base64, as part of a URL, and as JSON writes it; of one with lines, each long line."""
    import json

    stripped = value.strip()
    yield value
    if len(stripped) >= SHORTEST:
        yield stripped
    data = value.encode("utf-8", "surrogatepass")
    if len(data) >= SHORTEST_GUESSED:
        yield from (data.hex(), data.hex().upper())
        for encoded in (base64.b64encode(data), base64.urlsafe_b64encode(data)):
            yield encoded.decode()
            # Inside a longer text (user:secret) the end differs; what is left of it is long enough to be sure.
            if len(encoded.rstrip(b"=")) > 16:
                yield encoded.decode().rstrip("=")[:-1]
        for shift in (1, 2):
            inner = base64.b64encode(b"\0" * shift + data).decode().rstrip("=")[shift + 1 : -1]
            if len(inner) >= 12:
                yield inner
    for encoded_text in (
        quote(value, safe="", errors="replace"),
        quote_plus(value, errors="replace"),
        json.dumps(value)[1:-1],
        json.dumps(value, ensure_ascii=False)[1:-1],
    ):
        if len(encoded_text) >= SHORTEST:
            yield encoded_text
    if "\n" in value:
        yield from (line for line in value.splitlines() if len(line) >= 12)


class Stream:
    """Sanitises and redacts bytes as they come, in bounded memory: whole lines where there are any.

    A line longer than `PIECE` is given out in pieces; what is held back at the cut is longer than any secret.
    """

    PIECE = 1 << 18
    """Bytes of one line that are collected before a part of it is given out."""

    def __init__(self, redactor: Redactor) -> None:
        self._redactor = redactor
        self._raw: list[bytes] = []
        """Bytes since the last newline; not decoded yet."""
        self._size = 0
        self._text = ""
        """Sanitised text that may hold the beginning of a secret."""

    def feed(self, data: bytes) -> str:
        """Take bytes; give out the text that is ready, perhaps none."""
        end = data.rfind(b"\n") + 1
        if end:
            self._raw.append(data[:end])
            ready = b"".join(self._raw)
            self._raw = [data[end:]] if end < len(data) else []
            self._size = len(data) - end
            return self._give(ready)
        self._raw.append(data)
        self._size += len(data)
        if self._size < self.PIECE:
            return ""
        ready = b"".join(self._raw)
        cut = _cut(ready)
        self._raw, self._size = [ready[cut:]], len(ready) - cut
        return self._give(ready[:cut])

    def close(self) -> str:
        """What is left, at the end of the output; ends with a newline unless there was nothing at all."""
        ready = b"".join(self._raw)
        self._raw, self._size = [], 0
        return self._give(ready, last=True)

    def _give(self, ready: bytes, *, last: bool = False) -> str:
        text = self._text + sanitize(ready)
        self._text = ""
        if not text:
            return ""
        spans = self._redactor.spans(text)
        cut = len(text)
        if not last:
            if not text.endswith("\n"):
                cut = max(text.rfind("\n") + 1, cut - self._redactor.longest, 0)
            if "-----BEGIN " in text and (opened := _keys(text)[1]) is not None:
                cut = min(cut, opened)
            if '"sensitive"' in text and (called := _SENSITIVE.search(text, max(len(text) - 2 * BETWEEN, 0))):
                cut = min(cut, called.start())
            for start, stop in spans:
                if start < cut < stop:
                    cut = start
        self._text = text[cut:]
        done = self._redactor.mask(text[:cut], [span for span in spans if span[1] <= cut])
        return done + "\n" if last and done and not done.endswith("\n") else done


def _cut(data: bytes) -> int:
    """Where a long line may be cut: not within a UTF-8 sequence, nor within an escape sequence."""
    cut = len(data)
    for back in range(1, 5):
        lead = data[-back]
        if lead & 0xC0 != 0x80:  # the first byte of a character: does all of it stand here?
            length = 1 if lead < 0x80 else 2 if lead < 0xE0 else 3 if lead < 0xF0 else 4
            if length > back:
                cut -= back
            break
    escape = data.rfind(b"\x1b", max(cut - 4096, 1), cut)
    return escape if escape > 0 and escape >= cut - 64 else cut

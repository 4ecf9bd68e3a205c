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
from ecotui.redact.patterns import BETWEEN, SHAPES, Plain, secrets_of

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
        plain = Plain(text)
        for value in self._values:
            # A question mark may stand for another sign there.
            where = plain.exact if value.isascii() and "?" not in value else text
            start = where.find(value)
            while start >= 0:
                found.append((start, start + len(value)))
                start = where.find(value, start + len(value))
        if "-----BEGIN " in text:
            keys, opened = _keys(text)
            found.extend(keys)
            if opened is not None:
                found.append((opened, len(text)))
        for shape in SHAPES:
            found.extend(span for span in secrets_of(shape, plain) if span[0] < span[1])
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

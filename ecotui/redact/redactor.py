"""Masks secrets before anything is written to disk: known formats, and the values of variables with secret names.

A secret becomes `«secret:3fa2»`: the same token for the same secret within a session. It says nothing of the secret.
Ids, ARNs, hashes and paths stay readable. Imports little: every supervisor loads it.
"""

from __future__ import annotations

import base64
import hmac
import re
from collections.abc import Collection, Iterator, Mapping
from typing import Any
from urllib.parse import quote, quote_plus

from checks.sanitize import sanitize
from checks.secret_names import is_secret_variable
from ecotui.redact.patterns import MAX_CHARS_BETWEEN_KEYS, SECRET_PATTERNS, SingleByteText, find_pattern_matches

MIN_SECRET_CHARS = 4
"""Characters. A shorter value occurs in too much harmless text to be masked."""
MIN_GUESSED_SECRET_CHARS = 8
"""The same for a variable that is only secret by its name."""
MAX_MATCH_CHARS = 16_384
"""Characters. No match of a pattern is longer; how much a stream holds back depends on it."""

MAX_CACHED_TOKENS = 512
"""Tokens in memory, so that a secret in every line is not hashed for every line."""


_KEY_BEGIN = re.compile(r"-----BEGIN (?:[A-Z0-9 ]{0,32})PRIVATE KEY(?: BLOCK)?-----")
_KEY_END = re.compile(r"-----END (?:[A-Z0-9 ]{0,32})PRIVATE KEY(?: BLOCK)?-----")


# terraform output -json has `sensitive`, the type and the value on several lines.
_OPEN_SENSITIVE_OUTPUT = re.compile(
    rf"\"sensitive\"\s{{0,4}}:\s{{0,4}}true\b(?![^{{}}]*\"value\"[^{{}}]*\n)[^{{}}]{{0,{MAX_CHARS_BETWEEN_KEYS}}}\Z"
)


def _find_private_keys(text: str) -> tuple[list[tuple[int, int]], int | None]:
    """The spans of private keys, and the start of one whose end may still come."""
    spans: list[tuple[int, int]] = []
    position = 0
    while match := _KEY_BEGIN.search(text, position):
        start = match.start()
        end = _KEY_END.search(text, match.end(), start + MAX_MATCH_CHARS)
        if end is None and len(text) - start < MAX_MATCH_CHARS:
            return spans, start
        # One that does not end is masked for as long as a key can be.
        position = end.end() if end is not None else start + MAX_MATCH_CHARS
        spans.append((start, position))
    return spans, None


class Redactor:
    """Masks the secrets of one session in text that was sanitised before."""

    def __init__(self, salt: bytes, *, env: Mapping[str, str] | None = None, secrets: Collection[str] = ()) -> None:
        """`salt`: 32 random bytes of the session. `secrets`: names of variables whose values are secret."""
        self._salt = salt
        self._values: tuple[str, ...] = ()
        self._tokens: dict[str, str] = {}
        if env is not None:
            self.add_secrets(env, secrets)

    @property
    def max_secret_chars(self) -> int:
        """Characters: no secret that this finds is longer."""
        return max(MAX_MATCH_CHARS, *(len(value) for value in self._values), 0)

    def add_secrets(self, env: Mapping[str, str], secrets: Collection[str] = ()) -> None:
        """Mask the values of the named variables, and of all with a secret name, in every usual encoding."""
        values = set(self._values)
        for name, value in env.items():
            if name in secrets:
                if len(value) >= MIN_SECRET_CHARS:
                    values.update(_encodings_of(value))
            elif (
                len(value) >= MIN_GUESSED_SECRET_CHARS
                and is_secret_variable(name)
                and not value.startswith(("/", "~", "arn:"))
            ):
                values.update(_encodings_of(value))
        # The longest first: a secret that contains another is masked whole.
        self._values = tuple(sorted(values, key=lambda value: (-len(value), value)))

    def token_for(self, secret: str) -> str:
        """The token of a secret: 16 bits of a keyed hash, enough to tell two secrets apart, too few to guess one."""
        token = self._tokens.get(secret)
        if token is None:
            digest = hmac.digest(self._salt, secret.encode("utf-8", "surrogatepass"), "sha256")
            if len(self._tokens) >= MAX_CACHED_TOKENS:
                self._tokens.clear()
            token = self._tokens[secret] = f"«secret:{digest.hex()[:4]}»"
        return token

    def redact(self, text: str) -> str:
        """The text with every secret replaced. Needs the whole text: a secret that is cut in two is not found."""
        spans = self.find_secrets(text)
        return self.replace_spans(text, spans) if spans else text

    def redact_values(self, plain: Any) -> Any:
        """Redact all strings in lists and dicts."""
        if isinstance(plain, str):
            return self.redact(plain).encode("utf-8", "replace").decode() if plain else plain
        if isinstance(plain, dict):
            return {self.redact_values(key): self.redact_values(value) for key, value in plain.items()}
        if isinstance(plain, list | tuple):
            return [self.redact_values(value) for value in plain]
        return plain

    def has_no_secrets(self, encoded: bytes) -> bool:
        """Whether no string of this JSON has anything to mask: one search for many small documents."""
        if b"\\" in encoded:  # a string is not there as it is
            return False
        # Each string between two ends of lines, as if it stood alone.
        return not self.find_secrets(encoded.decode("utf-8").replace('"', "\n"))

    def find_secrets(self, text: str) -> list[tuple[int, int]]:
        """The spans of the secrets, in order, without overlaps."""
        spans: list[tuple[int, int]] = []
        single_byte = SingleByteText(text)
        for value in self._values:
            # A question mark may be another character there.
            haystack = single_byte.exact if value.isascii() and "?" not in value else text
            start = haystack.find(value)
            while start >= 0:
                spans.append((start, start + len(value)))
                start = haystack.find(value, start + len(value))
        if "-----BEGIN " in text:
            keys, open_key = _find_private_keys(text)
            spans.extend(keys)
            if open_key is not None:
                spans.append((open_key, len(text)))
        for pattern in SECRET_PATTERNS:
            spans.extend(span for span in find_pattern_matches(pattern, single_byte) if span[0] < span[1])
        return _merge_spans(spans) if spans else spans

    def replace_spans(self, text: str, spans: list[tuple[int, int]]) -> str:
        """The text with these parts replaced by their tokens."""
        parts: list[str] = []
        end = 0
        for start, stop in spans:
            parts += [text[end:start], self.token_for(text[start:stop])]
            end = stop
        parts.append(text[end:])
        return "".join(parts)


def _merge_spans(spans: list[tuple[int, int]]) -> list[tuple[int, int]]:
    merged: list[tuple[int, int]] = []
    for start, end in sorted(spans):
        if merged and start < merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return merged


def _encodings_of(value: str) -> Iterator[str]:
    """A secret as it is, in hex, base64, URL and JSON encoding; of one with several lines, each long line."""
    import json

    stripped = value.strip()
    yield value
    if len(stripped) >= MIN_SECRET_CHARS:
        yield stripped
    data = value.encode("utf-8", "surrogatepass")
    if len(data) >= MIN_GUESSED_SECRET_CHARS:
        yield from (data.hex(), data.hex().upper())
        for encoded in (base64.b64encode(data), base64.urlsafe_b64encode(data)):
            yield encoded.decode()
            # Inside a longer text (user:secret) the end differs; the rest is long enough to be sure.
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
        if len(encoded_text) >= MIN_SECRET_CHARS:
            yield encoded_text
    if "\n" in value:
        yield from (line for line in value.splitlines() if len(line) >= 12)


class RedactingStream:
    """Sanitises and redacts bytes as they come, in bounded memory: whole lines where there are any.

    A line longer than `MAX_PIECE_BYTES` is returned in pieces; what is held back at the cut is longer than any secret.
    """

    MAX_PIECE_BYTES = 1 << 18
    """Bytes of one line that are collected before a part of it is returned."""

    def __init__(self, redactor: Redactor) -> None:
        self._redactor = redactor
        self._pending_bytes: list[bytes] = []
        """Bytes since the last newline; not decoded yet."""
        self._pending_size = 0
        self._pending_text = ""
        """Sanitised text that may contain the start of a secret."""

    def feed(self, data: bytes) -> str:
        """Take bytes; return the text that is ready, perhaps none."""
        end = data.rfind(b"\n") + 1
        if end:
            self._pending_bytes.append(data[:end])
            ready = b"".join(self._pending_bytes)
            self._pending_bytes = [data[end:]] if end < len(data) else []
            self._pending_size = len(data) - end
            return self._redact_ready(ready)
        self._pending_bytes.append(data)
        self._pending_size += len(data)
        if self._pending_size < self.MAX_PIECE_BYTES:
            return ""
        ready = b"".join(self._pending_bytes)
        cut = _safe_cut(ready)
        self._pending_bytes, self._pending_size = [ready[cut:]], len(ready) - cut
        return self._redact_ready(ready[:cut])

    def close(self) -> str:
        """The rest, at the end of the output; ends with a newline unless there was nothing at all."""
        ready = b"".join(self._pending_bytes)
        self._pending_bytes, self._pending_size = [], 0
        return self._redact_ready(ready, last=True)

    def _redact_ready(self, ready: bytes, *, last: bool = False) -> str:
        text = self._pending_text + sanitize(ready)
        self._pending_text = ""
        if not text:
            return ""
        spans = self._redactor.find_secrets(text)
        cut = len(text)
        if not last:
            if not text.endswith("\n"):
                cut = max(text.rfind("\n") + 1, cut - self._redactor.max_secret_chars, 0)
            if "-----BEGIN " in text and (open_key := _find_private_keys(text)[1]) is not None:
                cut = min(cut, open_key)
            if '"sensitive"' in text and (
                open_output := _OPEN_SENSITIVE_OUTPUT.search(text, max(len(text) - 2 * MAX_CHARS_BETWEEN_KEYS, 0))
            ):
                cut = min(cut, open_output.start())
            for start, stop in spans:
                if start < cut < stop:
                    cut = start
        self._pending_text = text[cut:]
        redacted = self._redactor.replace_spans(text[:cut], [span for span in spans if span[1] <= cut])
        return redacted + "\n" if last and redacted and not redacted.endswith("\n") else redacted


def _safe_cut(data: bytes) -> int:
    """Where a long line may be cut: not within a UTF-8 sequence, nor within an escape sequence."""
    cut = len(data)
    for distance in range(1, 5):
        lead = data[-distance]
        if lead & 0xC0 != 0x80:  # the first byte of a character: does all of it stand here?
            length = 1 if lead < 0x80 else 2 if lead < 0xE0 else 3 if lead < 0xF0 else 4
            if length > distance:
                cut -= distance
            break
    escape = data.rfind(b"\x1b", max(cut - 4096, 1), cut)
    return escape if escape > 0 and escape >= cut - 64 else cut

"""Text from outside, made safe to show. Called once, where the text enters the program.

Lives in the lowest layer that meets outside text, so that the wrappers can use it as well as the engine.
"""

from __future__ import annotations

import re

# The strings of OSC, DCS, SOS, PM and APC end at the end of the line at the latest: a terminal would swallow all that
# follows an open one, and a log must not.
_ESCAPE_SEQUENCES = re.compile(
    r"\x1b\][^\x07\x1b\x9c\n]*(?:\x07|\x1b\\|\x9c)?"  # OSC: titles, links, the clipboard (52)
    r"|\x1b[PX^_][^\x1b\x9c\n]*(?:\x1b(?!\\)[^\x1b\x9c\n]*)*(?:\x1b\\|\x9c)?"  # DCS, SOS, PM, APC
    r"|\x1b\[[0-?]*[ -/]*[@-~]?"  # CSI, SGR included
    r"|\x1b[ -/]*[0-~]?"  # the two- and three-byte rest, such as ESC c
)
# The same begun by one C1 character, as an 8-bit terminal takes it.
_C1_ESCAPES = re.compile(
    "\x9d[^\x07\x1b\x9c\n]*(?:\x07|\x1b\\\\|\x9c)?"
    "|[\x90\x98\x9e\x9f][^\x1b\x9c\n]*(?:\x1b\\\\|\x9c)?"
    "|\x9b[0-?]*[ -/]*[@-~]?"
)
_CONTROL_CHARACTERS = re.compile("[\x00-\x08\x0b-\x1f\x7f]")
_UNSAFE_UNICODE = re.compile(
    "[\x80-\x9f"  # C1
    # Signs that reorder or hide what is displayed: bidirectional controls, zero width (not the joiners, which scripts
    # and emoji need), soft hyphen, separators that some programs take for a line end, the byte order mark, tags.
    "\u00ad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff\ufff9-\ufffb\U000e0000-\U000e007f]"
)
_UNSAFE_UTF8_PREFIXES = (
    b"\xc2", b"\xd8\x9c", b"\xe1\xa0\x8e", b"\xe2\x80", b"\xe2\x81", b"\xef\xbb\xbf", b"\xef\xbf", b"\xf3\xa0",
)  # fmt: skip
"""How those begin in UTF-8; text without them needs no look at each character. Hangul and boxes have none of them."""
_SAFE_BYTES = bytes(
    byte
    for byte in range(256)
    if byte not in (*range(9), *range(11, 32), 127) and byte not in {begin[0] for begin in _UNSAFE_UTF8_PREFIXES}
)
"""Bytes that begin nothing that has to be taken out: most texts have no others, which one pass tells."""
_SURROGATES = re.compile("[\ud800-\udfff]")
_BYTE_SCAN_THRESHOLD = 1000
"""Characters from which a text is scanned as bytes first: faster than a search for each kind of sign."""


def sanitize(text: str | bytes, *, limit: int | None = None) -> str:
    """Plain text without control sequences, control characters or reordering signs; it can be encoded as UTF-8.

    Newlines and tabs stay; a carriage return starts its line anew, as a terminal would show it.
    `limit` is in characters; what is cut is said.
    """
    if isinstance(text, bytes):
        clean = _is_clean(text)
        text = text.decode("utf-8", errors="replace")
    else:
        clean = len(text) > _BYTE_SCAN_THRESHOLD and _is_clean_text(text)
    if limit is not None and len(text) > limit:
        text = f"{text[:limit]}… ({len(text) - limit} more characters)"
    if clean:
        return text
    if "\x1b" in text:
        text = _ESCAPE_SEQUENCES.sub("", text)
    if not text.isascii():
        text = _C1_ESCAPES.sub("", text)
    if "\r" in text:
        text = text.replace("\r\n", "\n")
        if "\r" in text:
            text = "\n".join(line.rstrip("\r").rpartition("\r")[2] for line in text.split("\n"))
    text = _CONTROL_CHARACTERS.sub("", text)
    if not text.isascii():
        text = _SURROGATES.sub("\ufffd", _UNSAFE_UNICODE.sub("", text))
    return text


def _is_clean_text(text: str) -> bool:
    """The same of text that was decoded already."""
    try:
        return _is_clean(text.encode())
    except UnicodeEncodeError:  # half of a surrogate pair
        return False


def _is_clean(data: bytes) -> bool:
    """Whether there is certainly nothing to take out."""
    doubtful = set(data.translate(None, _SAFE_BYTES))
    if not doubtful:
        return True
    begins = [begin for begin in _UNSAFE_UTF8_PREFIXES if begin[0] in doubtful]
    return doubtful == {begin[0] for begin in begins} and not any(begin in data for begin in begins)


def one_line(text: str | bytes, *, limit: int = 300) -> str:
    """The same, folded into one line of at most `limit` characters."""
    folded = " ".join(sanitize(text, limit=limit * 8).split())
    return folded if len(folded) <= limit else folded[: limit - 1] + "…"

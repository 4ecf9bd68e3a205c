"""Signatures of entries that have none: what is fixed in their fenced error texts."""

from __future__ import annotations

import re

from ecotui.guide.document import Entry
from ecotui.guide.overlay import Signature

_CHANGING = re.compile(r"\([^)]*\)|\"[^\"]*\"|'[^']*'|`[^`]*`|<[^>]*>|\b(?:arn|i-|vpc-|sg-)\S*|\b\d[\w.:/-]*")
LEAST = 12
"""Letters of a fixed text below which a derived signature would match everything."""


def derive(entry: Entry) -> tuple[Signature, ...]:
    """Signatures from an entry's fenced error texts: what is fixed in them, with what changes left open."""
    signatures = []
    for body in entry.errors:
        for line in body.splitlines():
            words = " ".join(line.split()).removeprefix("Error:").removeprefix("Warning:").strip()
            pieces = [piece.strip() for piece in _CHANGING.split(words)]
            anchor = max(pieces, key=len, default="").strip(" :,.-")
            if len(anchor) < LEAST or (" " not in anchor and not re.search(r"[a-z][A-Z]", anchor)):
                continue
            pattern = r".{0,120}?".join(
                r"\s+".join(map(re.escape, piece.split())) for piece in pieces if piece
            )
            signatures.append(Signature(anchor=anchor, match=pattern, kind="text"))
    return tuple(signatures)

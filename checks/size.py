"""A number of bytes in words."""

from __future__ import annotations


def format_size(size: int) -> str:
    """Bytes for a person, in powers of 1,000: `812 bytes`, `12.3 kB`, `340 MB`, `1.23 GB`."""
    if size < 1000:
        return f"{size} bytes"
    amount = size / 1000
    for unit in ("kB", "MB"):
        if amount < 1000:
            return f"{amount:.0f} {unit}" if amount >= 100 else f"{amount:.1f} {unit}"
        amount /= 1000
    return f"{amount:.2f} GB"

"""What the commands print: one JSON document, or plain lines."""

from __future__ import annotations

import json
import sys
from typing import Any


def print_document(command: str, body: dict[str, Any], *, version: int = 1) -> None:
    """Print one JSON document with its schema name; stdout carries nothing else."""
    json.dump({"schema": f"ecotui.{command}/{version}", **body}, sys.stdout, ensure_ascii=False, indent=2)
    sys.stdout.write("\n")

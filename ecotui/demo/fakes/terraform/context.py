"""What the functions that make resources stand on."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

Attributes = dict[str, Any]
Client = Callable[..., Any]
"""boto3's client(service, region_name=None)."""


class Context:
    """What the functions stand on: clients, and the attributes of everything made so far by address."""

    def __init__(self, client: Client, known: Mapping[str, Attributes]) -> None:
        self.client, self.known = client, known

    def id(self, address: str) -> str:
        return str(self.known[address]["id"])

    def get(self, address: str, attribute: str) -> str:
        return str(self.known[address][attribute])


def tags(after: Attributes) -> list[dict[str, str]]:
    return [{"Key": key, "Value": value} for key, value in (after.get("tags_all") or {}).items()]


def tagged(kind: str, after: Attributes) -> list[dict[str, Any]]:
    return [{"ResourceType": kind, "Tags": tags(after)}]

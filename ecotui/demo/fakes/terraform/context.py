"""What the functions that make resources stand on."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

Attributes = dict[str, Any]
ClientFactory = Callable[..., Any]
"""boto3's client(service, region_name=None)."""


class CreationContext:
    """What the functions stand on: clients, and the attributes of everything made so far by address."""

    def __init__(self, client: ClientFactory, resources: Mapping[str, Attributes]) -> None:
        self.client, self.resources = client, resources

    def resource_id(self, address: str) -> str:
        return str(self.resources[address]["id"])

    def attribute(self, address: str, attribute: str) -> str:
        return str(self.resources[address][attribute])


def tag_list(after: Attributes) -> list[dict[str, str]]:
    return [{"Key": key, "Value": value} for key, value in (after.get("tags_all") or {}).items()]


def tag_specifications(kind: str, after: Attributes) -> list[dict[str, Any]]:
    return [{"ResourceType": kind, "Tags": tag_list(after)}]

"""The resources that a plan destroys, indexed by type; used to find out what blocks a destruction."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import cached_property
from typing import Any

from checks.apply.plan.model import PlannedChange

_CONTROLLER_NAME = re.compile(r"^(?:k8s-|a[0-9a-f]{31}$)")
"""Names of the AWS Load Balancer Controller, and of Kubernetes' own cloud provider (`a` and the service's uid)."""
_SERVICE_TYPES = re.compile(r"^(?:kubernetes_(?:service|ingress|manifest|namespace)\w*|kubectl_manifest|helm_release)$")


class DestroySet:
    """What a plan destroys, and what it takes off something else by an update."""

    def __init__(self, planned: Iterable[PlannedChange]) -> None:
        self._by_type: dict[str, list[PlannedChange]] = {}
        self._updated: list[PlannedChange] = []
        for one in planned:
            if one.destroys:
                self._by_type.setdefault(one.type, []).append(one)
            elif one.actions == ("update",):
                self._updated.append(one)

    def resources(self) -> list[PlannedChange]:
        return [one for ones in self._by_type.values() for one in ones]

    def attribute_values(self, type_: str, attribute: str, **same: Any) -> set[str]:
        """An attribute of the destroyed resources of a type whose other attributes are the `same`; lists are flattened."""
        found: set[str] = set()
        for one in self._by_type.get(type_, ()):
            if all(one.before.get(key) == value for key, value in same.items()):
                value = one.before.get(attribute)
                found |= {str(each) for each in (value if isinstance(value, list) else [value]) if each}
        return found

    def released_with(self, change: PlannedChange) -> list[PlannedChange]:
        """Everything that no longer uses a resource when it is destroyed: what is destroyed as well, or updated to drop it.

        Not the update where it is replaced, old one first: what uses it is changed only when the new one is there
        (terraform, docs/destroying.md), which is why AWS refuses.
        """
        gone = [one for one in self.resources() if one is not change]
        if change.actions == ("delete", "create"):
            return gone
        id_ = change.before.get("id")
        return gone + [one for one in self.users_of(id_) if one.actions == ("update",) and not mentions(one.after, id_)]

    def is_deleted_with_service(self, name: str) -> bool:
        """Whether a load balancer (or a group of one) of this name may go with a service or an ingress of the cluster that
        the plan destroys: its name is one of a controller's, and the controller deletes it again."""
        return bool(_CONTROLLER_NAME.match(name)) and any(_SERVICE_TYPES.match(type_) for type_ in self._by_type)

    def users_of(self, text: Any) -> list[PlannedChange]:
        """What is destroyed or updated, and has this text somewhere in its present attributes."""
        return self._users_by_text.get(text, []) if isinstance(text, str) else []

    @cached_property
    def _users_by_text(self) -> dict[str, list[PlannedChange]]:
        """By text: the attributes of a plan with thousands of resources are read once."""
        found: dict[str, list[PlannedChange]] = {}
        for one in [*self.resources(), *self._updated]:
            for word in set(_iter_texts(one.before)):
                found.setdefault(word, []).append(one)
        return found


def _iter_texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for each in value.values() if isinstance(value, dict) else value:
            yield from _iter_texts(each)


def mentions(value: Any, text: Any) -> bool:
    """Whether the text is anywhere in the attributes."""
    if isinstance(value, dict):
        return any(mentions(each, text) for each in value.values())
    if isinstance(value, list):
        return any(mentions(each, text) for each in value)
    return bool(text) and value == text

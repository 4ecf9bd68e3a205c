"""What the cluster can do: the documents that kubectl reads before it asks for anything."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

AGGREGATED = "apidiscovery.k8s.io"


@dataclass(frozen=True)
class Resource:
    """A kind of object, under the plural name of its path."""

    plural: str
    singular: str
    kind: str
    group: str
    version: str
    namespaced: bool
    short: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()

    @property
    def api_version(self) -> str:
        return f"{self.group}/{self.version}" if self.group else self.version


RESOURCES = {
    resource.plural: resource
    for resource in (
        Resource("nodes", "node", "Node", "", "v1", False, ("no",)),
        Resource("pods", "pod", "Pod", "", "v1", True, ("po",), ("all",)),
        Resource("services", "service", "Service", "", "v1", True, ("svc",), ("all",)),
        Resource("namespaces", "namespace", "Namespace", "", "v1", False, ("ns",)),
        Resource("events", "event", "Event", "", "v1", True, ("ev",)),
        Resource("deployments", "deployment", "Deployment", "apps", "v1", True, ("deploy",), ("all",)),
    )
}
_VERBS = ["get", "list", "watch"]


def core() -> dict[str, Any]:
    """/api, as servers before aggregated discovery answer it."""
    return {"kind": "APIVersions", "versions": ["v1"], "serverAddressByClientCIDRs": []}


def groups() -> dict[str, Any]:
    """/apis, likewise."""
    version = {"groupVersion": "apps/v1", "version": "v1"}
    return {
        "kind": "APIGroupList",
        "apiVersion": "v1",
        "groups": [{"name": "apps", "versions": [version], "preferredVersion": version}],
    }


def resources(group: str, version: str) -> dict[str, Any] | None:
    """/api/v1 or /apis/GROUP/VERSION; None for a group that is not there."""
    found = [item for item in RESOURCES.values() if (item.group, item.version) == (group, version)]
    if not found:
        return None
    return {
        "kind": "APIResourceList",
        "apiVersion": "v1",
        "groupVersion": found[0].api_version,
        "resources": [
            {
                "name": item.plural,
                "singularName": item.singular,
                "namespaced": item.namespaced,
                "kind": item.kind,
                "verbs": _VERBS,
                "shortNames": list(item.short),
                "categories": list(item.categories),
            }
            for item in found
        ],
    }


def aggregated(group: str, document: str) -> dict[str, Any]:
    """/api (group "") or /apis in one document; `document` is v2 or v2beta1."""
    return {
        "kind": "APIGroupDiscoveryList",
        "apiVersion": f"{AGGREGATED}/{document}",
        "metadata": {},
        "items": [
            {
                "metadata": {"name": group, "creationTimestamp": None}
                if group
                else {"creationTimestamp": None},
                "versions": [
                    {
                        "version": "v1",
                        "freshness": "Current",
                        "resources": [
                            {
                                "resource": item.plural,
                                "responseKind": {
                                    "group": item.group,
                                    "version": item.version,
                                    "kind": item.kind,
                                },
                                "scope": "Namespaced" if item.namespaced else "Cluster",
                                "singularResource": item.singular,
                                "verbs": _VERBS,
                                "shortNames": list(item.short),
                                "categories": list(item.categories),
                            }
                            for item in RESOURCES.values()
                            if item.group == group
                        ],
                    }
                ],
            }
        ],
    }

"""What the cluster can do: the documents that kubectl reads before it asks for anything."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

DISCOVERY_GROUP = "apidiscovery.k8s.io"


@dataclass(frozen=True)
class ApiResource:
    """A kind of object, under the plural name of its path."""

    plural: str
    singular: str
    kind: str
    group: str
    version: str
    is_namespaced: bool
    short_names: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()

    @property
    def api_version(self) -> str:
        return f"{self.group}/{self.version}" if self.group else self.version


API_RESOURCES = {
    resource.plural: resource
    for resource in (
        ApiResource("nodes", "node", "Node", "", "v1", False, ("no",)),
        ApiResource("pods", "pod", "Pod", "", "v1", True, ("po",), ("all",)),
        ApiResource("services", "service", "Service", "", "v1", True, ("svc",), ("all",)),
        ApiResource("namespaces", "namespace", "Namespace", "", "v1", False, ("ns",)),
        ApiResource("events", "event", "Event", "", "v1", True, ("ev",)),
        ApiResource("deployments", "deployment", "Deployment", "apps", "v1", True, ("deploy",), ("all",)),
    )
}
_VERBS = ["get", "list", "watch"]


def core_versions() -> dict[str, Any]:
    """/api, as servers before aggregated discovery answer it."""
    return {"kind": "APIVersions", "versions": ["v1"], "serverAddressByClientCIDRs": []}


def group_list() -> dict[str, Any]:
    """/apis, likewise."""
    version = {"groupVersion": "apps/v1", "version": "v1"}
    return {
        "kind": "APIGroupList",
        "apiVersion": "v1",
        "groups": [{"name": "apps", "versions": [version], "preferredVersion": version}],
    }


def resource_list(group: str, version: str) -> dict[str, Any] | None:
    """/api/v1 or /apis/GROUP/VERSION; None for a group that is not there."""
    found = [item for item in API_RESOURCES.values() if (item.group, item.version) == (group, version)]
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
                "namespaced": item.is_namespaced,
                "kind": item.kind,
                "verbs": _VERBS,
                "shortNames": list(item.short_names),
                "categories": list(item.categories),
            }
            for item in found
        ],
    }


def aggregated_discovery(group: str, document_version: str) -> dict[str, Any]:
    """/api (group "") or /apis in one document; `document` is v2 or v2beta1."""
    return {
        "kind": "APIGroupDiscoveryList",
        "apiVersion": f"{DISCOVERY_GROUP}/{document_version}",
        "metadata": {},
        "items": [
            {
                "metadata": {"name": group, "creationTimestamp": None} if group else {"creationTimestamp": None},
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
                                "scope": "Namespaced" if item.is_namespaced else "Cluster",
                                "singularResource": item.singular,
                                "verbs": _VERBS,
                                "shortNames": list(item.short_names),
                                "categories": list(item.categories),
                            }
                            for item in API_RESOURCES.values()
                            if item.group == group
                        ],
                    }
                ],
            }
        ],
    }

"""The paths of the API server: versions, health, discovery, lists, single objects and watches; read-only."""

from __future__ import annotations

import base64
import hmac
import json
import platform
import re
import time
from collections.abc import Callable, Iterator
from typing import Any

from ecotui.demo.http_server import HttpRequest, HttpResponse, json_response
from ecotui.demo.kubernetes import discovery
from ecotui.demo.kubernetes.objects import KUBERNETES_VERSION, KubeObject
from ecotui.demo.kubernetes.store import ClusterStore, VersionExpired, WatchEvent
from ecotui.demo.kubernetes.tables import build_table

# Seconds between two looks of a watch, and between two bookmarks.
_POLL_SECONDS = 0.5
_BOOKMARK_SECONDS = 10.0
# Seconds after which a watch that names no timeout ends; kubectl then has to start it again, as with a real server.
_WATCH_TIMEOUT_SECONDS = 1800.0

_OBJECT_PATH = re.compile(
    r"/(?:api/(?P<core>v1)|apis/(?P<group>[^/]+)/(?P<version>[^/]+))"
    r"(?:/namespaces/(?P<namespace>[^/]+)(?=/[^/]))?/(?P<plural>[^/]+)(?:/(?P<name>[^/]+))?"
)
_SELECTOR_TERM = re.compile(r"([^=!]+)(!=|==|=)(.*)")


def _failure_response(code: int, reason: str, message: str, details: dict[str, Any] | None = None) -> HttpResponse:
    """A failure as the API server words it: a Status object."""
    body = {
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": {},
        "status": "Failure",
        "message": message,
        "reason": reason,
        **({"details": details} if details else {}),
        "code": code,
    }
    return json_response(body, code)


class KubernetesApi:
    """Answers requests that carry the token; 401 for all others."""

    def __init__(self, store: ClusterStore, token: str, is_stopped: Callable[[], bool]) -> None:
        self._store, self._token, self._is_stopped = store, token, is_stopped

    def __call__(self, request: HttpRequest) -> HttpResponse:
        path = request.path.rstrip("/") or "/"
        if path in ("/readyz", "/livez", "/healthz"):
            verbose = f"[+]ping ok\n[+]etcd ok\n{path[1:]} check passed\n"
            text = verbose if "verbose" in request.query else "ok"
            return HttpResponse(200, text.encode(), {"Content-Type": "text/plain; charset=utf-8"})
        given = request.headers.get("authorization", "")
        if not hmac.compare_digest(given.encode(), f"Bearer {self._token}".encode()):
            return _failure_response(401, "Unauthorized", "Unauthorized")
        if not self._store.has_master:
            return _failure_response(503, "ServiceUnavailable", "the server is currently unable to handle the request")
        if request.method not in ("GET", "HEAD"):
            return _failure_response(405, "MethodNotAllowed", "the demo's cluster is read-only")
        return self._handle_discovery(path, request) or self._handle_objects(path, request)

    def _handle_discovery(self, path: str, request: HttpRequest) -> HttpResponse | None:
        if path == "/version":
            return json_response(_version_document())
        if path in ("/api", "/apis"):
            found = re.search(r"as=APIGroupDiscoveryList", request.headers.get("accept", ""))
            if found:
                accept = request.headers["accept"]
                document = "v2" if re.search(r"v=v2(?![a-z0-9])", accept) else "v2beta1"
                kind = f"application/json;g={discovery.DISCOVERY_GROUP};v={document};as=APIGroupDiscoveryList"
                body = discovery.aggregated_discovery("" if path == "/api" else "apps", document)
                return json_response(body, headers={"Content-Type": kind})
            return json_response(discovery.core_versions() if path == "/api" else discovery.group_list())
        if found := re.fullmatch(r"/api/(v1)|/apis/([^/]+)/([^/]+)", path):
            listed = discovery.resource_list(found[2] or "", found[1] or found[3])
            return None if listed is None else json_response(listed)
        return None

    def _handle_objects(self, path: str, request: HttpRequest) -> HttpResponse:
        found = _OBJECT_PATH.fullmatch(path)
        kind = discovery.API_RESOURCES.get(found["plural"]) if found else None
        if found is None or kind is None or kind.group != (found["group"] or ""):
            return _failure_response(404, "NotFound", "the server could not find the requested resource")
        version, everything = self._store.list_objects(kind.plural)
        wanted = _object_filter(request, found["namespace"] or "")
        if found["name"]:
            match = [item for item in everything if wanted(item) and item["metadata"]["name"] == found["name"]]
            if not match:
                message = f'{kind.plural} "{found["name"]}" not found'
                return _failure_response(404, "NotFound", message, {"name": found["name"], "kind": kind.plural})
            if _is_table_request(request):
                return _table_response(request, kind.plural, match, {"resourceVersion": str(version)})
            return json_response(match[0])
        if request.query.get("watch", "") in ("1", "true"):
            return self._handle_watch(request, kind, version, wanted)
        return _list_response(request, kind, version, [item for item in everything if wanted(item)])

    def _handle_watch(
        self, request: HttpRequest, kind: discovery.ApiResource, version: int, is_selected: Callable[[KubeObject], bool]
    ) -> HttpResponse:
        asked = request.query.get("resourceVersion", "")
        start = int(asked) if asked.isdigit() and asked != "0" else None
        if start is not None:
            try:
                self._store.changes_since(kind.plural, start)
            except VersionExpired:
                return _failure_response(410, "Expired", f"too old resource version: {start} ({version})")
        timeout = request.query.get("timeoutSeconds", "")
        until = time.monotonic() + (int(timeout) if timeout.isdigit() else _WATCH_TIMEOUT_SECONDS)
        return HttpResponse(
            200,
            headers={"Content-Type": "application/json"},
            stream=self._stream_watch(request, kind, start, is_selected, until),
        )

    def _stream_watch(
        self,
        request: HttpRequest,
        kind: discovery.ApiResource,
        start: int | None,
        is_selected: Callable[[KubeObject], bool],
        deadline: float,
    ) -> Iterator[bytes]:
        bookmarks = request.query.get("allowWatchBookmarks", "") in ("1", "true")
        tabled, first = _is_table_request(request), True

        def line(what: str, item: KubeObject) -> bytes:
            nonlocal first
            body = item
            if tabled and what != "BOOKMARK":
                marked = {"resourceVersion": item["metadata"]["resourceVersion"]}
                include = request.query.get("includeObject", "Metadata")
                body = build_table(kind.plural, [item], marked, include, columns=first)
                first = False
            return json.dumps({"type": what, "object": body}, separators=(",", ":")).encode() + b"\n"

        def bookmark(version: int, *, initial: bool = False) -> bytes:
            metadata: KubeObject = {"resourceVersion": str(version), "creationTimestamp": None}
            if initial:
                metadata["annotations"] = {"k8s.io/initial-events-end": "true"}
            return line("BOOKMARK", {"kind": kind.kind, "apiVersion": kind.api_version, "metadata": metadata})

        shown: set[str] = set()
        if start is None:
            at, items = self._store.list_objects(kind.plural)
            for item in filter(is_selected, items):
                shown.add(item["metadata"]["uid"])
                yield line("ADDED", item)
            if bookmarks and request.query.get("sendInitialEvents") == "true":
                yield bookmark(at, initial=True)
        else:
            at = start
            shown |= {item["metadata"]["uid"] for item in self._store.list_objects(kind.plural)[1] if is_selected(item)}
            shown -= {
                change.object["metadata"]["uid"] for change in self._changes_after(kind, at) if change.type == "ADDED"
            }
        marked = time.monotonic()
        while time.monotonic() < deadline and not self._is_stopped():
            try:
                version, changes = self._store.changes_since(kind.plural, at)
            except VersionExpired:
                return
            for change in changes:
                # An object can begin or cease to be selected: for the watcher it is then added or deleted.
                what = _watch_event_type(change, is_selected(change.object), shown)
                if what:
                    yield line(what, change.object)
            at = version
            if bookmarks and time.monotonic() - marked > _BOOKMARK_SECONDS:
                marked = time.monotonic()
                yield bookmark(at)
            time.sleep(_POLL_SECONDS)

    def _changes_after(self, kind: discovery.ApiResource, after: int) -> list[WatchEvent]:
        try:
            return self._store.changes_since(kind.plural, after)[1]
        except VersionExpired:
            return []


def _watch_event_type(change: WatchEvent, is_selected: bool, known_uids: set[str]) -> str:
    """How a watcher with a selection sees a change; empty when it does not. Keeps `shown` up to date."""
    uid = change.object["metadata"]["uid"]
    if change.type == "DELETED" or not is_selected:
        known = uid in known_uids
        known_uids.discard(uid)
        return "DELETED" if known else ""
    if uid in known_uids:
        return "MODIFIED"
    known_uids.add(uid)
    return "ADDED"


def _version_document() -> dict[str, str]:
    machine = {"x86_64": "amd64", "aarch64": "arm64"}.get(platform.machine(), platform.machine())
    major, minor, _ = KUBERNETES_VERSION.removeprefix("v").split(".")
    return {
        "major": major,
        "minor": minor,
        "gitVersion": KUBERNETES_VERSION,
        "gitCommit": "0" * 40,
        "gitTreeState": "clean",
        "buildDate": "2025-04-22T16:02:58Z",
        "goVersion": "go1.23.6",
        "compiler": "gc",
        "platform": f"linux/{machine}",
    }


def _is_table_request(request: HttpRequest) -> bool:
    return "as=Table" in request.headers.get("accept", "")


def _table_response(
    request: HttpRequest, plural: str, items: list[KubeObject], metadata: dict[str, str]
) -> HttpResponse:
    return json_response(build_table(plural, items, metadata, request.query.get("includeObject", "Metadata")))


def _list_response(
    request: HttpRequest, kind: discovery.ApiResource, version: int, items: list[KubeObject]
) -> HttpResponse:
    """A list, cut to `limit`; what is left is reached with the `continue` token."""
    limit, token = request.query.get("limit", ""), request.query.get("continue", "")
    begin = 0
    if token:
        try:
            begin = int(base64.urlsafe_b64decode(token.encode()))
        except ValueError:
            return _failure_response(400, "BadRequest", "continue key is not valid")
    end = begin + int(limit) if limit.isdigit() and int(limit) else len(items)
    metadata: dict[str, Any] = {"resourceVersion": str(version)}
    if end < len(items):
        metadata["continue"] = base64.urlsafe_b64encode(str(end).encode()).decode()
        metadata["remainingItemCount"] = len(items) - end
    page = items[begin:end]
    if _is_table_request(request):
        return _table_response(request, kind.plural, page, metadata)
    return json_response(
        {"kind": f"{kind.kind}List", "apiVersion": kind.api_version, "metadata": metadata, "items": page}
    )


def _object_filter(request: HttpRequest, namespace: str) -> Callable[[KubeObject], bool]:
    """Namespace, labelSelector and fieldSelector of a request, as one test."""
    labels = _parse_selector(request.query.get("labelSelector", ""))
    fields = _parse_selector(request.query.get("fieldSelector", ""))

    def wanted(item: KubeObject) -> bool:
        if namespace and item["metadata"].get("namespace") != namespace:
            return False
        has = item["metadata"].get("labels", {})
        if not all(_term_matches(has.get(key), operator, value) for key, operator, value in labels):
            return False
        return all(_term_matches(_field_value(item, key), operator, value) for key, operator, value in fields)

    return wanted


def _parse_selector(text: str) -> list[tuple[str, str, str]]:
    found = []
    for part in filter(None, (piece.strip() for piece in text.split(","))):
        term = _SELECTOR_TERM.fullmatch(part)
        if term:
            found.append((term[1].strip(), term[2], term[3].strip()))
        else:
            found.append((part.lstrip("!"), "absent" if part.startswith("!") else "present", ""))
    return found


def _term_matches(actual: str | None, operator: str, value: str) -> bool:
    match operator:
        case "!=":
            return actual != value
        case "present":
            return actual is not None
        case "absent":
            return actual is None
    return actual == value


def _field_value(item: KubeObject, path: str) -> str | None:
    value: Any = item
    for key in path.split("."):
        value = value.get(key) if isinstance(value, dict) else None
    return None if value is None else str(value)

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

from ecotui.demo.http_server import Request, Response, json_response
from ecotui.demo.kubernetes import discovery
from ecotui.demo.kubernetes.objects import VERSION, Object
from ecotui.demo.kubernetes.store import Change, Expired, Store
from ecotui.demo.kubernetes.tables import table

# Seconds between two looks of a watch, and between two bookmarks.
_TICK = 0.5
_BOOKMARK = 10.0
# Seconds after which a watch that names no timeout ends; kubectl then has to start it again, as with a real server.
_WATCH = 1800.0

_LIST = re.compile(
    r"/(?:api/(?P<core>v1)|apis/(?P<group>[^/]+)/(?P<version>[^/]+))"
    r"(?:/namespaces/(?P<namespace>[^/]+)(?=/[^/]))?/(?P<plural>[^/]+)(?:/(?P<name>[^/]+))?"
)
_OPERATOR = re.compile(r"([^=!]+)(!=|==|=)(.*)")


def _status(code: int, reason: str, message: str, details: dict[str, Any] | None = None) -> Response:
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


class Api:
    """Answers requests that carry the token; 401 for all others."""

    def __init__(self, store: Store, token: str, stopped: Callable[[], bool]) -> None:
        self._store, self._token, self._stopped = store, token, stopped

    def __call__(self, request: Request) -> Response:
        path = request.path.rstrip("/") or "/"
        if path in ("/readyz", "/livez", "/healthz"):
            verbose = f"[+]ping ok\n[+]etcd ok\n{path[1:]} check passed\n"
            text = verbose if "verbose" in request.query else "ok"
            return Response(200, text.encode(), {"Content-Type": "text/plain; charset=utf-8"})
        given = request.headers.get("authorization", "")
        if not hmac.compare_digest(given.encode(), f"Bearer {self._token}".encode()):
            return _status(401, "Unauthorized", "Unauthorized")
        if not self._store.has_master:
            return _status(503, "ServiceUnavailable", "the server is currently unable to handle the request")
        if request.method not in ("GET", "HEAD"):
            return _status(405, "MethodNotAllowed", "the demo's cluster can only be looked at")
        return self._documents(path, request) or self._objects(path, request)

    def _documents(self, path: str, request: Request) -> Response | None:
        if path == "/version":
            return json_response(_version())
        if path in ("/api", "/apis"):
            found = re.search(r"as=APIGroupDiscoveryList", request.headers.get("accept", ""))
            if found:
                accept = request.headers["accept"]
                document = "v2" if re.search(r"v=v2(?![a-z0-9])", accept) else "v2beta1"
                kind = f"application/json;g={discovery.AGGREGATED};v={document};as=APIGroupDiscoveryList"
                body = discovery.aggregated("" if path == "/api" else "apps", document)
                return json_response(body, headers={"Content-Type": kind})
            return json_response(discovery.core() if path == "/api" else discovery.groups())
        if found := re.fullmatch(r"/api/(v1)|/apis/([^/]+)/([^/]+)", path):
            listed = discovery.resources(found[2] or "", found[1] or found[3])
            return None if listed is None else json_response(listed)
        return None

    def _objects(self, path: str, request: Request) -> Response:
        found = _LIST.fullmatch(path)
        kind = discovery.RESOURCES.get(found["plural"]) if found else None
        if found is None or kind is None or kind.group != (found["group"] or ""):
            return _status(404, "NotFound", "the server could not find the requested resource")
        version, everything = self._store.objects(kind.plural)
        wanted = _selection(request, found["namespace"] or "")
        if found["name"]:
            match = [
                item for item in everything if wanted(item) and item["metadata"]["name"] == found["name"]
            ]
            if not match:
                message = f'{kind.plural} "{found["name"]}" not found'
                return _status(404, "NotFound", message, {"name": found["name"], "kind": kind.plural})
            if _as_table(request):
                return _tabled(request, kind.plural, match, {"resourceVersion": str(version)})
            return json_response(match[0])
        if request.query.get("watch", "") in ("1", "true"):
            return self._watch(request, kind, version, wanted)
        return _page(request, kind, version, [item for item in everything if wanted(item)])

    def _watch(
        self, request: Request, kind: discovery.Resource, version: int, wanted: Callable[[Object], bool]
    ) -> Response:
        asked = request.query.get("resourceVersion", "")
        start = int(asked) if asked.isdigit() and asked != "0" else None
        if start is not None:
            try:
                self._store.changes(kind.plural, start)
            except Expired:
                return _status(410, "Expired", f"too old resource version: {start} ({version})")
        timeout = request.query.get("timeoutSeconds", "")
        until = time.monotonic() + (int(timeout) if timeout.isdigit() else _WATCH)
        return Response(
            200,
            headers={"Content-Type": "application/json"},
            stream=self._events(request, kind, start, wanted, until),
        )

    def _events(
        self,
        request: Request,
        kind: discovery.Resource,
        start: int | None,
        wanted: Callable[[Object], bool],
        until: float,
    ) -> Iterator[bytes]:
        bookmarks = request.query.get("allowWatchBookmarks", "") in ("1", "true")
        tabled, first = _as_table(request), True

        def line(what: str, item: Object) -> bytes:
            nonlocal first
            body = item
            if tabled and what != "BOOKMARK":
                marked = {"resourceVersion": item["metadata"]["resourceVersion"]}
                include = request.query.get("includeObject", "Metadata")
                body = table(kind.plural, [item], marked, include, columns=first)
                first = False
            return json.dumps({"type": what, "object": body}, separators=(",", ":")).encode() + b"\n"

        def bookmark(version: int, *, initial: bool = False) -> bytes:
            metadata: Object = {"resourceVersion": str(version), "creationTimestamp": None}
            if initial:
                metadata["annotations"] = {"k8s.io/initial-events-end": "true"}
            return line("BOOKMARK", {"kind": kind.kind, "apiVersion": kind.api_version, "metadata": metadata})

        shown: set[str] = set()
        if start is None:
            at, items = self._store.objects(kind.plural)
            for item in filter(wanted, items):
                shown.add(item["metadata"]["uid"])
                yield line("ADDED", item)
            if bookmarks and request.query.get("sendInitialEvents") == "true":
                yield bookmark(at, initial=True)
        else:
            at = start
            shown |= {item["metadata"]["uid"] for item in self._store.objects(kind.plural)[1] if wanted(item)}
            shown -= {
                change.object["metadata"]["uid"] for change in self._fresh(kind, at) if change.type == "ADDED"
            }
        marked = time.monotonic()
        while time.monotonic() < until and not self._stopped():
            try:
                version, changes = self._store.changes(kind.plural, at)
            except Expired:
                return
            for change in changes:
                # An object can begin or cease to be selected: for the watcher it is then added or deleted.
                what = _seen_as(change, wanted(change.object), shown)
                if what:
                    yield line(what, change.object)
            at = version
            if bookmarks and time.monotonic() - marked > _BOOKMARK:
                marked = time.monotonic()
                yield bookmark(at)
            time.sleep(_TICK)

    def _fresh(self, kind: discovery.Resource, after: int) -> list[Change]:
        try:
            return self._store.changes(kind.plural, after)[1]
        except Expired:
            return []


def _seen_as(change: Change, selected: bool, shown: set[str]) -> str:
    """How a watcher with a selection sees a change; empty when it does not. Keeps `shown` up to date."""
    uid = change.object["metadata"]["uid"]
    if change.type == "DELETED" or not selected:
        known = uid in shown
        shown.discard(uid)
        return "DELETED" if known else ""
    if uid in shown:
        return "MODIFIED"
    shown.add(uid)
    return "ADDED"


def _version() -> dict[str, str]:
    machine = {"x86_64": "amd64", "aarch64": "arm64"}.get(platform.machine(), platform.machine())
    major, minor, _ = VERSION.removeprefix("v").split(".")
    return {
        "major": major,
        "minor": minor,
        "gitVersion": VERSION,
        "gitCommit": "0" * 40,
        "gitTreeState": "clean",
        "buildDate": "2025-04-22T16:02:58Z",
        "goVersion": "go1.23.6",
        "compiler": "gc",
        "platform": f"linux/{machine}",
    }


def _as_table(request: Request) -> bool:
    return "as=Table" in request.headers.get("accept", "")


def _tabled(request: Request, plural: str, items: list[Object], metadata: dict[str, str]) -> Response:
    return json_response(table(plural, items, metadata, request.query.get("includeObject", "Metadata")))


def _page(request: Request, kind: discovery.Resource, version: int, items: list[Object]) -> Response:
    """A list, cut to `limit`; what is left is reached with the `continue` token."""
    limit, token = request.query.get("limit", ""), request.query.get("continue", "")
    begin = 0
    if token:
        try:
            begin = int(base64.urlsafe_b64decode(token.encode()))
        except ValueError:
            return _status(400, "BadRequest", "continue key is not valid")
    end = begin + int(limit) if limit.isdigit() and int(limit) else len(items)
    metadata: dict[str, Any] = {"resourceVersion": str(version)}
    if end < len(items):
        metadata["continue"] = base64.urlsafe_b64encode(str(end).encode()).decode()
        metadata["remainingItemCount"] = len(items) - end
    page = items[begin:end]
    if _as_table(request):
        return _tabled(request, kind.plural, page, metadata)
    return json_response(
        {"kind": f"{kind.kind}List", "apiVersion": kind.api_version, "metadata": metadata, "items": page}
    )


def _selection(request: Request, namespace: str) -> Callable[[Object], bool]:
    """Namespace, labelSelector and fieldSelector of a request, as one test."""
    labels = _terms(request.query.get("labelSelector", ""))
    fields = _terms(request.query.get("fieldSelector", ""))

    def wanted(item: Object) -> bool:
        if namespace and item["metadata"].get("namespace") != namespace:
            return False
        has = item["metadata"].get("labels", {})
        if not all(_holds(has.get(key), operator, value) for key, operator, value in labels):
            return False
        return all(_holds(_field(item, key), operator, value) for key, operator, value in fields)

    return wanted


def _terms(text: str) -> list[tuple[str, str, str]]:
    found = []
    for part in filter(None, (piece.strip() for piece in text.split(","))):
        term = _OPERATOR.fullmatch(part)
        if term:
            found.append((term[1].strip(), term[2], term[3].strip()))
        else:
            found.append((part.lstrip("!"), "absent" if part.startswith("!") else "present", ""))
    return found


def _holds(actual: str | None, operator: str, value: str) -> bool:
    match operator:
        case "!=":
            return actual != value
        case "present":
            return actual is not None
        case "absent":
            return actual is None
    return actual == value


def _field(item: Object, path: str) -> str | None:
    value: Any = item
    for key in path.split("."):
        value = value.get(key) if isinstance(value, dict) else None
    return None if value is None else str(value)

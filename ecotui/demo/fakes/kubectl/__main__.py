"""The stand-in for kubectl: `version`, `get KIND [NAME]`, `get --raw PATH`, `config current-context`, `cluster-info`."""

from __future__ import annotations

import base64
import http.client
import json
import os
import re
import signal
import ssl
import sys
from collections.abc import Iterator, Sequence
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

from ecotui.demo.fakes import VERSION_NOTICE
from ecotui.demo.fakes.kubectl import kubeconfig
from ecotui.demo.fakes.kubectl.kubeconfig import Cluster, Unusable
from ecotui.demo.kubernetes.discovery import API_RESOURCES, ApiResource

_VERSION = "v1.32.4"
_VALUED = {
    "--context": "context",
    "--kubeconfig": "kubeconfig",
    "--request-timeout": "timeout",
    "--token": "token",
    "--namespace": "namespace",
    "-n": "namespace",
    "--output": "output",
    "-o": "output",
    "--selector": "selector",
    "-l": "selector",
    "--field-selector": "fields",
    "--raw": "raw",
    "--chunk-size": "",
}
_SWITCHES = {
    "-A": "all",
    "--all-namespaces": "all",
    "-w": "watch",
    "--watch": "watch",
    "--client": "client",
    "--no-headers": "bare",
}
_TABLE = "application/json;as=Table;v=v1;g=meta.k8s.io,application/json"


class Words:
    """A kubectl command line: options anywhere, and the rest. Raises Unusable."""

    def __init__(self, argv: Sequence[str]) -> None:
        self.options: dict[str, str] = {}
        self.rest: list[str] = []
        words = iter(argv)
        for word in words:
            name, equals, value = word.partition("=")
            if word in _SWITCHES:
                self.options[_SWITCHES[word]] = "true"
            elif name in _VALUED:
                self.options[_VALUED[name]] = value if equals else next(words, "")
            elif name in _SWITCHES:
                self.options[_SWITCHES[name]] = value if value == "true" else ""
            elif len(word) > 2 and word[:2] in _VALUED and word[1] != "-":
                self.options[_VALUED[word[:2]]] = word[2:]
            elif word.startswith("-"):
                raise Unusable(f"error: unknown flag: {name} ({VERSION_NOTICE.format(name='kubectl')})")
            else:
                self.rest.append(word)

    def get(self, name: str) -> str:
        return self.options.get(name, "")


def main(argv: Sequence[str]) -> int:
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    try:
        words = Words(argv)
        match words.rest:
            case ["version"]:
                return _version(words)
            case ["config", "current-context"]:
                return _current_context(words)
            case ["cluster-info"]:
                sys.stdout.write(f"Kubernetes control plane is running at {_cluster(words).server}\n")
                return 0
            case ["get", *what]:
                return _get(words, what)
            case []:
                sys.stdout.write(f"{VERSION_NOTICE.format(name='kubectl')}\n\n{__doc__}\n")
                return 0
        raise Unusable(f'error: unknown command "{words.rest[0]}" ({VERSION_NOTICE.format(name="kubectl")})')
    except Unusable as error:
        sys.stderr.write(f"{error}\n")
        return 1


def _cluster(words: Words) -> Cluster:
    config = kubeconfig.load(os.environ, words.get("kubeconfig"))
    return kubeconfig.cluster(config, words.get("context"), words.get("token"))


def _version(words: Words) -> int:
    client = {
        "major": "1",
        "minor": "32",
        "gitVersion": f"{_VERSION}+ecotui-stand-in",
        "platform": sys.platform,
    }
    answer: dict[str, Any] = {"clientVersion": client, "kustomizeVersion": "none"}
    refusal = ""
    if not words.get("client"):
        try:
            answer["serverVersion"] = json.loads(_ask(words, "/version"))
        except Unusable as error:
            refusal = str(error)
    if words.get("output") == "json":
        sys.stdout.write(json.dumps(answer, indent=2) + "\n")
    else:
        sys.stdout.write(f"Client Version: {client['gitVersion']} ({VERSION_NOTICE.format(name='kubectl')})\n")
        if "serverVersion" in answer:
            sys.stdout.write(f"Server Version: {answer['serverVersion']['gitVersion']}\n")
    if refusal:
        raise Unusable(refusal)
    return 0


def _current_context(words: Words) -> int:
    name = kubeconfig.load(os.environ, words.get("kubeconfig")).get("current-context")
    if not name:
        raise Unusable("error: current-context is not set")
    sys.stdout.write(f"{name}\n")
    return 0


def _get(words: Words, what: Sequence[str]) -> int:
    if raw := words.get("raw"):
        sys.stdout.write(_ask(words, raw))
        return 0
    if not what:
        raise Unusable("error: Required resource not specified.")
    kind, _, name = what[0].partition("/")
    name = name or (what[1] if len(what) > 1 else "")
    resource = _resource(kind)
    path = _path(words, resource, name)
    output = words.get("output")
    if words.get("watch"):
        return _watch(words, path, resource, output)
    if output in ("", "wide"):
        return _print_table(json.loads(_ask(words, path, accept=_TABLE)), words, resource, output == "wide")
    answer = json.loads(_ask(words, path))
    if output == "name":
        for item in answer.get("items", [answer]):
            sys.stdout.write(f"{resource.singular}/{item['metadata']['name']}\n")
        return 0
    if output != "json":
        raise Unusable(f'error: unable to match a printer suitable for the output format "{output}"')
    if "items" in answer:
        # kubectl makes its own list of what the server sent.
        own = {"apiVersion": resource.api_version, "kind": resource.kind}
        answer = {
            "apiVersion": "v1",
            "items": [{**own, **item} for item in answer["items"]],
            "kind": "List",
            "metadata": {"resourceVersion": ""},
        }
    sys.stdout.write(json.dumps(answer, indent=4) + "\n")
    return 0


def _resource(kind: str) -> ApiResource:
    for resource in API_RESOURCES.values():
        if kind.lower() in (resource.plural, resource.singular, *resource.short_names):
            return resource
    raise Unusable(f'error: the server doesn\'t have a resource type "{kind}"')


def _path(words: Words, resource: ApiResource, name: str) -> str:
    path = f"/apis/{resource.api_version}" if resource.group else f"/api/{resource.version}"
    if resource.is_namespaced and not words.get("all"):
        path += f"/namespaces/{quote(words.get('namespace') or 'default')}"
    path += f"/{resource.plural}" + (f"/{quote(name)}" if name else "")
    asked = {"labelSelector": words.get("selector"), "fieldSelector": words.get("fields")}
    query = urlencode({key: value for key, value in asked.items() if value})
    return f"{path}?{query}" if query else path


def _ask(words: Words, path: str, accept: str = "application/json") -> str:
    """The body of an answer. Raises Unusable with kubectl's words for what went wrong."""
    with _answer(words, path, accept) as response:
        body = response.read().decode("utf-8", "replace")
    if response.status < 300:
        return body
    try:
        status = json.loads(body)
    except ValueError:
        status = {}
    message = str(status.get("message") or "the server is currently unable to handle the request")
    if response.status == 401:
        raise Unusable(f"error: You must be logged in to the server ({message})")
    raise Unusable(f"Error from server ({status.get('reason') or 'InternalError'}): {message}")


def _answer(words: Words, path: str, accept: str) -> http.client.HTTPResponse:
    cluster = _cluster(words)
    url = urlsplit(cluster.server)
    if url.hostname not in ("127.0.0.1", "localhost", "::1"):
        raise Unusable(f"error: {VERSION_NOTICE.format(name='kubectl')}: {cluster.server} is not on this machine")
    context = ssl.create_default_context()
    if cluster.authority:
        context = ssl.create_default_context(cadata=base64.b64decode(cluster.authority).decode())
    timeout = _seconds(words.get("timeout"))
    connection = http.client.HTTPSConnection(url.hostname, url.port, timeout=timeout, context=context)
    try:
        connection.request("GET", path, headers={"Accept": accept, "Authorization": f"Bearer {cluster.token}"})
        return connection.getresponse()
    except TimeoutError:
        raise Unusable(
            "Unable to connect to the server: net/http: request canceled (Client.Timeout exceeded while awaiting headers)"
        ) from None
    except ConnectionRefusedError:
        raise Unusable(
            f"The connection to the server {url.netloc} was refused - did you specify the right host or port?"
        ) from None
    except (OSError, http.client.HTTPException) as error:
        raise Unusable(f"Unable to connect to the server: {error or 'EOF'}") from None


def _seconds(text: str) -> float | None:
    """10, 10s, 1m; None for no limit."""
    found = re.fullmatch(r"(\d+(?:\.\d+)?)(ms|s|m|h)?", text)
    if not found or float(found[1]) == 0:
        return None
    return float(found[1]) * {"ms": 0.001, "m": 60.0, "h": 3600.0}.get(found[2] or "s", 1.0)


def _watch(words: Words, path: str, resource: ApiResource, output: str) -> int:
    """Objects as they come, until the server or the operator ends it."""
    accept = "application/json" if output == "json" else _TABLE
    separator = "&" if "?" in path else "?"
    first = True
    with _answer(words, f"{path}{separator}watch=true", accept) as response:
        for event in _lines(response):
            if event["type"] == "BOOKMARK":
                continue
            if output == "json":
                sys.stdout.write(json.dumps(event["object"], indent=4) + "\n")
            else:
                _print_table(event["object"], words, resource, output == "wide", headers=first)
            sys.stdout.flush()
            first = False
    return 0


def _lines(response: http.client.HTTPResponse) -> Iterator[dict[str, Any]]:
    try:
        for line in response:
            yield json.loads(line)
    except (OSError, ValueError, http.client.HTTPException):
        return


def _print_table(
    table: dict[str, Any], words: Words, resource: ApiResource, wide: bool, *, headers: bool = True
) -> int:
    if not table["rows"]:
        place = "" if words.get("all") or not resource.is_namespaced else f" in {words.get('namespace') or 'default'}"
        sys.stderr.write(f"No resources found{place}{' namespace.' if place else ''}\n")
        return 0
    columns = table["columnDefinitions"] or [{"name": "", "priority": 0}] * len(table["rows"][0]["cells"])
    chosen = [index for index, column in enumerate(columns) if wide or not column["priority"]]
    titles = [columns[index]["name"].upper() for index in chosen]
    rows = [[str(row["cells"][index]) for index in chosen] for row in table["rows"]]
    if words.get("all") and resource.is_namespaced:
        titles.insert(0, "NAMESPACE")
        for cells, row in zip(rows, table["rows"], strict=True):
            cells.insert(0, row["object"]["metadata"]["namespace"])
    lines = rows if words.get("bare") or not headers else [titles, *rows]
    widths = [max(len(line[index]) for line in lines) for index in range(len(titles))]
    for line in lines:
        sys.stdout.write("   ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip())
        sys.stdout.write("\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""kubectl, with typed answers; the command may be any that takes the same words, ssh to a master included.

Lists are read with `get --raw`: one request in the place of the three of `get -o json` (which discovers the API anew
first), a third of the bytes, and no printer in between. The access rules are the same.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping
from enum import StrEnum
from typing import TypeVar

import msgspec

from checks.context import World
from checks.sanitize import one_line, sanitize
from checks.tools.run import CommandError, CommandTimeout, Outcome, query

_LARGE = 256_000_000
"""Bytes: the most that is read of one list (5,000 nodes are about 25 MB, their pods ten times that at worst)."""
_SPARE = 4.0
"""Seconds more than --request-timeout before the command itself is ended: start, ssh, a slow disk."""


class Why(StrEnum):
    """What kept the cluster from answering."""

    REFUSED = "refused"
    NO_KUBECONFIG = "no kubeconfig"
    CONTEXT = "context"
    UNAUTHORIZED = "unauthorized"
    FORBIDDEN = "forbidden"
    TLS = "tls"
    TIMEOUT = "timeout"
    UNKNOWN_HOST = "unknown host"
    PLUGIN = "plugin"
    SERVER = "server"
    DROPPED = "dropped"
    CONFIGURATION = "configuration"
    SSH = "ssh"
    OTHER = "other"


DOWN = frozenset({Why.REFUSED, Why.TIMEOUT, Why.UNKNOWN_HOST, Why.DROPPED, Why.SERVER, Why.SSH})
"""The server is not there, or not yet: waiting can help."""


class KubectlError(CommandError):
    """The cluster, or kubectl itself, did not give the answer."""

    def __init__(self, why: Why, summary: str, advice: str, *, raw: str = "", denied: str = "") -> None:
        self.why = why
        self.summary = summary
        self.advice = advice
        """What to do about it, in a few words."""
        self.raw = raw
        self.denied = denied
        """Verb and resource that access rules forbid: `list nodes`."""
        super().__init__(summary)

    def explain(self) -> str:
        return f"{self.summary}; {self.advice}" if self.advice else self.summary


class _Read(msgspec.Struct, frozen=True, gc=False):
    """A part of what Kubernetes sends; what is not named here is skipped while decoding. Names are the API's."""


class Meta(_Read, frozen=True, gc=False):
    name: str = ""
    namespace: str = ""
    creationTimestamp: str | None = None


class Condition(_Read, frozen=True, gc=False):
    type: str = ""
    status: str = "Unknown"
    reason: str | None = None
    message: str | None = None


class Address(_Read, frozen=True, gc=False):
    type: str = ""
    address: str = ""


class NodeInfo(_Read, frozen=True, gc=False):
    kubeletVersion: str = ""
    osImage: str = ""


class NodeSpec(_Read, frozen=True, gc=False):
    providerID: str | None = None
    unschedulable: bool | None = None


class NodeStatus(_Read, frozen=True, gc=False):
    conditions: list[Condition] | None = None
    addresses: list[Address] | None = None
    nodeInfo: NodeInfo | None = None


class Node(_Read, frozen=True, gc=False):
    metadata: Meta
    spec: NodeSpec = NodeSpec()
    status: NodeStatus = NodeStatus()


class Waiting(_Read, frozen=True, gc=False):
    reason: str | None = None
    message: str | None = None


class ContainerState(_Read, frozen=True, gc=False):
    waiting: Waiting | None = None


class ContainerStatus(_Read, frozen=True, gc=False):
    name: str = ""
    ready: bool = False
    restartCount: int = 0
    state: ContainerState | None = None


class PodSpec(_Read, frozen=True, gc=False):
    nodeName: str | None = None


class PodStatus(_Read, frozen=True, gc=False):
    phase: str = "Unknown"
    reason: str | None = None
    containerStatuses: list[ContainerStatus] | None = None
    initContainerStatuses: list[ContainerStatus] | None = None
    conditions: list[Condition] | None = None


class Pod(_Read, frozen=True, gc=False):
    metadata: Meta
    spec: PodSpec = PodSpec()
    status: PodStatus = PodStatus()


class Ingress(_Read, frozen=True, gc=False):
    ip: str | None = None
    hostname: str | None = None


class LoadBalancer(_Read, frozen=True, gc=False):
    ingress: list[Ingress] | None = None


class ServiceStatus(_Read, frozen=True, gc=False):
    loadBalancer: LoadBalancer | None = None


class ServiceSpec(_Read, frozen=True, gc=False):
    type: str = "ClusterIP"


class Service(_Read, frozen=True, gc=False):
    metadata: Meta
    spec: ServiceSpec = ServiceSpec()
    status: ServiceStatus = ServiceStatus()


class _Nodes(_Read, frozen=True):
    items: list[Node] | None = None


class _Pods(_Read, frozen=True):
    items: list[Pod] | None = None


class _Services(_Read, frozen=True):
    items: list[Service] | None = None


_T = TypeVar("_T", _Nodes, _Pods, _Services)


class Kubectl:
    """kubectl for one project. Its lists raise KubectlError, or another CommandError when it could not be asked."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._settings = world.settings.kubectl
        self._command: tuple[str, ...] | None = None

    def nodes(self) -> list[Node]:
        return self._decoded("nodes", _Nodes).items or []

    def pods(self) -> list[Pod]:
        return self._decoded("pods", _Pods).items or []

    def services(self) -> list[Service]:
        return self._decoded("services", _Services).items or []

    def argv(self, *words: str) -> tuple[str, ...]:
        """The whole command line. Raises CommandError where it names a terraform output that is not there."""
        if self._command is None:
            self._command = _filled(self._settings.command, self._world)
        context = ("--context", self._settings.context) if self._settings.context else ()
        return (*self._command, *context, *words)

    def written(self, *words: str) -> str:
        """The same as text to paste into a shell; names of outputs stay where they cannot be filled in."""
        try:
            return shlex.join(self.argv(*words))
        except CommandError:
            return shlex.join((*self._settings.command, *words))

    def _decoded(self, plural: str, type: type[_T]) -> _T:
        limit = self._settings.timeout
        argv = self.argv("get", "--raw", f"/api/v1/{plural}", f"--request-timeout={max(1, round(limit))}s")
        try:
            outcome = query(
                argv, env=environment(self._world.env), timeout=limit + _SPARE, limit=_LARGE, text=False
            )
        except CommandTimeout as error:
            raise KubectlError(Why.TIMEOUT, error.explain(), _ADVICE[Why.TIMEOUT], raw=error.stderr) from None
        if outcome.exit_code:
            raise refusal(outcome)
        try:
            return msgspec.json.decode(outcome.data, type=type)
        except msgspec.DecodeError as error:
            said = one_line(outcome.data[:400])
            raise KubectlError(
                Why.OTHER,
                f"the list of {plural} is not what Kubernetes sends: {one_line(str(error))}",
                "is kubectl.command the right one, and the address that of an API server?",
                raw=said,
            ) from None


def environment(env: Mapping[str, str]) -> dict[str, str]:
    """kubectl has no colours and no pager; only its own noise is kept away."""
    return {key: value for key, value in env.items() if key not in ("KUBECTL_EXTERNAL_DIFF", "DEBUG")}


def _filled(command: tuple[str, ...], world: World) -> tuple[str, ...]:
    """The configured command, its `{names}` replaced by terraform outputs."""
    if not any("{" in word for word in command):
        return command
    from checks.tools.terraform import outputs

    names = {name for word in command for name in _NAME.findall(word)}
    try:
        values = outputs(world)
    except CommandError as error:
        raise KubectlError(
            Why.CONFIGURATION,
            f"kubectl.command needs the terraform output {', '.join(sorted(names))}: {error.explain()}",
            "apply first",
        ) from error
    for name in sorted(names):
        if not isinstance(values.get(name), str | int) or values[name] == "":
            raise KubectlError(
                Why.CONFIGURATION,
                f"kubectl.command needs the terraform output {name}, which is not there, or is not one value",
                "apply first, or correct kubectl.command in the settings",
            )
    return tuple(_NAME.sub(lambda found: one_line(str(values[found[1]])), word) for word in command)


_NAME = re.compile(r"\{([A-Za-z_][A-Za-z0-9_-]*)\}")
_NOISE = re.compile(
    r"^[EWI]\d{4} [\d:.]+ +\d+ (?:memcache|shared_informer|reflector|request|round_trippers)\.go:"
)
_FORBIDDEN = re.compile(r'cannot (\w+) resource "([^"]+)"')

_PATTERNS: tuple[tuple[str, Why], ...] = (
    (r"\(Forbidden\)", Why.FORBIDDEN),
    (r"localhost:8080 was refused|no configuration has been provided", Why.NO_KUBECONFIG),
    (r"context was not found|context \S+ does not exist|no context exists", Why.CONTEXT),
    (r"exec plugin|executable .* (?:failed|not found)|getting credentials", Why.PLUGIN),
    (r"error loading config|invalid configuration|stat .*no such file|yaml:", Why.CONFIGURATION),
    (r"Unauthorized|must be logged in|asked for the client to provide credentials", Why.UNAUTHORIZED),
    (r"x509|certificate|tls:|HTTP response to HTTPS|HTTP request to an HTTPS", Why.TLS),
    (r"no such host|could not resolve|name resolution|Name or service not known", Why.UNKNOWN_HOST),
    (r"Permission denied \(|Host key verification|ssh: |kex_exchange|Connection closed by", Why.SSH),
    (r"[Tt]imeout|timed out|deadline exceeded|no route to host", Why.TIMEOUT),
    (r"was refused|connection refused", Why.REFUSED),
    (r"\bEOF\b|connection reset|broken pipe|lost connection", Why.DROPPED),
    (r"ServiceUnavailable|InternalError|TooManyRequests|unable to handle|etcdserver", Why.SERVER),
)

_SUMMARY: Mapping[Why, str] = {
    Why.REFUSED: "the API server refuses connections: it is not up, or not there",
    Why.NO_KUBECONFIG: "kubectl knows no cluster: no kubeconfig, or no current context in it",
    Why.CONTEXT: "the kubeconfig has no such context",
    Why.UNAUTHORIZED: "the API server does not accept the credentials",
    Why.FORBIDDEN: "the access rules do not allow this",
    Why.TLS: "the certificate of the API server is not the one that the kubeconfig expects",
    Why.TIMEOUT: "the API server does not answer in time",
    Why.UNKNOWN_HOST: "the name of the API server cannot be resolved",
    Why.PLUGIN: "the command that gives the credentials failed",
    Why.SERVER: "the API server answers, but cannot serve yet",
    Why.DROPPED: "the API server drops the connection",
    Why.CONFIGURATION: "the kubeconfig cannot be read",
    Why.SSH: "the machine that kubectl is reached through cannot be logged in to",
}

_ADVICE: Mapping[Why, str] = {
    Why.REFUSED: "wait while the control plane starts, then look at kubelet and kube-apiserver on the master",
    Why.NO_KUBECONFIG: "fetch the kubeconfig from the master (/etc/kubernetes/admin.conf), or set KUBECONFIG",
    Why.CONTEXT: "list them with `kubectl config get-contexts`, and set kubectl.context",
    Why.UNAUTHORIZED: "the kubeconfig is of an earlier cluster, or has expired: fetch it from the master again",
    Why.FORBIDDEN: "ask for the right, or use the administrator's kubeconfig",
    Why.TLS: "the kubeconfig is of an earlier cluster: fetch it from the master again",
    Why.TIMEOUT: "check the security group (port 6443), the address in the kubeconfig, and that the master runs",
    Why.UNKNOWN_HOST: "check the DNS record and the address in the kubeconfig",
    Why.PLUGIN: "run it by hand: it stands under `exec` in the kubeconfig",
    Why.SERVER: "wait a little",
    Why.DROPPED: "wait a little; a proxy or load balancer in between may have no healthy master",
    Why.CONFIGURATION: "repair the file, or point KUBECONFIG at another one",
    Why.SSH: "check user, key and security group by hand",
}


def refusal(outcome: Outcome) -> KubectlError:
    """From what kubectl said to what is wrong. The last line is the message; discovery puts noise before it."""
    lines = [line for line in outcome.stderr.splitlines() if line.strip() and not _NOISE.match(line)]
    said = (lines or [line for line in outcome.stdout.splitlines() if line.strip()] or [""])[-1]
    message = one_line(said)
    raw = sanitize(outcome.stderr, limit=8_000)
    if outcome.data.startswith(b"Please enter Username"):
        return KubectlError(
            Why.UNAUTHORIZED, "the kubeconfig has no credentials", _ADVICE[Why.UNAUTHORIZED], raw=raw
        )
    # Some messages (of credential plugins, of ssh) come before the last line.
    why = _why(message) or _why(" ".join(lines)) or Why.OTHER
    if why is Why.FORBIDDEN:
        found = _FORBIDDEN.search(message)
        denied = f"{found[1]} {found[2]}" if found else message
        return KubectlError(why, f"not allowed to {denied}", _ADVICE[why], raw=raw, denied=denied)
    if why is Why.OTHER:
        return KubectlError(why, message or f"kubectl ended with exit code {outcome.exit_code}", "", raw=raw)
    return KubectlError(why, _SUMMARY[why], _ADVICE[why], raw=raw or message)


def _why(text: str) -> Why | None:
    return next((why for pattern, why in _PATTERNS if re.search(pattern, text)), None)

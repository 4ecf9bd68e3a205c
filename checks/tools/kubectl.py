"""Reads lists from Kubernetes through kubectl, or any command with the same arguments, ssh to a master included.

Lists are read with `get --raw`: one request instead of the three of `get -o json` (which discovers the API anew
first), a third of the bytes, and no printer in between. The access rules are the same.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping
from enum import StrEnum
from typing import NamedTuple, TypeVar

import msgspec

from checks.context import CheckContext
from checks.sanitize import one_line, sanitize
from checks.tools.run import CommandError, CommandResult, CommandTimeout, run_command

_MAX_LIST_BYTES = 256_000_000
"""Bytes: the most that is read of one list (5,000 nodes are about 25 MB, their pods ten times that at worst)."""
_TIMEOUT_MARGIN = 4.0
"""Seconds more than --request-timeout before the command itself is ended: start, ssh, a slow disk."""


class KubectlErrorKind(StrEnum):
    """Why there is no answer from the cluster."""

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


API_SERVER_DOWN_KINDS = frozenset(
    {
        KubectlErrorKind.REFUSED,
        KubectlErrorKind.TIMEOUT,
        KubectlErrorKind.UNKNOWN_HOST,
        KubectlErrorKind.DROPPED,
        KubectlErrorKind.SERVER,
        KubectlErrorKind.SSH,
    }
)
"""The server is not there, or not yet: to wait can help."""


class KubectlError(CommandError):
    """The cluster or kubectl itself refused or failed."""

    def __init__(self, kind: KubectlErrorKind, summary: str, advice: str, *, raw: str = "", denied: str = "") -> None:
        self.kind = kind
        self.summary = summary
        self.advice = advice
        """What to do about it, in a few words."""
        self.raw = raw
        self.denied = denied
        """Verb and resource that access rules forbid: `list nodes`."""
        super().__init__(summary)

    def explain(self) -> str:
        return f"{self.summary}; {self.advice}" if self.advice else self.summary


class _ApiStruct(msgspec.Struct, frozen=True, gc=False):
    """A part of what Kubernetes sends; what is not named here is skipped while decoding. Names are the API's."""


class ObjectMeta(_ApiStruct, frozen=True, gc=False):
    name: str = ""
    namespace: str = ""
    creationTimestamp: str | None = None


class KubernetesCondition(_ApiStruct, frozen=True, gc=False):
    type: str = ""
    status: str = "Unknown"
    reason: str | None = None
    message: str | None = None


class NodeAddress(_ApiStruct, frozen=True, gc=False):
    type: str = ""
    address: str = ""


class NodeSystemInfo(_ApiStruct, frozen=True, gc=False):
    kubeletVersion: str = ""
    osImage: str = ""


class NodeSpec(_ApiStruct, frozen=True, gc=False):
    providerID: str | None = None
    unschedulable: bool | None = None


class NodeStatus(_ApiStruct, frozen=True, gc=False):
    conditions: list[KubernetesCondition] | None = None
    addresses: list[NodeAddress] | None = None
    nodeInfo: NodeSystemInfo | None = None


class Node(_ApiStruct, frozen=True, gc=False):
    metadata: ObjectMeta
    spec: NodeSpec = NodeSpec()
    status: NodeStatus = NodeStatus()


class ContainerStateWaiting(_ApiStruct, frozen=True, gc=False):
    reason: str | None = None
    message: str | None = None


class ContainerState(_ApiStruct, frozen=True, gc=False):
    waiting: ContainerStateWaiting | None = None


class ContainerStatus(_ApiStruct, frozen=True, gc=False):
    name: str = ""
    ready: bool = False
    restartCount: int = 0
    state: ContainerState | None = None


class PodSpec(_ApiStruct, frozen=True, gc=False):
    nodeName: str | None = None


class PodStatus(_ApiStruct, frozen=True, gc=False):
    phase: str = "Unknown"
    reason: str | None = None
    containerStatuses: list[ContainerStatus] | None = None
    initContainerStatuses: list[ContainerStatus] | None = None
    conditions: list[KubernetesCondition] | None = None


class Pod(_ApiStruct, frozen=True, gc=False):
    metadata: ObjectMeta
    spec: PodSpec = PodSpec()
    status: PodStatus = PodStatus()


class LoadBalancerIngress(_ApiStruct, frozen=True, gc=False):
    ip: str | None = None
    hostname: str | None = None


class LoadBalancerStatus(_ApiStruct, frozen=True, gc=False):
    ingress: list[LoadBalancerIngress] | None = None


class ServiceStatus(_ApiStruct, frozen=True, gc=False):
    loadBalancer: LoadBalancerStatus | None = None


class ServiceSpec(_ApiStruct, frozen=True, gc=False):
    type: str = "ClusterIP"


class Service(_ApiStruct, frozen=True, gc=False):
    metadata: ObjectMeta
    spec: ServiceSpec = ServiceSpec()
    status: ServiceStatus = ServiceStatus()


class _NodeList(_ApiStruct, frozen=True):
    items: list[Node] | None = None


class _PodList(_ApiStruct, frozen=True):
    items: list[Pod] | None = None


class _ServiceList(_ApiStruct, frozen=True):
    items: list[Service] | None = None


_List = TypeVar("_List", _NodeList, _PodList, _ServiceList)


class Kubectl:
    """kubectl for one project. Its lists raise KubectlError, or another CommandError when it could not run."""

    def __init__(self, context: CheckContext) -> None:
        self._context = context
        self._settings = context.settings.kubectl
        self._command: tuple[str, ...] | None = None

    def get_nodes(self) -> list[Node]:
        return self._get_list("nodes", _NodeList).items or []

    def get_pods(self) -> list[Pod]:
        return self._get_list("pods", _PodList).items or []

    def get_services(self) -> list[Service]:
        return self._get_list("services", _ServiceList).items or []

    def argv(self, *words: str) -> tuple[str, ...]:
        """The whole command line. Raises CommandError where it names a terraform output that is not there."""
        if self._command is None:
            self._command = _fill_outputs(self._settings.command, self._context)
        context = ("--context", self._settings.context) if self._settings.context else ()
        return (*self._command, *context, *words)

    def shell_command(self, *words: str) -> str:
        """The same as text to paste into a shell; names of outputs stay where they cannot be filled in."""
        try:
            return shlex.join(self.argv(*words))
        except CommandError:
            return shlex.join((*self._settings.command, *words))

    def _get_list(self, plural: str, type: type[_List]) -> _List:
        limit = self._settings.timeout
        argv = self.argv("get", "--raw", f"/api/v1/{plural}", f"--request-timeout={max(1, round(limit))}s")
        try:
            outcome = run_command(
                argv,
                env=kubectl_environment(self._context.env),
                timeout=limit + _TIMEOUT_MARGIN,
                limit=_MAX_LIST_BYTES,
                text=False,
            )
        except CommandTimeout as error:
            raise KubectlError(
                KubectlErrorKind.TIMEOUT, error.explain(), _BY_KIND[KubectlErrorKind.TIMEOUT].advice, raw=error.stderr
            ) from None
        if outcome.exit_code:
            raise parse_kubectl_error(outcome)
        try:
            return msgspec.json.decode(outcome.data, type=type)
        except msgspec.DecodeError as error:
            raise KubectlError(
                KubectlErrorKind.OTHER,
                f"the list of {plural} is not what Kubernetes sends: {one_line(str(error))}",
                "is kubectl.command the right one, and the address that of an API server?",
                raw=one_line(outcome.data[:400]),
            ) from None


def kubectl_environment(env: Mapping[str, str]) -> dict[str, str]:
    """The environment of kubectl, which has no colours and no pager: without its debug output."""
    return {key: value for key, value in env.items() if key not in ("KUBECTL_EXTERNAL_DIFF", "DEBUG")}


def _fill_outputs(command: tuple[str, ...], context: CheckContext) -> tuple[str, ...]:
    """The configured command, its `{names}` replaced by terraform outputs."""
    if not any("{" in word for word in command):
        return command
    from checks.tools.terraform import read_terraform_outputs

    names = {name for word in command for name in _OUTPUT_PLACEHOLDER.findall(word)}
    try:
        values = read_terraform_outputs(context)
    except CommandError as error:
        raise KubectlError(
            KubectlErrorKind.CONFIGURATION,
            f"kubectl.command needs the terraform output {', '.join(sorted(names))}: {error.explain()}",
            "apply first",
        ) from error
    for name in sorted(names):
        if not isinstance(values.get(name), str | int) or values[name] == "":
            raise KubectlError(
                KubectlErrorKind.CONFIGURATION,
                f"kubectl.command needs the terraform output {name}, which is not there, or is not one value",
                "apply first, or correct kubectl.command in the settings",
            )
    return tuple(_OUTPUT_PLACEHOLDER.sub(lambda found: one_line(str(values[found[1]])), word) for word in command)


_OUTPUT_PLACEHOLDER = re.compile(r"\{([A-Za-z_][A-Za-z0-9_-]*)\}")
_DISCOVERY_NOISE = re.compile(
    r"^[EWI]\d{4} [\d:.]+ +\d+ (?:memcache|shared_informer|reflector|request|round_trippers)\.go:"
)
_FORBIDDEN_MESSAGE = re.compile(r'cannot (\w+) resource "([^"]+)"')


class _ErrorRow(NamedTuple):
    kind: KubectlErrorKind
    pattern: str
    summary: str
    advice: str


_Kind = KubectlErrorKind
# fmt: off
_ERRORS = (
    _ErrorRow(_Kind.FORBIDDEN, r"\(Forbidden\)",
              "the access rules do not allow this", "ask for the right, or use the administrator's kubeconfig"),
    _ErrorRow(_Kind.NO_KUBECONFIG, r"localhost:8080 was refused|no configuration has been provided",
              "kubectl knows no cluster: no kubeconfig, or no current context in it",
              "fetch the kubeconfig from the master (/etc/kubernetes/admin.conf), or set KUBECONFIG"),
    _ErrorRow(_Kind.CONTEXT, r"context was not found|context \S+ does not exist|no context exists",
              "the kubeconfig has no such context",
              "list them with `kubectl config get-contexts`, and set kubectl.context"),
    _ErrorRow(_Kind.PLUGIN, r"exec plugin|executable .* (?:failed|not found)|getting credentials",
              "the command that gives the credentials failed", "run it by hand: it is under `exec` in the kubeconfig"),
    _ErrorRow(_Kind.CONFIGURATION, r"error loading config|invalid configuration|stat .*no such file|yaml:",
              "the kubeconfig cannot be read", "repair the file, or point KUBECONFIG at another one"),
    _ErrorRow(_Kind.UNAUTHORIZED, r"Unauthorized|must be logged in|asked for the client to provide credentials",
              "the API server does not accept the credentials",
              "the kubeconfig is of an earlier cluster, or has expired: fetch it from the master again"),
    _ErrorRow(_Kind.TLS, r"x509|certificate|tls:|HTTP response to HTTPS|HTTP request to an HTTPS",
              "the certificate of the API server is not the one that the kubeconfig expects",
              "the kubeconfig is of an earlier cluster: fetch it from the master again"),
    _ErrorRow(_Kind.UNKNOWN_HOST, r"no such host|could not resolve|name resolution|Name or service not known",
              "the name of the API server cannot be resolved",
              "check the DNS record and the address in the kubeconfig"),
    _ErrorRow(_Kind.SSH, r"Permission denied \(|Host key verification|ssh: |kex_exchange|Connection closed by",
              "the machine that kubectl is reached through refuses the login",
              "check user, key and security group by hand"),
    _ErrorRow(_Kind.TIMEOUT, r"[Tt]imeout|timed out|deadline exceeded|no route to host",
              "the API server does not answer in time",
              "check the security group (port 6443), the address in the kubeconfig, and that the master runs"),
    _ErrorRow(_Kind.REFUSED, r"was refused|connection refused",
              "the API server refuses connections: it is not up, or not there",
              "wait while the control plane starts, then check kubelet and kube-apiserver on the master"),
    _ErrorRow(_Kind.DROPPED, r"\bEOF\b|connection reset|broken pipe|lost connection",
              "the API server drops the connection",
              "wait a little; a proxy or load balancer in between may have no healthy master"),
    _ErrorRow(_Kind.SERVER, r"ServiceUnavailable|InternalError|TooManyRequests|unable to handle|etcdserver",
              "the API server answers, but cannot serve yet", "wait a little"),
)
# fmt: on
"""In the order in which they are tried."""
_BY_KIND = {row.kind: row for row in _ERRORS}


def parse_kubectl_error(outcome: CommandResult) -> KubectlError:
    """The error in kubectl's output. The last line is the message; discovery prints noise before it."""
    lines = [line for line in outcome.stderr.splitlines() if line.strip() and not _DISCOVERY_NOISE.match(line)]
    message = one_line((lines or [line for line in outcome.stdout.splitlines() if line.strip()] or [""])[-1])
    raw = sanitize(outcome.stderr, limit=8_000)
    if outcome.data.startswith(b"Please enter Username"):
        advice = _BY_KIND[_Kind.UNAUTHORIZED].advice
        return KubectlError(_Kind.UNAUTHORIZED, "the kubeconfig has no credentials", advice, raw=raw)
    # Some messages (of credential plugins, of ssh) come before the last line.
    row = _match_error(message) or _match_error(" ".join(lines))
    if row is None:
        summary = message or f"kubectl ended with exit code {outcome.exit_code}"
        return KubectlError(_Kind.OTHER, summary, "", raw=raw)
    if row.kind is _Kind.FORBIDDEN:
        found = _FORBIDDEN_MESSAGE.search(message)
        denied = f"{found[1]} {found[2]}" if found else message
        return KubectlError(row.kind, f"not allowed to {denied}", row.advice, raw=raw, denied=denied)
    return KubectlError(row.kind, row.summary, row.advice, raw=raw or message)


def _match_error(text: str) -> _ErrorRow | None:
    return next((row for row in _ERRORS if re.search(row.pattern, text)), None)

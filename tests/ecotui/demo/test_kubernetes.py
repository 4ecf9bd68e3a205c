"""The demo's Kubernetes API, asked by two real kubectl, the distribution's and the wheel's, and through ecotui's own wrapper."""

from __future__ import annotations

import json
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from support.tools import SOURCES, path_with

from checks.context import CheckContext
from checks.tools.kubectl import Kubectl, KubectlError, KubectlErrorKind
from config.model import Settings
from ecotui.demo.kubernetes import server as kubernetes_server
from ecotui.demo.kubernetes.objects import ClusterNode, cluster_objects
from ecotui.demo.kubernetes.server import NodeView
from ecotui.demo.kubernetes.store import ClusterStore, VersionExpired

Run = Callable[..., subprocess.CompletedProcess[str]]


def view(name: str, group: str, *, ready: bool = True, joined: float = 0.0) -> NodeView:
    return NodeView(
        name=name,
        group=group,
        instance_id=f"i-{name}",
        instance_type="t3a.large",
        zone="ap-northeast-2a",
        internal_ip="10.0.1.10",
        is_ready=ready,
        joined_at=joined or time.time() - 60,
    )


MASTER = view("k8s-master", "master")
API = view("k8s-api-auth", "api")
WORKER = view("k8s-worker-ai", "worker", ready=False)


@pytest.fixture
def nodes() -> list[NodeView]:
    return [MASTER, API, WORKER]


@pytest.fixture
def server(nodes: list[NodeView]) -> Iterator[kubernetes_server.KubernetesServer]:
    running = kubernetes_server.start_kubernetes(lambda: tuple(nodes))
    until(lambda: running.is_listening == any(node is MASTER for node in nodes))
    yield running
    running.stop()


def until(condition: Callable[[], bool]) -> None:
    for _ in range(200):
        if condition():
            return
        time.sleep(0.02)
    raise AssertionError("it did not happen in 4 s")


@pytest.fixture(params=SOURCES)
def env(request: pytest.FixtureRequest, server: kubernetes_server.KubernetesServer, tmp_path: Path) -> dict[str, str]:
    """The environment of one of the two kubectl."""
    server.write_kubeconfig(tmp_path / "kubeconfig")
    path = path_with("kubectl", request.param, tmp_path / "bin")
    return {"PATH": path, "HOME": str(tmp_path), "KUBECONFIG": str(tmp_path / "kubeconfig")}


@pytest.fixture
def kubectl(env: dict[str, str]) -> Run:
    def run(*words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["kubectl", *words], env=env, stdin=subprocess.DEVNULL, text=True, capture_output=True, timeout=30
        )

    return run


@pytest.fixture
def wrapper(env: dict[str, str], tmp_path: Path) -> Kubectl:
    return Kubectl(CheckContext(settings=Settings(), project=tmp_path, env=env))


def test_ecotui_reads_nodes_pods_and_services(wrapper: Kubectl) -> None:
    found = {node.metadata.name: node for node in wrapper.get_nodes()}
    assert set(found) == {"k8s-master", "k8s-api-auth", "k8s-worker-ai"}
    ready = {
        name: condition.status
        for name, node in found.items()
        for condition in node.status.conditions or ()
        if condition.type == "Ready"
    }
    assert ready == {"k8s-master": "True", "k8s-api-auth": "True", "k8s-worker-ai": "False"}
    assert found["k8s-api-auth"].spec.providerID == "aws:///ap-northeast-2a/i-k8s-api-auth"
    pods = {pod.metadata.name: pod for pod in wrapper.get_pods()}
    assert {pod.status.phase for pod in pods.values() if pod.spec.nodeName == "k8s-worker-ai"} == {"Pending"}
    assert {pod.status.phase for pod in pods.values() if pod.spec.nodeName == "k8s-api-auth"} == {"Running"}
    assert {"kubernetes", "kube-dns", "auth-api"} <= {one.metadata.name for one in wrapper.get_services()}


def test_the_table_shows_state_and_role(kubectl: Run) -> None:
    done = kubectl("get", "nodes")
    assert done.returncode == 0, done.stderr
    lines = [line.split() for line in done.stdout.splitlines()]
    assert lines[0] == ["NAME", "STATUS", "ROLES", "AGE", "VERSION"]
    assert [line[:3] for line in lines[1:]] == [
        ["k8s-api-auth", "Ready", "<none>"],
        ["k8s-master", "Ready", "control-plane"],
        ["k8s-worker-ai", "NotReady", "<none>"],
    ]


def test_json_is_the_list_that_kubectl_makes(kubectl: Run) -> None:
    listed = json.loads(kubectl("get", "nodes", "-o", "json").stdout)
    assert listed["kind"] == "List"
    assert {item["kind"] for item in listed["items"]} == {"Node"}
    master = next(item for item in listed["items"] if item["metadata"]["name"] == "k8s-master")
    assert master["spec"]["taints"][0]["key"] == "node-role.kubernetes.io/control-plane"
    assert all("lastHeartbeatTime" in condition for condition in master["status"]["conditions"])


def test_labels_and_fields_select(kubectl: Run) -> None:
    assert kubectl("get", "nodes", "-l", "eco2.dev/group=api", "-o", "name").stdout.split() == ["node/k8s-api-auth"]
    on_master = kubectl("get", "pods", "-A", "--field-selector", "spec.nodeName=k8s-master", "-o", "name").stdout
    assert "pod/etcd-k8s-master" in on_master
    assert "auth-api" not in on_master


def test_namespaces_separate_pods(kubectl: Run) -> None:
    assert "auth-api" in kubectl("get", "pods", "-n", "api").stdout
    assert "No resources found in default namespace." in kubectl("get", "pods").stderr


def test_versions_of_client_and_server(kubectl: Run) -> None:
    answer = json.loads(kubectl("version", "-o", "json").stdout)
    assert answer["serverVersion"]["gitVersion"] == "v1.32.4"
    assert answer["clientVersion"]["gitVersion"].startswith("v1.")


def test_what_is_not_there_is_not_found(kubectl: Run) -> None:
    done = kubectl("get", "node", "k8s-nope")
    assert done.returncode == 1
    assert 'Error from server (NotFound): nodes "k8s-nope" not found' in done.stderr
    assert "the server doesn't have a resource type" in kubectl("get", "applications").stderr


def test_another_token_is_refused(wrapper: Kubectl, env: dict[str, str]) -> None:
    file = Path(env["KUBECONFIG"])
    text = file.read_text()
    start = text.index("token: ") + 7
    file.write_text(text[:start] + "wrong\n")
    with pytest.raises(KubectlError) as caught:
        wrapper.get_nodes()
    assert caught.value.kind is KubectlErrorKind.UNAUTHORIZED


def test_readiness_is_told_raw(kubectl: Run) -> None:
    assert kubectl("get", "--raw", "/readyz").stdout == "ok"


class TestBeforeTheMaster:
    @pytest.fixture
    def nodes(self) -> list[NodeView]:
        return [view("k8s-master", "master", joined=time.time() + 3600), API]

    def test_connections_are_refused(self, wrapper: Kubectl) -> None:
        with pytest.raises(KubectlError) as caught:
            wrapper.get_nodes()
        assert caught.value.kind is KubectlErrorKind.REFUSED

    def test_the_port_opens_when_the_master_joins(
        self, wrapper: Kubectl, server: kubernetes_server.KubernetesServer, nodes: list[NodeView]
    ) -> None:
        nodes[0] = MASTER
        until(lambda: server.is_listening)
        assert {node.metadata.name for node in wrapper.get_nodes()} == {"k8s-master", "k8s-api-auth"}

    def test_the_port_closes_when_the_master_is_gone(
        self, wrapper: Kubectl, server: kubernetes_server.KubernetesServer, nodes: list[NodeView]
    ) -> None:
        nodes[0] = MASTER
        until(lambda: server.is_listening)
        nodes.clear()
        until(lambda: not server.is_listening)
        with pytest.raises(KubectlError) as caught:
            wrapper.get_nodes()
        assert caught.value.kind is KubectlErrorKind.REFUSED


def test_a_watch_tells_when_a_node_becomes_ready(env: dict[str, str], nodes: list[NodeView]) -> None:
    argv = ["kubectl", "get", "nodes", "--watch", "--no-headers", "--request-timeout=20s"]
    with subprocess.Popen(argv, env=env, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as child:
        assert child.stdout is not None
        watchdog = threading.Timer(15, child.kill)
        watchdog.start()
        try:
            first = [child.stdout.readline().split()[:2] for _ in range(3)]
            assert ["k8s-worker-ai", "NotReady"] in first
            nodes[2] = view("k8s-worker-ai", "worker", joined=WORKER.joined_at)
            assert child.stdout.readline().split()[:2] == ["k8s-worker-ai", "Ready"]
        finally:
            watchdog.cancel()
            child.kill()


def test_kubectl_pages_through_a_long_list(kubectl: Run) -> None:
    whole = kubectl("get", "pods", "-A", "-o", "name").stdout
    paged = kubectl("get", "pods", "-A", "-o", "name", "--chunk-size=2").stdout
    assert len(whole.split()) > 10
    assert paged == whole


class TestObjects:
    def test_a_cluster_without_nodes_has_nothing(self) -> None:
        assert not any(cluster_objects([]).values())

    def test_two_dns_pods_wait_for_nodes_that_are_ready(self) -> None:
        master = ClusterNode(
            "k8s-master", "master", "i-1", "t3a.large", "ap-northeast-2a", "10.0.0.1", False, 1.0, 1.0, 0
        )
        pods = [pod for pod in cluster_objects([master])["pods"] if pod["metadata"]["labels"]["app"] == "coredns"]
        assert [pod["status"]["phase"] for pod in pods] == ["Pending", "Pending"]
        assert all(pod["status"]["conditions"][0]["reason"] == "Unschedulable" for pod in pods)

    def test_names_are_unique_within_a_namespace(self) -> None:
        groups = [
            ("master", "k8s-master"),
            ("api", "k8s-api-auth"),
            ("api", "k8s-api-my"),
            ("infra", "k8s-infra-db"),
        ]
        nodes = [
            ClusterNode(name, group, name, "t3a.large", "ap-northeast-2a", "10.0.0.1", True, 1.0, 1.0, 0)
            for group, name in groups
        ]
        for kind, objects in cluster_objects(nodes).items():
            keys = [(each["metadata"].get("namespace"), each["metadata"]["name"]) for each in objects]
            assert len(keys) == len(set(keys)), kind


class TestStore:
    def test_only_what_differs_gets_a_new_version(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("ecotui.demo.kubernetes.store._CACHE_SECONDS", 0.0)
        views = [MASTER]
        store = ClusterStore(lambda: views)
        before, _ = store.list_objects("nodes")
        assert store.list_objects("nodes")[0] == before
        views.append(API)
        after, changes = store.changes_since("nodes", before)
        assert after > before
        assert [(change.type, change.object["metadata"]["name"]) for change in changes] == [("ADDED", "k8s-api-auth")]
        views.pop()
        assert [change.type for change in store.changes_since("nodes", after)[1]] == ["DELETED"]

    def test_a_version_that_is_forgotten_is_expired(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("ecotui.demo.kubernetes.store._CACHE_SECONDS", 0.0)
        store = ClusterStore(lambda: [MASTER])
        with pytest.raises(VersionExpired):
            store.changes_since("nodes", 1)

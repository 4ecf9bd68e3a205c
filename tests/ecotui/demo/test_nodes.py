"""Nodes join the demo's Kubernetes some time after their instances run, and never before the master."""

from __future__ import annotations

from typing import Any

import pytest

from ecotui.demo.kubernetes import nodes as kubernetes_nodes
from ecotui.demo.speed import DemoTimings

LAUNCHED = 1_000_000.0


def instance(name: str, role: str, launched: float) -> dict[str, Any]:
    return {
        "name": name,
        "role": role,
        "id": f"i-{name}",
        "type": "t3a.medium",
        "zone": "ap-northeast-2a",
        "ip": "10.0.1.4",
        "launched": launched,
    }


def views(monkeypatch: pytest.MonkeyPatch, *running: dict[str, Any], speed: float = 1.0) -> list[Any]:
    monkeypatch.setattr(kubernetes_nodes, "_running_instances", lambda region: list(running))
    return list(kubernetes_nodes.node_lister("ap-northeast-2", DemoTimings(speed=speed))())


def test_without_a_master_there_are_no_nodes(monkeypatch: pytest.MonkeyPatch) -> None:
    assert views(monkeypatch, instance("k8s-api-auth", "api", LAUNCHED)) == []


def test_no_node_joins_before_the_master(monkeypatch: pytest.MonkeyPatch) -> None:
    # The master's instance came up a minute after the others.
    master, *others = views(
        monkeypatch,
        instance("k8s-api-auth", "api", LAUNCHED),
        instance("k8s-worker-ai", "worker", LAUNCHED),
        instance("k8s-master", "master", LAUNCHED + 60),
    )
    assert master.name == "k8s-master"
    assert master.joined_at > LAUNCHED + 60
    assert all(node.joined_at > master.joined_at for node in others)
    assert len({node.joined_at for node in others}) == 2


def test_a_faster_world_waits_less(monkeypatch: pytest.MonkeyPatch) -> None:
    master = instance("k8s-master", "master", LAUNCHED)
    slow, fast = views(monkeypatch, master)[0], views(monkeypatch, master, speed=10)[0]
    assert fast.joined_at - LAUNCHED == pytest.approx((slow.joined_at - LAUNCHED) / 10)


def test_a_node_that_joined_long_ago_is_ready(monkeypatch: pytest.MonkeyPatch) -> None:
    assert views(monkeypatch, instance("k8s-master", "master", LAUNCHED))[0].is_ready

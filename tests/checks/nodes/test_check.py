"""The nodes step: groups, conditions, instances, and clusters that do not answer."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import Any

import msgspec
import pytest

from checks.context import CheckContext
from checks.finding import CheckState, CopyText, Finding, OpenStep, RunCommand
from checks.nodes.check import check, poll_nodes
from checks.nodes.matching import NodeInstance, build_group_rows, build_node_rows
from checks.nodes.model import NodesDetail
from checks.polling import PollClock, PollOutcome, poll_until_done
from checks.text import natural_sort_key
from checks.tools.kubectl import Node
from config.model import NodeGroupSettings, NodesSettings, Settings

GROUPS = (
    NodeGroupSettings(name="master", count=1, instance_type="t3a.large", pattern="k8s-master*"),
    NodeGroupSettings(name="api", count=2, instance_type="t3a.medium", pattern="k8s-api-*"),
)
NOW = 1_800_000_000.0


def node(name: str, ready: str | None = "True", *, provider: str = "", ip: str = "", **spec: Any) -> dict[str, Any]:
    conditions = [{"type": "MemoryPressure", "status": "False"}]
    if ready is not None:
        conditions.append({"type": "Ready", "status": ready, "reason": "KubeletSays", "message": "cni\x1b[2J missing"})
    return {
        "metadata": {"name": name, "creationTimestamp": "2026-11-23T20:00:00Z"},
        "spec": {"providerID": provider, **spec} if provider else spec,
        "status": {
            "conditions": conditions,
            "addresses": [{"type": "InternalIP", "address": ip}] if ip else None,
            "nodeInfo": {"kubeletVersion": "v1.28.4", "osImage": "Ubuntu 22.04"},
        },
    }


def instance(name: str, number: int, state: str = "running", **more: Any) -> NodeInstance:
    return NodeInstance(id=f"i-{number:017x}", name=name, state=state, type="t3a.medium", **more)


def decoded(*nodes: dict[str, Any]) -> list[Node]:
    return msgspec.convert(list(nodes), list[Node])


class FakeAws:
    """Instances, or an error."""

    def __init__(self, answer: list[dict[str, Any]] | Exception) -> None:
        self.answer = answer

    def paginate(self, service: str, operation: str, key: str, **kwargs: Any) -> Any:
        assert (service, operation, key) == ("ec2", "describe_instances", "Reservations")
        if isinstance(self.answer, Exception):
            raise self.answer
        return iter([{"Instances": self.answer}])

    def unknown_finding(self, id: str, step: str, title: str, error: BaseException, action: str = "") -> Finding:
        return Finding(id=id, step=step, state=CheckState.UNKNOWN, title=title, summary=str(error), denied=(action,))


def machine(name: str, number: int, state: str = "running", **more: Any) -> dict[str, Any]:
    return {
        "InstanceId": f"i-{number:017x}",
        "InstanceType": "t3a.medium",
        "State": {"Name": state},
        "PrivateIpAddress": f"10.0.0.{number}",
        "Tags": [{"Key": "Name", "Value": name}],
        **more,
    }


def world(
    folder: Path,
    nodes: list[dict[str, Any]] | str,
    machines: list[dict[str, Any]] | Exception = [],  # noqa: B006 - never changed
    *,
    pods: list[dict[str, Any]] | str = [],  # noqa: B006
    services: list[dict[str, Any]] | str = [],  # noqa: B006
) -> CheckContext:
    """A stand-in kubectl that prints files; a text is what it says before it fails."""
    for name, answer in (("nodes", nodes), ("pods", pods), ("services", services)):
        text = answer if isinstance(answer, str) else json.dumps({"items": answer})
        (folder / name).write_text(text)
        (folder / f"{name}.code").write_text("1" if isinstance(answer, str) else "0")
    file = folder / "kubectl"
    file.write_text(
        f'#!/bin/sh\nname={folder}/"${{3##*/}}"\ncode=$(cat "$name.code")\n'
        'if [ "$code" = 0 ]; then cat "$name"; else cat "$name" >&2; fi\nexit "$code"\n'
    )
    file.chmod(0o755)
    made = CheckContext(
        settings=Settings(nodes=NodesSettings(groups=GROUPS)),
        project=folder,
        env={"PATH": f"{folder}:{os.environ['PATH']}", "HOME": str(folder)},
    )
    made.__dict__["aws"] = FakeAws(machines)
    return made


def findings(where: CheckContext) -> dict[str, Finding]:
    return {finding.id: finding for finding in check(where).findings}


ALL = [node("k8s-master"), node("k8s-api-1"), node("k8s-api-2")]
MACHINES = [machine("k8s-master", 1), machine("k8s-api-1", 2), machine("k8s-api-2", 3)]
REFUSED = "The connection to the server 10.0.0.1:6443 was refused - did you specify the right host or port?"


def test_all_ready_is_ok(tmp_path: Path) -> None:
    report = check(world(tmp_path, ALL, MACHINES))
    assert report.state is CheckState.OK
    assert [finding.summary for finding in report.findings] == [
        "The API server answers, and lists 3 nodes",
        "master: 1 of 1 Ready",
        "api: 2 of 2 Ready",
        "0 of 0 pods running, 0 services",
        "3 of 3 expected instances running",
    ]
    assert all(finding.step == "nodes" and finding.id.startswith("nodes.") for finding in report.findings)


def test_a_node_that_is_not_ready_blocks_with_the_kubelets_words_and_commands_to_take_away(
    tmp_path: Path,
) -> None:
    found = findings(world(tmp_path, [node("k8s-master"), node("k8s-api-1", "False"), node("k8s-api-2")], MACHINES))
    assert found["nodes.group.api"].state is CheckState.BLOCKED
    assert found["nodes.group.api"].summary == "api: 1 of 2 Ready: 1 joined and not Ready"
    bad = found["nodes.node.k8s-api-1"]
    assert bad.summary == "k8s-api-1 is not Ready: Ready=False (KubeletSays); cni missing"
    assert bad.guide == ("7.2",)
    commands = [fix.action.text for fix in bad.fixes if isinstance(fix.action, CopyText)]
    assert commands[0] == "kubectl describe node k8s-api-1"
    assert "ssh ubuntu@10.0.0.2 'sudo journalctl -u kubelet -n 200 -f'" in commands
    assert any("cloud-init-output.log" in command for command in commands)


def test_an_instance_that_has_not_joined_is_told_from_one_that_is_missing(tmp_path: Path) -> None:
    found = findings(world(tmp_path, [node("k8s-master")], MACHINES[:2]))
    assert found["nodes.group.api"].summary == (
        "api: 0 of 2 Ready: 1 instance not joined, 1 without a running instance"
    )
    assert "has not joined" in found["nodes.node.k8s-api-1"].summary
    assert found["nodes.ec2"].state is CheckState.WARN


def test_a_cordoned_node_has_not_failed(tmp_path: Path) -> None:
    found = findings(world(tmp_path, [*ALL[:2], node("k8s-api-2", unschedulable=True)], MACHINES))
    assert found["nodes.group.api"].state is CheckState.OK
    assert found["nodes.group.api"].summary == "api: 2 of 2 Ready, 1 cordoned"


def test_pressure_that_the_status_column_hides_is_a_warning(tmp_path: Path) -> None:
    pressed = node("k8s-api-2")
    pressed["status"]["conditions"][0]["status"] = "True"
    found = findings(world(tmp_path, [*ALL[:2], pressed], MACHINES))
    assert found["nodes.group.api"].state is CheckState.WARN
    assert "k8s-api-2 (MemoryPressure)" in found["nodes.group.api"].summary


@pytest.mark.parametrize(
    ("status", "words"), [("Unknown", "Ready=Unknown (KubeletSays)"), (None, "no Ready condition yet")]
)
def test_a_condition_that_is_unknown_or_absent_is_not_ready(status: str | None, words: str) -> None:
    (row,) = build_node_rows(GROUPS, decoded(node("k8s-api-1", status)), None, NOW)
    assert not row.ready
    assert row.conditions == (words,)


def test_a_node_no_group_expects_is_a_warning_not_a_failure(tmp_path: Path) -> None:
    found = findings(world(tmp_path, [*ALL, node("stranger"), node("ill-stranger", "False")], MACHINES))
    assert found["nodes.unexpected"].state is CheckState.WARN
    assert found["nodes.unexpected"].summary == "2 nodes in no group of the settings: ill-stranger, stranger"
    assert found["nodes.node.ill-stranger"].state is CheckState.WARN


def test_more_nodes_than_expected_are_told(tmp_path: Path) -> None:
    found = findings(world(tmp_path, [*ALL, node("k8s-api-3")], MACHINES))
    assert found["nodes.group.api"].state is CheckState.WARN
    assert "1 more than expected" in found["nodes.group.api"].summary


def test_a_node_named_by_its_private_dns_belongs_to_the_group_of_its_instance() -> None:
    seen = build_node_rows(
        GROUPS,
        decoded(node("ip-10-0-0-5.internal", provider="aws:///ap-northeast-2a/i-00000000000000005")),
        [instance("k8s-api-1", 5)],
        NOW,
    )
    assert [(row.group, row.instance_state, row.joined) for row in seen] == [("api", "running", True)]


def test_a_node_whose_instance_is_gone_says_so() -> None:
    (row,) = build_node_rows(GROUPS, decoded(node("k8s-api-1", "Unknown", provider="aws:///a/i-dead")), [], NOW)
    assert (row.instance_id, row.instance_state) == ("i-dead", "gone")


def test_a_node_without_provider_is_matched_by_name_or_address() -> None:
    seen = build_node_rows(
        GROUPS,
        decoded(node("k8s-api-1"), node("other", ip="10.0.0.9")),
        [instance("k8s-api-1", 1), instance("k8s-api-9", 2, private_ip="10.0.0.9")],
        NOW,
    )
    assert {row.name: row.group for row in seen} == {"k8s-api-1": "api", "other": "api"}


def test_an_instance_that_is_stopping_is_not_waited_for() -> None:
    assert build_node_rows(GROUPS, (), [instance("k8s-api-1", 1, "shutting-down")], NOW) == ()


def test_what_is_not_ready_comes_first_and_numbers_sort_as_numbers() -> None:
    seen = build_node_rows(
        GROUPS,
        decoded(node("k8s-api-10"), node("k8s-api-9"), node("k8s-master"), node("k8s-api-11", "False")),
        None,
        NOW,
    )
    assert [row.name for row in seen] == ["k8s-api-11", "k8s-master", "k8s-api-9", "k8s-api-10"]
    assert natural_sort_key("node-9") < natural_sort_key("node-10")


def test_without_ec2_instances_are_not_counted() -> None:
    counted = build_group_rows(
        GROUPS, build_node_rows(GROUPS, decoded(node("k8s-master")), None, NOW), ec2_answered=False
    )
    assert [(row.ready, row.running) for row in counted] == [(1, None), (0, None)]


def test_aws_that_may_not_be_asked_leaves_the_kubernetes_view_whole(tmp_path: Path) -> None:
    found = findings(world(tmp_path, ALL, PermissionError("no")))
    assert found["nodes.group.api"].state is CheckState.OK
    assert found["nodes.ec2"].state is CheckState.UNKNOWN
    assert found["nodes.ec2"].denied == ("ec2:DescribeInstances",)


def test_an_api_that_is_down_is_a_state_with_a_way_to_wait_and_to_look(tmp_path: Path) -> None:
    where = world(tmp_path, REFUSED, [machine("k8s-master", 1, PublicIpAddress="203.0.113.9"), *MACHINES[1:]])
    report = check(where)
    api = report.findings[0]
    assert (api.id, api.state) == ("nodes.api", CheckState.BLOCKED)
    assert "3 instances run" in api.summary and "refuses connections" in api.summary
    assert isinstance(api.fixes[0].action, RunCommand) and api.fixes[0].command == "ecotui nodes --wait"
    assert any("ssh ubuntu@203.0.113.9" in fix.command for fix in api.fixes)
    assert not [finding for finding in report.findings if finding.id.startswith("nodes.group")]
    detail = msgspec.convert(report.detail, NodesDetail)
    assert not detail.answers
    assert len(detail.rows) == 3


def test_no_cluster_at_all_points_to_apply(tmp_path: Path) -> None:
    api = findings(world(tmp_path, REFUSED))["nodes.api"]
    assert "There is no cluster yet" in api.summary
    assert [fix.action for fix in api.fixes] == [OpenStep(step="apply")]


def test_nodes_that_may_not_be_listed_are_unknown_and_name_the_verb(tmp_path: Path) -> None:
    said = 'Error from server (Forbidden): nodes is forbidden: User "u" cannot list resource "nodes" in API group ""'
    api = findings(world(tmp_path, said, MACHINES))["nodes.api"]
    assert api.state is CheckState.UNKNOWN
    assert api.denied == ("list nodes",)


def test_pods_that_may_not_be_listed_leave_the_nodes_whole(tmp_path: Path) -> None:
    said = 'Error from server (Forbidden): pods is forbidden: User "u" cannot list resource "pods" in API group ""'
    found = findings(world(tmp_path, ALL, MACHINES, pods=said))
    assert found["nodes.group.api"].state is CheckState.OK
    assert found["nodes.pods"].state is CheckState.UNKNOWN
    assert found["nodes.pods"].denied == ("list pods",)


def pod(name: str, phase: str, waiting: str = "", *, ready: bool = True, restarts: int = 0) -> dict[str, Any]:
    state = {"waiting": {"reason": waiting}} if waiting else {"running": {}}
    status = {"name": "c", "ready": ready, "restartCount": restarts, "state": state}
    return {
        "metadata": {"name": name, "namespace": "api"},
        "spec": {"nodeName": "k8s-api-1"},
        "status": {"phase": phase, "containerStatuses": [status]},
    }


def test_pods_in_trouble_and_services_without_an_address_are_counted(tmp_path: Path) -> None:
    pods = [
        pod("good", "Running"),
        pod("starting", "Pending", "ContainerCreating", ready=False),
        pod("crash", "Running", "CrashLoopBackOff", ready=False, restarts=17),
        pod("done", "Succeeded", ready=False),
        {"metadata": {"name": "homeless"}, "spec": {}, "status": {"phase": "Pending"}},
    ]
    services = [
        {"metadata": {"name": "web", "namespace": "api"}, "spec": {"type": "LoadBalancer"}, "status": {"loadBalancer": {}}},
        {"metadata": {"name": "db"}, "spec": {"type": "ClusterIP"}},
    ]  # fmt: skip
    found = findings(world(tmp_path, ALL, MACHINES, pods=pods, services=services))["nodes.pods"]
    assert found.state is CheckState.WARN
    assert found.summary == (
        "2 of 5 pods running, 2 services: 2 pending, 1 with a container that cannot start or crashes, "
        "1 service without an address"
    )
    values = [fact.value for fact in found.facts]
    assert "api/crash: CrashLoopBackOff (17 restarts)" in values
    assert "/homeless: Pending, on no node" in values
    assert not any("starting" in value for value in values)


def test_hundreds_of_ill_nodes_do_not_become_hundreds_of_findings(tmp_path: Path) -> None:
    many = [node(f"k8s-api-{number}", "False") for number in range(300)]
    report = check(world(tmp_path, many, MACHINES))
    assert len(report.findings) < 40
    assert "300 joined and not Ready" in next(one.summary for one in report.findings if one.id == "nodes.group.api")


def test_five_thousand_nodes_are_looked_at_quickly() -> None:
    text = json.dumps([node(f"k8s-api-{number}", provider=f"aws:///a/i-{number}") for number in range(5000)])
    machines = [instance(f"k8s-api-{number}", number) for number in range(5000)]
    started = time.process_time()
    seen = build_node_rows(GROUPS, msgspec.json.decode(text, type=list[Node]), machines, NOW)
    assert len(seen) >= 5000
    assert time.process_time() - started < 3


def test_waiting_goes_on_while_the_api_is_down_and_ends_when_all_are_ready(tmp_path: Path) -> None:
    where = world(tmp_path, REFUSED, MACHINES)
    slept: list[float] = []
    said: list[str] = []

    def pass_time(seconds: float) -> None:
        slept.append(seconds)
        if sum(slept) >= 20:
            world(tmp_path, ALL, MACHINES)
        elif sum(slept) >= 10:
            world(tmp_path, ALL[:2], MACHINES)

    ended = poll_until_done(
        lambda: poll_nodes(where),
        interval=10,
        timeout=600,
        on_tick=lambda moment: said.append(moment.result.text) if moment.is_poll else None,
        clock=PollClock(now=lambda: sum(slept), sleep=pass_time),
    )
    assert ended.outcome is PollOutcome.DONE
    assert said[0].startswith("No answer from the API server")
    assert "3 of 3 instances run" in said[0]
    assert said[1] == "2 of 3 nodes Ready (master 1/1, api 1/2); waiting for k8s-api-2 (not joined)."
    assert said[2] == "3 of 3 nodes Ready (master 1/1, api 2/2)."
    assert ended.result.data["ready"] == 3


def test_waiting_ends_at_once_where_it_can_never_succeed(tmp_path: Path) -> None:
    where = world(tmp_path, ALL, MACHINES)
    (tmp_path / "kubectl").unlink()
    blind = CheckContext(settings=where.settings, project=tmp_path, env={"PATH": str(tmp_path)})
    blind.__dict__["aws"] = FakeAws([])
    assert poll_nodes(blind).outcome is PollOutcome.FAILED


def test_extra_nodes_of_one_group_do_not_stand_in_for_missing_ones_of_another(tmp_path: Path) -> None:
    where = world(tmp_path, [node("k8s-api-1"), node("k8s-api-2"), node("k8s-api-3")], MACHINES)
    assert poll_nodes(where).outcome is PollOutcome.PENDING

"""`ecotui nodes` from a shell, and the step against the real kubectl."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from checks.context import CheckContext
from checks.nodes.check import check, poll_nodes
from checks.polling import PollClock, PollOutcome, poll_until_done
from config.model import KubectlSettings, NodeGroupSettings, NodesSettings, Settings
from ecotui.cli import main


def prepared(folder: Path, ready: str, *, hang: bool = False) -> dict[str, str]:
    """A project of one node with a stand-in kubectl, and an AWS that nobody answers for."""
    node = {"metadata": {"name": "n-1"}, "status": {"conditions": [{"type": "Ready", "status": ready}]}}
    (folder / "nodes").write_text(json.dumps({"items": [node]}))
    kubectl = folder / "kubectl"
    kubectl.write_text(
        f"#!/bin/sh\necho $$ >> {folder}/pids\n"
        + ("sleep 60\n" if hang else f"case $3 in */nodes) cat {folder}/nodes;; *) echo '{{}}';; esac\n")
    )
    kubectl.chmod(0o755)
    (folder / "ecotui.yaml").write_text(
        "nodes:\n  groups:\n    - {name: all, count: 1, instance_type: t3.micro, pattern: 'n-*'}\n"
        "aws: {region: eu-west-1, timeout: 1}\n"
    )
    return {
        "PATH": f"{folder}:{os.environ['PATH']}",
        "HOME": str(folder),
        "AWS_ENDPOINT_URL": "http://127.0.0.1:1",
        "AWS_ACCESS_KEY_ID": "x",
        "AWS_SECRET_ACCESS_KEY": "y",
        "AWS_MAX_ATTEMPTS": "1",
    }


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name, value in prepared(tmp_path, "True").items():
        monkeypatch.setenv(name, value)
    return tmp_path


def test_json_is_one_document_with_groups_nodes_and_findings(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code = main(["-C", str(project), "nodes", "--json"])
    document: dict[str, Any] = json.loads(capsys.readouterr().out)
    assert document["schema"] == "ecotui.nodes/1"
    assert (document["answers"], document["expected"], document["ready"]) == (True, 1, 1)
    assert document["groups"][0]["name"] == "all"
    assert document["nodes"][0]["name"] == "n-1"
    assert {"nodes.api", "nodes.group.all", "nodes.ec2"} <= {one["id"] for one in document["findings"]}
    assert code == 3, "EC2 could not be asked, and that is never green"


def test_plain_output_is_findings_and_a_table(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main(["-C", str(project), "nodes"])
    out = capsys.readouterr().out
    assert "all: 1 of 1 Ready  [nodes.group.all]" in out
    assert out.splitlines()[-2].split()[:3] == ["NAME", "GROUP", "STATUS"]


def test_waiting_ends_with_0_when_all_are_ready_whatever_ec2_says(tmp_path: Path) -> None:
    env = prepared(tmp_path, "True")
    done = ecotui(tmp_path, env, "nodes", "--wait", "--progress")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["verdict"] == "done"


def test_waiting_ends_with_3_when_its_time_is_over(tmp_path: Path) -> None:
    env = prepared(tmp_path, "False")
    done = ecotui(tmp_path, env, "nodes", "--wait", "--poll", "0.2", "--limit", "0.3")
    assert done.returncode == 3
    assert "0 of 1 nodes Ready (all 0/1); waiting for n-1 (not Ready)." in done.stdout
    assert "Stopped waiting" in done.stderr


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_while_kubectl_hangs_ends_both(tmp_path: Path, number: signal.Signals) -> None:
    env = prepared(tmp_path, "True", hang=True)
    command = [sys.executable, "-m", "ecotui", "-C", str(tmp_path), "nodes", "--wait"]
    running = subprocess.Popen(command, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    pids = tmp_path / "pids"
    end = time.monotonic() + 20
    while not (pids.exists() and pids.read_text().endswith("\n")) and time.monotonic() < end:
        time.sleep(0.02)
    time.sleep(0.1)  # The command has started; its query is registered a moment later.
    running.send_signal(number)
    _, said = running.communicate(timeout=10)
    assert running.returncode == 130
    assert "Traceback" not in said
    for pid in map(int, pids.read_text().split()):
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)


def ecotui(folder: Path, env: dict[str, str], *words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "ecotui", "-C", str(folder), *words]
    return subprocess.run(command, env=env, capture_output=True, text=True, timeout=60, check=False)


@pytest.mark.real
@pytest.mark.skipif(not shutil.which("kubectl"), reason="needs kubectl")
def test_the_real_kubectl_reads_a_cluster_that_comes_up_while_we_wait(tmp_path: Path) -> None:
    from ecotui.demo.kubernetes import server as kubernetes_server

    def view(name: str, number: int, ready: bool) -> kubernetes_server.NodeView:
        return kubernetes_server.NodeView(
            name=name,
            group=name.split("-")[1],
            instance_id=f"i-{number:017x}",
            instance_type="t3a.medium",
            zone="ap-northeast-2a",
            internal_ip=f"10.0.0.{number}",
            is_ready=ready,
            joined_at=time.time() - 60,
        )

    there: list[kubernetes_server.NodeView] = []
    cluster = kubernetes_server.start_kubernetes(lambda: list(there))
    try:
        cluster.write_kubeconfig(tmp_path / "config")
        groups = (
            NodeGroupSettings(name="master", count=1, instance_type="t3a.large", pattern="k8s-master*"),
            NodeGroupSettings(name="api", count=1, instance_type="t3a.medium", pattern="k8s-api-*"),
        )
        env = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "KUBECONFIG": str(tmp_path / "config")}
        where = CheckContext(
            settings=Settings(nodes=NodesSettings(groups=groups), kubectl=KubectlSettings(timeout=5)),
            project=tmp_path,
            env=env,
        )
        where.__dict__["aws"] = NoInstances()
        verdicts = [poll_nodes(where).text]
        there += [view("k8s-master", 1, ready=True), view("k8s-api-1", 2, ready=True)]
        ended = poll_until_done(
            lambda: poll_nodes(where),
            interval=0.3,
            timeout=20,
            on_tick=lambda moment: verdicts.append(moment.result.text),
            clock=PollClock(),
        )
        assert ended.outcome is PollOutcome.DONE, verdicts
        assert "refuses connections" in verdicts[0]
        summaries = {finding.id: finding.summary for finding in check(where).findings}
    finally:
        cluster.stop()
    assert summaries["nodes.api"] == "The API server answers, and lists 2 nodes"
    assert "running" in summaries["nodes.pods"]


class NoInstances:
    """An EC2 that knows none."""

    def paginate(self, *args: str, **kwargs: object) -> Any:
        return iter(())

    def unknown(self, *args: object) -> Any:
        raise AssertionError("EC2 was asked and answered")

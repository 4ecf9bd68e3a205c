"""`ecotui demo --auto`: real terraform, kubectl and gh against the embedded world, from a broken account to 13 nodes."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ecotui.demo.providers import find_mirror

# One worker for all of it: the run takes a minute and a half.
pytestmark = [pytest.mark.real, pytest.mark.world, pytest.mark.xdist_group("auto"), pytest.mark.timeout(240)]


def need(thing: object, what: str) -> None:
    """Without it there is nothing to test; on the CI machine that is a failure."""
    if not thing:
        (pytest.fail if os.environ.get("CI") else pytest.skip)(f"{what} is not on this machine")


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[dict[str, Any], str, Path]]:
    """The document, what was told on the way, and the home that was kept."""
    for name in ("terraform", "kubectl", "gh"):
        need(shutil.which(name), name)
    need(find_mirror(), "a mirror of the AWS provider")
    home = tmp_path_factory.mktemp("demo") / "home"
    done = subprocess.run(
        [
            sys.executable,
            "-P",
            "-m",
            "ecotui",
            "demo",
            "--auto",
            "--json",
            "--speed",
            "20",
            "--keep",
            str(home),
        ],
        capture_output=True,
        text=True,
        timeout=220,
    )
    assert done.returncode == 0, done.stderr[-4000:]
    yield json.loads(done.stdout), done.stderr, home


def test_the_rebuild_ends_with_thirteen_ready_nodes(played: tuple[dict[str, Any], str, Path]) -> None:
    body, told, _ = played
    assert body["schema"] == "ecotui.demo/1"
    assert body["ok"] is True
    assert body["nodes"] == {"ready": 13, "expected": 13}
    assert body["tools"] == {"terraform": "real", "kubectl": "real", "gh": "real"}
    assert {step["id"]: step["state"] for step in body["steps"]} == dict.fromkeys(
        ("environment", "quota", "github", "cleanup", "apply", "cloudfront", "nodes"), "ok"
    )
    assert "lacks read:org" in told
    assert "16 allowed" in told


def test_its_session_can_be_reviewed_and_its_chain_is_whole(
    played: tuple[dict[str, Any], str, Path],
) -> None:
    body, _, home = played
    folder = Path(body["session"]["folder"])
    assert folder.is_dir()
    assert folder.is_relative_to(home)
    env = {**os.environ, "ECOTUI_STATE_DIR": str(folder.parent.parent)}
    for words in (["verify"], ["show", body["session"]["id"]]):
        review = subprocess.run(
            [sys.executable, "-P", "-m", "ecotui", "sessions", *words],
            capture_output=True,
            text=True,
            env=env,
            timeout=30,
        )
        assert review.returncode == 0, review.stdout + review.stderr
    assert "terraform apply" in review.stdout
    assert "session ended: done" in review.stdout


def test_terraform_built_all_and_no_secret_is_in_the_log(
    played: tuple[dict[str, Any], str, Path],
) -> None:
    body, _, home = played
    state = json.loads((home / "project" / "terraform" / "terraform.tfstate").read_text())
    nodes = [one for one in state["resources"] if (one["type"], one["name"]) == ("aws_instance", "node")]
    assert len(nodes[0]["instances"]) == 13
    looks = [
        finding["summary"]
        for line in (Path(body["session"]["folder"]) / "events.jsonl").read_text().splitlines()
        for finding in json.loads(line)["event"].get("report", {}).get("findings", ())
        if finding["id"] == "apply.changes"
    ]
    # The last look plans anew: what is applied does not drift.
    assert "nothing left to do" in looks[-1]
    token = next(
        line.split()[-1]
        for line in (home / ".github" / "gh" / "hosts.yml").read_text().splitlines()
        if "oauth_token" in line
    )
    for path in Path(body["session"]["folder"]).rglob("*"):
        if path.is_file():
            assert token not in path.read_text(errors="replace"), path


def test_nothing_runs_in_its_home_any_more(played: tuple[dict[str, Any], str, Path]) -> None:
    _, _, home = played
    mark = f"ECOTUI_DEMO_HOME={home}".encode()
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            assert mark not in (folder / "environ").read_bytes(), folder
        except OSError:
            continue

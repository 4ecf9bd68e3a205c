"""Two machines and one account: the team's lock between real processes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from support import ROOT

from checks.aws.object_store import ObjectStore
from ecotui.session import events
from ecotui.session.lock import project_lock_path
from ecotui.session.store import SessionStore
from ecotui.team import lease_client
from ecotui.team.lease_client import LeaseClient

TEAM = "s3://eco2-team/ecotui/prod"


@pytest.fixture
def machines(tmp_path: Path, team_store: ObjectStore, aws_env: dict[str, str]) -> Iterator[Machines]:
    made = Machines(tmp_path, aws_env)
    yield made
    made.close()


class Machines:
    """Two machines of one team, with real commands."""

    def __init__(self, folder: Path, env: dict[str, str]) -> None:
        self.folder = folder
        self.env = env
        self.seats: list[LeaseClient] = []
        for name in ("one", "two"):
            (folder / name).mkdir()
            (folder / name / "ecotui.yaml").write_text(
                "project: eco2\naws: {region: ap-northeast-2}\ngithub: {enabled: false}\n"
                f"environment: {{tools: []}}\nsessions: {{team: '{TEAM}', lease: 2}}\n"
            )

    def sit(self, name: str) -> LeaseClient:
        env = self.environ(name)
        seat = lease_client.open_lease_client(
            Path(env["ECOTUI_STATE_DIR"]), self.folder / name, ["--project", str(self.folder / name)], env
        )
        self.seats.append(seat)
        return seat

    def environ(self, name: str, **more: str) -> dict[str, str]:
        state = self.folder / f"state-{name}"
        state.mkdir(exist_ok=True)
        return {
            **self.env,
            "ECOTUI_STATE_DIR": str(state),
            "PYTHONPATH": str(ROOT),
            **more,
        }

    def run(self, name: str, *words: str, **env: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-P", "-m", "ecotui", *words],
            cwd=self.folder / name,
            env=self.environ(name, **env),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    def forgotten(self, name: str) -> None:
        """Wait until the keeper there has let go: a command that comes before that works under the lock it holds."""
        place = project_lock_path(Path(self.environ(name)["ECOTUI_STATE_DIR"]), self.folder / name).with_suffix(".team")
        deadline = time.monotonic() + 30
        while lease_client.read_lease_status(place) is not None:
            assert time.monotonic() < deadline, "the keeper does not end"
            time.sleep(0.05)

    def close(self) -> None:
        for seat in self.seats:
            seat.release()
            seat.stop_agent()


def test_two_machines_on_one_account_the_second_is_refused_with_the_holder_s_name(
    machines: Machines, team_store: ObjectStore, dead_endpoint: str
) -> None:
    seat = machines.sit("one")
    seat.set_session(SessionStore(seat.folder.parent.parent).create(project="eco2", folder=machines.folder / "one").id)
    assert seat.wait_for_status(30).is_held
    looked = machines.run("two", "team", "--json")
    told = json.loads(looked.stdout)
    assert (looked.returncode, told["schema"], told["state"]) == (3, "ecotui.team/1", "blocked")
    assert told["holder"] == told["holder"].strip() != ""
    refused = machines.run("two", "adopt", "--undo", "--override", "environment.team=I know better")
    assert refused.returncode == 3, refused.stderr
    assert told["holder"] in refused.stderr
    listed = machines.run("two", "sessions", "list", "--team", "--json")
    assert [one["here"] for one in json.loads(listed.stdout)["sessions"]] == [True]
    # Killed, not asked: its lease ends by itself, and then the account is free.
    keeper = int(json.loads((seat.folder / lease_client.AGENT_LOCK_FILE).read_bytes())["pid"])
    os.kill(keeper, 9)
    time.sleep(3)
    assert machines.run("two", "adopt", "--undo").returncode == 0
    machines.forgotten("two")
    # Where S3 cannot be reached, nothing is changed without a reason, and the reason is in the log.
    away = {"AWS_ENDPOINT_URL_S3": dead_endpoint}
    refused = machines.run("two", "adopt", "--undo", **away)
    assert refused.returncode == 3
    assert "could not be checked" in refused.stderr
    assert "--override 'environment.team=REASON'" in refused.stderr
    passed = machines.run("two", "adopt", "--undo", "--override", "environment.team=S3 is down, asked hana", **away)
    assert passed.returncode == 0, passed.stderr
    shelf = SessionStore(Path(machines.environ("two")["ECOTUI_STATE_DIR"]))
    reasons = [
        one.event.reason
        for one in shelf.open_latest().read_records()
        if isinstance(one.event, events.FindingOverridden)
    ]
    assert reasons == ["S3 is down, asked hana"]

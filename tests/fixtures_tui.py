"""A desk on canned reports for the tests of the TUI: no child looks, nothing runs, the clock of what is shown stands."""

from __future__ import annotations

import argparse
import asyncio
import fcntl
import json
import os
import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import msgspec
import pytest
from textual.pilot import Pilot
from textual.widgets import Input

from checks.apply.detail import ApplyDetail
from checks.cleanup.leftover import CleanupDetail, Leftover, Ownership
from checks.cloudfront import CloudFrontDetail, DistributionRow
from checks.finding import (
    Copy,
    Fact,
    Finding,
    Fix,
    Paste,
    PickProfile,
    Report,
    Risk,
    Run,
    SetVariable,
    State,
    Visit,
)
from checks.nodes_detail import GroupRow, NodeRow, NodesDetail
from checks.quota_detail import QuotaDetail, QuotaRow, RequestRow
from checks.steps import STEPS
from config.load import load
from ecotui.app import EcotuiApp
from ecotui.desk import Desk
from ecotui.session.events import Looked
from ecotui.session.lock import Holder
from ecotui.session.log import Session
from ecotui.session.store import Store
from ecotui.supervisor import Command
from screens.rebuild import RebuildScreen

STARTED = 1_764_000_000.0
"""When every canned look was made: 2025-11-24 16:00:00 UTC."""

SETTINGS = """\
project: eco2
aws: {region: ap-northeast-2, account: "123456789012", account_name: eco2-prod}
environment:
  variables:
    - {name: GITHUB_TOKEN, secret: true, required: false, purpose: image pulls from ghcr.io}
"""


def report(step: str, *findings: Finding, detail: object = None) -> Report:
    # As it arrives from the child that looks: through JSON.
    plain = None if detail is None else msgspec.json.decode(msgspec.json.encode(detail))
    return Report(step=step, findings=findings, started=STARTED, seconds=0.4, detail=plain)


def finding(id: str, state: State, summary: str, **more: Any) -> Finding:
    more.setdefault("title", id.partition(".")[2].replace("-", " ").capitalize())
    return Finding(id=id, step=id.partition(".")[0], state=state, summary=summary, **more)


def facts(**values: str) -> tuple[Fact, ...]:
    return tuple(Fact(label=label.replace("_", " "), value=value) for label, value in values.items())


SET_TOKEN = Fix(
    id="set",
    title="Give GITHUB_TOKEN for this session",
    action=SetVariable(name="GITHUB_TOKEN", secret=True, purpose="image pulls from ghcr.io"),
    changes="Everything that this session starts sees it; it is kept in memory only.",
    recommended=True,
)
PICK = Fix(
    id="profile",
    title="Pick another profile",
    action=PickProfile(choices=("eco2", "eco2-admin", "private")),
    changes="This session uses that profile.",
)
REQUEST = Fix(
    id="request",
    title="Request an increase to 32",
    action=Run(argv=("ecotui", "quota", "--request", "L-1216C47A", "--value", "32", "--yes")),
    changes="AWS gets a request for 32 (usually answered in 15 minutes to 2 hours).",
    risk=Risk.CHANGES,
    recommended=True,
)
WAIT = Fix(
    id="wait",
    title="Wait for the approval",
    action=Run(argv=("ecotui", "quota", "--wait", "L-1216C47A")),
    changes="Nothing; it looks again and again until the limit is raised or the request refused.",
)
PASTE = Fix(
    id="paste",
    title="Paste a token that has the scopes",
    action=Paste(
        argv=("gh", "auth", "login", "--with-token"), prompt="A classic token with repo and read:org."
    ),
    changes="gh keeps the token where it keeps tokens.",
    risk=Risk.CHANGES,
)
DESTROY = Fix(
    id="destroy",
    title="Destroy everything that is in the state",
    action=Run(argv=("terraform", "destroy", "-auto-approve")),
    changes="All 84 resources are gone afterwards.",
    risk=Risk.DESTROYS,
)
PLAN = Fix(
    id="plan",
    title="Plan, and forecast what would go wrong",
    action=Run(argv=("ecotui", "plan")),
    changes="Nothing; a plan file is written.",
    recommended=True,
)
CLEAR = Fix(
    id="clear",
    title="Delete what stands in the way",
    action=Visit(step="cleanup", select=("key-pair:k8s-cluster-key",)),
    changes="The cleanup step opens with it chosen.",
)
SSH = Fix(
    id="ssh",
    title="Look at the kubelet of that node",
    action=Copy(text="ssh ubuntu@10.0.2.14 journalctl -u kubelet -n 50"),
    changes="Nothing.",
)


def leftover(kind: str, name: str, ownership: Ownership = Ownership.TAGGED, **more: Any) -> Leftover:
    more.setdefault("id", name)
    more.setdefault("action", "delete")
    more.setdefault("fingerprint", "0" * 24)
    more.setdefault(
        "why", "carries all the tags" if ownership is Ownership.TAGGED else "its name matches *ecoeco*"
    )
    more.setdefault("preselected", ownership is Ownership.TAGGED)
    return Leftover(key=f"{kind}:{more['id']}", kind=kind, name=name, ownership=ownership, **more)


LEFTOVERS = (
    leftover(
        "cloudfront",
        "cdn.ecoeco.kr",
        id="E2QWRUHAPOMQZL",
        state="Deployed, enabled",
        action="disable+delete",
        age_seconds=40 * 86_400.0,
        blocks=("s3-bucket:prod-sesacthon-images",),
    ),
    leftover("iam-role", "eco2-alb-controller", Ownership.NAME_ONLY, why="its name matches *alb-controller*"),
    leftover("key-pair", "k8s-cluster-key", id="key-0a1b2c3d4e5f", why="named in cleanup.exact"),
    leftover(
        "s3-bucket",
        "prod-sesacthon-images",
        action="empty+delete",
        size="1,000+ objects",
        blocked_by=("cloudfront:E2QWRUHAPOMQZL",),
    ),
    leftover(
        "iam-role",
        "AWSServiceRoleForSupport",
        Ownership.NAME_ONLY,
        action="keep",
        protected="service-linked role",
    ),
)


def broken_world() -> dict[str, Report]:
    """An account in which an earlier deployment still lies about, with too small quotas."""
    return {
        "environment": report(
            "environment",
            finding(
                "environment.terraform", State.OK, "terraform 1.11.4 is there; 1.5.0 or newer is needed."
            ),
            finding(
                "environment.identity",
                State.OK,
                "Signed in as operator of account 123456789012 (eco2-prod).",
                facts=facts(account="123456789012", alias="eco2-prod", region="ap-northeast-2"),
                fixes=(PICK,),
            ),
            finding(
                "environment.GITHUB_TOKEN",
                State.WARN,
                "GITHUB_TOKEN is not set: image pulls from ghcr.io.",
                fixes=(SET_TOKEN,),
                guide=("5.1",),
            ),
        ),
        "quota": report(
            "quota",
            finding(
                "quota.vcpu",
                State.BLOCKED,
                "16 allowed, 4 in use, 26 needed: 14 too few.",
                title="Running On-Demand Standard vCPUs",
                facts=facts(Limit="16", In_use="4", Needed="26, for 13 nodes of 2 vCPUs each"),
                guide=("3.1",),
                fixes=(REQUEST, WAIT),
            ),
            finding(
                "quota.elastic-ip",
                State.OK,
                "5 allowed, 1 in use, 1 needed: enough, 3 to spare.",
                title="Elastic IPs",
            ),
            detail=QuotaDetail(
                region="ap-northeast-2",
                rows=(
                    QuotaRow(
                        code="L-1216C47A",
                        service="ec2",
                        title="Running On-Demand Standard vCPUs",
                        limit=16,
                        used=4,
                        needed=26,
                        left=12,
                        state=State.BLOCKED,
                        requests=(
                            RequestRow(
                                id="r1",
                                status="DENIED",
                                desired=64,
                                created=STARTED - 86_400,
                                meaning="refused by AWS",
                            ),
                        ),
                    ),
                    QuotaRow(
                        code="L-0263D0A3",
                        service="ec2",
                        title="Elastic IPs",
                        limit=5,
                        used=1,
                        needed=1,
                        left=4,
                        state=State.OK,
                    ),
                ),
            ),
        ),
        "github": report(
            "github",
            finding("github.login", State.OK, "Logged in to github.com as eco2-bot."),
            finding(
                "github.scopes",
                State.BLOCKED,
                "The token lacks read:org and write:packages.",
                facts=facts(Has="repo", Source="the variable GITHUB_TOKEN"),
                guide=("5.2",),
                fixes=(PASTE,),
            ),
        ),
        "cleanup": report(
            "cleanup",
            finding(
                "cleanup.leftovers",
                State.BLOCKED,
                "4 leftovers of an earlier deployment: 3 proven to be ours, 1 matched by name only.",
                guide=("2.1",),
            ),
            detail=CleanupDetail(
                account="123456789012",
                account_name="eco2-prod",
                region="ap-northeast-2",
                resources=LEFTOVERS,
                looked_at=("cloudfront", "iam-role", "key-pair", "s3-bucket"),
            ),
        ),
        "apply": report(
            "apply",
            finding("apply.configuration", State.OK, "The configuration is valid"),
            finding(
                "apply.forecast",
                State.BLOCKED,
                "The key pair k8s-cluster-key exists already: the apply would fail with InvalidKeyPair.Duplicate.",
                facts=facts(Address="aws_key_pair.cluster", Existing="key-0a1b2c3d4e5f"),
                guide=("2.3",),
                fixes=(CLEAR, PLAN, DESTROY),
                raw="Error: importing EC2 Key Pair (k8s-cluster-key): InvalidKeyPair.Duplicate",
            ),
            detail=ApplyDetail(
                folder="terraform",
                initialised=True,
                resources=0,
                plan="terraform/ecotui.plan",
                plan_sentence="84 to create, 0 to change, 0 to destroy",
                forecast_sentence="1 name is taken; 14 vCPUs too few",
            ),
        ),
        "cloudfront": report(
            "cloudfront",
            finding(
                "cloudfront.distribution.E2QWRUHAPOMQZL",
                State.WARN,
                "cdn.ecoeco.kr is being deployed for 4 min; 5 to 15 minutes are usual.",
                guide=("6.1",),
            ),
            detail=CloudFrontDetail(
                rows=(
                    DistributionRow(
                        id="E2QWRUHAPOMQZL",
                        name="cdn.ecoeco.kr",
                        domain="d111111abcdef8.cloudfront.net",
                        status="InProgress",
                        elapsed=245.0,
                        state=State.WARN,
                    ),
                    DistributionRow(
                        id="E1ABCDEFGHIJKL",
                        name="이미지 배포 (images)",
                        domain="d222222abcdef8.cloudfront.net",
                        status="Deployed",
                        state=State.OK,
                    ),
                )
            ),
        ),
        "nodes": report(
            "nodes",
            finding(
                "nodes.api-server",
                State.UNKNOWN,
                "The API server of context eco2 does not answer: connection refused.",
                denied=("list nodes",),
                raw="The connection to the server 10.0.1.10:6443 was refused - did you specify the right host or port?",
                fixes=(SSH,),
            ),
            detail=NodesDetail(
                answers=False,
                reason="connection refused",
                expected=13,
                groups=(
                    GroupRow(name="master", expected=1, joined=0, ready=0, running=1, type="t3a.large"),
                    GroupRow(name="api", expected=6, joined=0, ready=0, running=0, type="t3a.medium"),
                ),
                rows=(
                    NodeRow(
                        name="k8s-master",
                        group="master",
                        joined=False,
                        ready=False,
                        instance_id="i-0123456789abcdef0",
                        instance_state="running",
                        internal_ip="10.0.1.10",
                    ),
                ),
            ),
        ),
    }


def rebuilt_world() -> dict[str, Report]:
    """The same account after the rebuild: everything is ok."""
    groups = (
        ("master", 1, "t3a.large"),
        ("api", 6, "t3a.medium"),
        ("worker", 2, "t3a.large"),
        ("infra", 4, "t3a.medium"),
    )
    nodes = tuple(
        NodeRow(
            name=f"k8s-{name}-{number}",
            group=name,
            joined=True,
            ready=True,
            instance_id=f"i-0{number}{name:0<8.8}",
            instance_state="running",
            version="v1.28.15",
            internal_ip=f"10.0.{place}.{number + 9}",
        )
        for place, (name, count, _) in enumerate(groups)
        for number in range(1, count + 1)
    )
    fine = {
        step.id: report(
            step.id, finding(f"{step.id}.all", State.OK, f"{step.title}: everything is in place.")
        )
        for step in STEPS
    }
    return fine | {
        "cleanup": report(
            "cleanup",
            finding("cleanup.leftovers", State.OK, "No leftovers of an earlier deployment."),
            detail=CleanupDetail(account="123456789012", account_name="eco2-prod", region="ap-northeast-2"),
        ),
        "apply": report(
            "apply",
            finding("apply.state", State.OK, "The state holds 84 resources, and nothing is left to apply."),
            detail=ApplyDetail(
                folder="terraform",
                initialised=True,
                resources=84,
                types={"aws_instance": 13, "aws_subnet": 3, "aws_iam_policy": 4, "aws_s3_bucket": 2},
                serial=91,
            ),
        ),
        "nodes": report(
            "nodes",
            finding("nodes.ready", State.OK, "13 of 13 nodes are Ready."),
            detail=NodesDetail(
                answers=True,
                expected=13,
                ready=13,
                groups=tuple(
                    GroupRow(name=name, expected=count, joined=count, ready=count, running=count, type=kind)
                    for name, count, kind in groups
                ),
                rows=nodes,
            ),
        ),
    }


class Bench:
    """Opens desks and apps on one temporary project, and stands in for looks and for commands."""

    def __init__(self, folder: Path) -> None:
        self.home = folder / "home"
        self.project = folder / "eco2"
        self.state = folder / "state"
        self.home.mkdir(parents=True)
        self.project.mkdir()
        (self.project / "ecotui.yaml").write_text(SETTINGS)
        self.env = {
            "HOME": str(self.home),
            "PATH": os.environ["PATH"],
            "ECOTUI_STATE_DIR": str(self.state),
            "ECOTUI_THEME": "dark",
            "LANG": "en_US.UTF-8",
            "TZ": "UTC",
        }
        self.world: dict[str, Report | Exception] = dict(broken_world())
        self.looks: list[tuple[str, ...]] = []
        """The steps of each look, in order."""
        self.hold = asyncio.Event()
        self.hold.set()
        """Cleared: looks begin and do not answer."""
        self.started: list[tuple[str, ...]] = []
        """What was started, as it was given to the supervisor."""
        self.stdin: list[bytes | None] = []
        self._alive: dict[str, int] = {}

    # -- what is opened ------------------------------------------------------------------------------------------

    def desk(self) -> Desk:
        return Desk.open(load(self.project, None, env=self.env), self.env)

    def app(self, **env: str) -> EcotuiApp:
        options = argparse.Namespace(project=str(self.project), config=None, set=[])
        app = EcotuiApp(options, {**self.env, **env})
        app.animation_level = "none"
        return app

    def past_session(
        self, world: Mapping[str, Report], outcome: str = "", folder: Path | None = None
    ) -> Session:
        """A session as an earlier ecotui left it; without an outcome it is still open."""
        loaded = load(self.project, None, env=self.env)
        session = Store(self.state).create(
            project="eco2", folder=folder or loaded.project, settings=loaded.settings, env=self.env
        )
        for one in world.values():
            session.append(Looked(report=one))
        if outcome:
            session.end(outcome)
        session.close()
        return session

    # -- stand-ins -----------------------------------------------------------------------------------------------

    async def look(self, steps: Sequence[str] = (), **_: object) -> AsyncIterator[Report]:
        self.looks.append(tuple(steps))
        await self.hold.wait()
        for step in steps or tuple(self.world):
            answer = self.world[step]
            if isinstance(answer, Exception):
                raise answer
            yield answer

    def start(
        self,
        session: Session,
        argv: Sequence[str],
        *,
        step: str,
        title: str,
        stdin: bytes | None = None,
        **_: object,
    ) -> Command:
        """A command's folder as the supervisor makes it; it runs until `end` is called."""
        self.started.append(tuple(argv))
        self.stdin.append(stdin)
        number = len(self.started)
        folder = session.folder / "commands" / f"16000{number}-{step}-{number:06}"
        folder.mkdir(parents=True, mode=0o700)
        begun = time.time()
        (folder / "command.json").write_text(
            json.dumps({"step": step, "title": title, "argv": list(argv), "cwd": "/", "started": begun})
        )
        (folder / "output.log").write_text("")
        self._alive[folder.name] = os.open(folder / "alive", os.O_RDWR | os.O_CREAT, 0o600)
        fcntl.flock(self._alive[folder.name], fcntl.LOCK_EX)
        return Command(folder.name, folder, step, title, tuple(argv), begun)

    def say(self, command: Command, *lines: str) -> None:
        """The command writes lines."""
        with (command.folder / "output.log").open("a") as stream:
            stream.writelines(f"{line}\n" for line in lines)

    def end(self, command: Command, code: int = 0) -> None:
        """The command is over."""
        outcome = "succeeded" if code == 0 else "failed"
        record = {"outcome": outcome, "exit_code": code, "started": command.started, "ended": time.time()}
        (command.folder / "exit.json").write_text(json.dumps(record))
        os.close(self._alive.pop(command.id))

    def close(self) -> None:
        for fd in self._alive.values():
            with suppress(OSError):
                os.close(fd)

    # -- waiting -------------------------------------------------------------------------------------------------

    def text(self, pilot: Pilot[Any]) -> str:
        """What stands on the screen, line by line."""
        strips = pilot.app.screen._compositor.render_strips()
        return "\n".join(strip.text.rstrip() for strip in strips)

    def notices(self, pilot: Pilot[Any]) -> str:
        """All that was notified and is still there."""
        return "\n".join(f"{notice.title} {notice.message}" for notice in pilot.app._notifications)

    async def settled(self, pilot: Pilot[Any]) -> RebuildScreen:
        """Wait until the desk is open, all looks are over and the panel stands; the screen at the bottom."""
        screen = pilot.app.screen_stack[0]
        assert isinstance(screen, RebuildScreen)
        await self.until(
            pilot,
            lambda: (
                screen.desk is not None
                and bool(self.looks)
                and not screen.desk.rebuild.looking
                and bool(screen.query(".step-panel"))
            ),
            "the looks to end",
        )
        await pilot.pause()
        return screen

    async def until(self, pilot: Pilot[Any], holds: Callable[[], object], what: str = "it") -> None:
        """Wait for something to hold; fails after ten seconds."""
        deadline = time.monotonic() + 10
        while not holds():
            assert time.monotonic() < deadline, f"waited in vain for {what}"
            await pilot.pause(0.01)
        await pilot.pause()

    def ready(self, *keys: str) -> Callable[[Pilot[Any]], Any]:
        """For a snapshot: wait for the looks, press keys, and leave nothing that blinks."""

        async def prepare(pilot: Pilot[Any]) -> None:
            await self.settled(pilot)
            for key in keys:
                await pilot.press(key)
                await pilot.pause()
            for field in pilot.app.screen.query(Input):
                field.cursor_blink = False
            pilot.app.clear_notifications()
            await pilot.pause()

        return prepare


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bench]:
    """A project, a home and a state folder of their own; looks and commands are canned."""
    made = Bench(tmp_path)
    for name in ("ECOTUI_SESSION", "ECOTUI_DEMO", "SSH_CONNECTION", "COLORFGBG", "GITHUB_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    for name in ("HOME", "ECOTUI_STATE_DIR", "TZ", "LANG"):
        monkeypatch.setenv(name, made.env[name])
    time.tzset()
    monkeypatch.setattr("ecotui.looking.looks", made.look)
    monkeypatch.setattr("ecotui.desk.start", made.start)
    yield made
    made.close()
    monkeypatch.undo()
    time.tzset()


@pytest.fixture
def frozen_log(monkeypatch: pytest.MonkeyPatch) -> None:
    """Events happen at fixed times, by a fixed operator, in sessions of fixed ids: for what shows a log."""
    seconds = iter(range(1_000_000))
    ids = iter(range(1_000_000))

    class Clock:
        """`time`, with a clock that is moved by being read."""

        def __getattr__(self, name: str) -> Any:
            return getattr(time, name)

        def time(self) -> float:
            return STARTED + next(seconds)

        def gmtime(self, *_: float) -> time.struct_time:
            return time.gmtime(STARTED)

        def strftime(self, form: str, at: Any = None) -> str:
            return time.strftime(form, at or time.gmtime(STARTED))

    class Randomness:
        def token_hex(self, count: int) -> str:
            return f"{next(ids):0{2 * count}x}"

    monkeypatch.setattr("ecotui.session.log.time", Clock())
    monkeypatch.setattr("ecotui.session.store.time", Clock())
    monkeypatch.setattr("ecotui.session.store.secrets", Randomness())
    monkeypatch.setattr("ecotui.session.store.whoami", lambda *_: "operator@bastion on pts/1")
    monkeypatch.setattr("ecotui.session.lock.whoami", lambda *_: "operator@bastion on pts/1")


@pytest.fixture
def someone_else(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> Iterator[Holder]:
    """Another operator works on the project."""
    monkeypatch.setattr("ecotui.session.lock._user", lambda *_: "hana")
    monkeypatch.setattr("ecotui.session.lock.terminal", lambda *_: "pts/7")
    other = bench.desk()
    assert other.held is not None
    yield other.held.holder
    other.held.release()

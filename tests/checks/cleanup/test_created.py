"""What earlier sessions created, and what earlier states held: proof where it is one, a hint where it is not."""

from __future__ import annotations

import json
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace

import msgspec
import pytest

from checks.cleanup import made as memory
from checks.cleanup.known_resources import earlier_states, made_here
from checks.cleanup.model import Ownership, Seen
from checks.cleanup.ownership import Known, judge
from checks.context import World
from checks.remembered import Made
from config.model import Aws, Cleanup, Settings
from ecotui.history.made import made
from ecotui.session.store import Store
from ecotui.supervisor import start, status
from ecotui.supervisor.commands import Place

AT = 1_790_000_000.0
RUN = Made(
    type="aws_iam_role",
    id="node",
    begun=AT,
    ended=AT + 60,
    account="123456789012",
    region="ap-northeast-2",
    workspace="default",
    folder="/p/terraform",
)
OURS = Cleanup(tags={"Project": "eco2"})


def known(*runs: Made) -> Known:
    return Known(by_sessions={(one.type, one.id): (one,) for one in runs})


def role(**more: object) -> Seen:
    return Seen(kind="iam-role", id="node", name="node", arn="arn:aws:iam::123456789012:role/node", **more)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("seen", "type", "id"),
    [
        (Seen(kind="vpc", id="vpc-0123456789abcdef0", name="x"), "aws_vpc", "vpc-0123456789abcdef0"),
        (Seen(kind="ec2-instance", id="i-12345678", name="x", created=AT + 9e6), "aws_instance", "i-12345678"),
        (Seen(kind="cloudfront", id="E2QWRUHAPOMQZL", name="x"), "aws_cloudfront_distribution", "E2QWRUHAPOMQZL"),
        (
            Seen(
                kind="load-balancer",
                id="arn:aws:elasticloadbalancing:ap-northeast-2:1:loadbalancer/app/x/50dc6c495c0c9188",
                name="x",
            ),
            "aws_lb",
            "arn:aws:elasticloadbalancing:ap-northeast-2:1:loadbalancer/app/x/50dc6c495c0c9188",
        ),
    ],
)  # fmt: skip
def test_an_id_that_aws_gives_once_is_proof_at_any_age(seen: Seen, type: str, id: str) -> None:
    verdict = judge(seen, Cleanup(), known(msgspec.structs.replace(RUN, type=type, id=id)), (type,))
    assert verdict.ownership is Ownership.SESSION
    assert verdict.preselected
    assert verdict.why == "created by an earlier session"


@pytest.mark.parametrize(
    ("created", "ownership"),
    [
        (AT + 3, Ownership.SESSION),
        (AT + 60 + memory.SLACK, Ownership.SESSION),
        (AT + 61 + memory.SLACK, Ownership.NAME_ONLY),
        (AT - 1 - memory.SLACK, Ownership.NAME_ONLY),
        (None, Ownership.NAME_ONLY),
    ],
)
def test_a_name_that_can_be_given_again_is_proof_only_with_its_creation_date(
    created: float | None, ownership: Ownership
) -> None:
    verdict = judge(role(created=created), Cleanup(), known(RUN), ("aws_iam_role",))
    assert verdict.ownership is ownership
    assert verdict.listed
    assert verdict.preselected is (ownership is Ownership.SESSION)
    assert "earlier session" in verdict.why


def test_what_is_tagged_for_something_else_since_is_not_ours_any_more() -> None:
    taken = judge(role(created=AT, tags={"Project": "analytics"}), OURS, known(RUN), ("aws_iam_role",))
    assert (taken.ownership, taken.preselected) == (Ownership.NAME_ONLY, False)
    assert "but tagged Project=analytics" in taken.why


def test_the_same_name_of_another_type_is_another_thing() -> None:
    verdict = judge(role(created=AT), Cleanup(), known(msgspec.structs.replace(RUN, type="aws_key_pair")), ("aws_iam_role",))  # fmt: skip
    assert not verdict.listed


def test_protection_and_an_unread_state_are_stronger_than_memory() -> None:
    guarded = judge(role(created=AT, guarded="kept"), Cleanup(), known(RUN), ("aws_iam_role",))
    assert not guarded.deletable
    unread = Known(state_read=False, by_sessions={("aws_iam_role", "node"): (RUN,)})
    assert not judge(role(created=AT), Cleanup(), unread, ("aws_iam_role",)).preselected


@dataclass
class Here:
    """Enough of a world: who we are, and what is remembered."""

    project: Path
    runs: tuple[Made, ...]
    account: str = "123456789012"

    def world(self) -> World:
        world = World(
            settings=Settings(aws=Aws(region="ap-northeast-2")),
            project=self.project,
            env={},
            made=lambda: self.runs,
        )
        identity = SimpleNamespace(account=self.account)
        vars(world)["aws"] = SimpleNamespace(identity=lambda: identity, region="ap-northeast-2")
        return world


def test_only_this_account_region_folder_and_workspace_are_remembered(tmp_path: Path) -> None:
    right = msgspec.structs.replace(RUN, folder=str((tmp_path / "terraform").resolve()))
    assert list(made_here(Here(tmp_path, (right,)).world())) == [("aws_iam_role", "node")]
    for other in (
        {"account": "999999999999"},
        {"account": ""},
        {"region": "us-east-1"},
        {"region": ""},
        {"workspace": "staging"},
        {"folder": "/elsewhere/terraform"},
        {"id": ""},
    ):
        wrong = msgspec.structs.replace(right, **other)
        assert made_here(Here(tmp_path, (wrong,)).world()) == {}, other
    assert made_here(Here(tmp_path, (right,), account="999999999999").world()) == {}


def stream(*types: tuple[str, str, str]) -> str:
    """A program that speaks as `terraform apply -json` does: address, action and id of what it finished."""
    lines = []
    for address, action, id in types:
        resource = {"addr": address}
        for kind, hook in (
            ("apply_start", {"resource": resource, "action": action}),
            (
                "apply_complete",
                {"resource": resource, "action": action, "id_value": id, "elapsed_seconds": 1},
            ),
        ):
            lines.append(
                json.dumps({"type": kind, "@timestamp": "2026-11-23T22:37:17.253159Z", "hook": hook})
            )
    return f"print({chr(10).join(lines)!r})"


def test_the_streams_of_ended_applies_tell_what_they_created_and_where(tmp_path: Path) -> None:
    shelf = Store(tmp_path / "state")
    project = tmp_path / "project"
    session = shelf.create(project="p", folder=project, env={})

    def run(code: str, place: Place | None) -> Path:
        # What is_stream asks for: a terraform that applies and tells it in JSON.
        argv = (sys.executable, "-c", code, "apply", "-json")
        return start(session, argv, step="apply", title="apply", cwd=tmp_path, env={}, place=place).folder

    here = Place("123456789012", "ap-northeast-2", "default")
    over = [
        run(stream(("module.a.aws_vpc.this[0]", "create", "vpc-1"), ("aws_key_pair.k", "delete", "k"), ("data.aws_ami.x", "read", "ami-1")), here),
        run(stream(("aws_vpc.nobody_said_where", "create", "vpc-2")), None),
    ]  # fmt: skip
    working = run(f"{stream(('aws_vpc.still', 'create', 'vpc-3'))}\nimport sys, time\nsys.stdout.flush()\ntime.sleep(60)", here)  # fmt: skip
    other = shelf.create(project="q", folder=tmp_path / "other", env={})
    start(other, (sys.executable, "-c", stream(("aws_vpc.other", "create", "vpc-4")), "apply", "-json"),
          step="apply", title="apply", cwd=tmp_path, env={}, place=here)  # fmt: skip
    try:
        until = time.monotonic() + 20
        while any(status(one).state == "running" for one in over) and time.monotonic() < until:
            time.sleep(0.02)
        (found,) = made(shelf, project)
    finally:
        from ecotui.supervisor import interrupt

        interrupt(working, force=True)
    assert (found.type, found.id, found.account, found.region) == ("aws_vpc", "vpc-1", here.account, here.region)  # fmt: skip
    assert (found.workspace, found.folder) == ("default", str(tmp_path))
    assert found.begun <= found.ended


def test_what_only_an_earlier_state_holds_is_listed_and_never_preselected(tmp_path: Path) -> None:
    folder = tmp_path / "terraform"
    folder.mkdir()
    state = {
        "version": 4, "serial": 3, "lineage": "x",
        "resources": [{"mode": "managed", "type": "aws_vpc", "name": "this", "instances": [{"attributes": {"id": "vpc-9"}}]}],
    }  # fmt: skip
    (folder / "terraform.tfstate.backup").write_text(json.dumps(state))
    (folder / "errored.tfstate").write_text("{ not a state")
    world = World(settings=Settings(), project=tmp_path, env={})
    held = earlier_states(world)
    assert held == {("aws_vpc", "vpc-9"): "terraform.tfstate.backup"}
    verdict = judge(
        Seen(kind="vpc", id="vpc-9", name="vpc-9"), Cleanup(), Known(in_earlier_state=held), ("aws_vpc",)
    )
    assert (verdict.ownership, verdict.preselected) == (Ownership.NAME_ONLY, False)
    assert verdict.why == "in an earlier state of terraform (terraform.tfstate.backup)"

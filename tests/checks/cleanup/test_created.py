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

from checks.cleanup import ownership as memory
from checks.cleanup.kinds import KINDS_BY_ID
from checks.cleanup.known_resources import find_session_resources, read_earlier_states
from checks.cleanup.model import AwsResource, Ownership
from checks.cleanup.ownership import KINDS_WITH_UNIQUE_IDS, KnownResources, decide_ownership
from checks.context import CheckContext, CreatedResource
from config.model import AwsSettings, CleanupSettings, Settings
from ecotui.history.recorded_changes import find_created_resources
from ecotui.session.store import SessionStore
from ecotui.supervisor import read_command_status, start_command
from ecotui.supervisor.commands import DeploymentTarget

AT = 1_790_000_000.0
RUN = CreatedResource(
    type="aws_iam_role",
    id="node",
    create_started=AT,
    run_ended=AT + 60,
    account="123456789012",
    region="ap-northeast-2",
    workspace="default",
    folder="/p/terraform",
)
OURS = CleanupSettings(tags={"Project": "eco2"})


def known(*runs: CreatedResource) -> KnownResources:
    return KnownResources(session_resources={(one.type, one.id): (one,) for one in runs})


def role(**more: object) -> AwsResource:
    return AwsResource(kind="iam-role", id="node", name="node", arn="arn:aws:iam::123456789012:role/node", **more)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("seen", "type", "id"),
    [
        (AwsResource(kind="vpc", id="vpc-0123456789abcdef0", name="x"), "aws_vpc", "vpc-0123456789abcdef0"),
        (AwsResource(kind="ec2-instance", id="i-12345678", name="x", created_at=AT + 9e6), "aws_instance", "i-12345678"),
        (AwsResource(kind="cloudfront", id="E2QWRUHAPOMQZL", name="x"), "aws_cloudfront_distribution", "E2QWRUHAPOMQZL"),
        (
            AwsResource(
                kind="load-balancer",
                id="arn:aws:elasticloadbalancing:ap-northeast-2:1:loadbalancer/app/x/50dc6c495c0c9188",
                name="x",
            ),
            "aws_lb",
            "arn:aws:elasticloadbalancing:ap-northeast-2:1:loadbalancer/app/x/50dc6c495c0c9188",
        ),
    ],
)  # fmt: skip
def test_a_unique_id_is_proof_at_any_age(seen: AwsResource, type: str, id: str) -> None:
    decision = decide_ownership(seen, CleanupSettings(), known(msgspec.structs.replace(RUN, type=type, id=id)), (type,))
    assert decision.ownership is Ownership.SESSION
    assert decision.preselected
    assert decision.reason == "created by an earlier session"


@pytest.mark.parametrize(
    ("created", "ownership"),
    [
        (AT + 3, Ownership.SESSION),
        (AT + 60 + memory.CLOCK_TOLERANCE_SECONDS, Ownership.SESSION),
        (AT + 61 + memory.CLOCK_TOLERANCE_SECONDS, Ownership.NAME_ONLY),
        (AT - 1 - memory.CLOCK_TOLERANCE_SECONDS, Ownership.NAME_ONLY),
        (None, Ownership.NAME_ONLY),
    ],
)
def test_a_reusable_name_is_proof_only_with_its_creation_date(created: float | None, ownership: Ownership) -> None:
    decision = decide_ownership(role(created_at=created), CleanupSettings(), known(RUN), ("aws_iam_role",))
    assert decision.ownership is ownership
    assert decision.is_listed
    assert decision.preselected is (ownership is Ownership.SESSION)
    assert "earlier session" in decision.reason


def build_named_resource(kind: str, type: str, id: str) -> tuple[AwsResource, KnownResources, tuple[str, ...]]:
    """A resource made long after the run that created one of its id, and what that run left behind."""
    resource = AwsResource(kind=kind, id=id, name=id, arn=f"arn:aws:x:::{id}", created_at=AT + 9e6)
    return resource, known(msgspec.structs.replace(RUN, type=type, id=id)), (type,)


@pytest.mark.parametrize(
    ("kind", "type", "id"),
    [
        ("iam-role", "aws_iam_role", "deploy-20251130"),
        ("iam-role", "aws_iam_role", "EDEPLOYMENT01"),
        ("iam-policy", "aws_iam_policy", "arn:aws:iam::123456789012:policy/deploy-20251130"),
        ("log-group", "aws_cloudwatch_log_group", "/app/release-20251130"),
        ("ssm-parameter", "aws_ssm_parameter", "/app/0123456789abcdef"),
        ("key-pair", "aws_key_pair", "i-0123456789abcdef0"),
        ("s3-bucket", "aws_s3_bucket", "backup-20251130"),
        ("placement-group", "aws_placement_group", "nodes-20251130"),
        ("classic-load-balancer", "aws_elb", "front-20251130"),
        ("a-kind-of-later", "aws_later", "vpc-0123456789abcdef0"),
    ],
)
def test_a_name_that_resembles_an_id_is_proof_only_with_its_creation_date(kind: str, type: str, id: str) -> None:
    resource, evidence, types = build_named_resource(kind, type, id)
    decision = decide_ownership(resource, CleanupSettings(), evidence, types)
    assert (decision.ownership, decision.preselected) == (Ownership.NAME_ONLY, False)
    same = msgspec.structs.replace(resource, created_at=AT + 3)
    assert decide_ownership(same, CleanupSettings(), evidence, types).ownership is Ownership.SESSION


def test_kinds_whose_ids_aws_gives_once_exist() -> None:
    assert KINDS_BY_ID.keys() >= KINDS_WITH_UNIQUE_IDS


def test_a_created_resource_that_was_tagged_for_another_project_since_is_not_proven() -> None:
    taken = decide_ownership(role(created_at=AT, tags={"Project": "analytics"}), OURS, known(RUN), ("aws_iam_role",))
    assert (taken.ownership, taken.preselected) == (Ownership.NAME_ONLY, False)
    assert "but tagged Project=analytics" in taken.reason


def test_the_same_name_of_another_type_is_another_resource() -> None:
    decision = decide_ownership(role(created_at=AT), CleanupSettings(), known(msgspec.structs.replace(RUN, type="aws_key_pair")), ("aws_iam_role",))  # fmt: skip
    assert not decision.is_listed


def test_protection_and_an_unread_state_outweigh_an_earlier_session() -> None:
    guarded = decide_ownership(
        role(created_at=AT, protection_reason="kept"), CleanupSettings(), known(RUN), ("aws_iam_role",)
    )
    assert not guarded.deletable
    unread = KnownResources(state_read=False, session_resources={("aws_iam_role", "node"): (RUN,)})
    assert not decide_ownership(role(created_at=AT), CleanupSettings(), unread, ("aws_iam_role",)).preselected


@dataclass
class Here:
    """Enough of a context: who we are, and what is remembered."""

    project: Path
    runs: tuple[CreatedResource, ...]
    account: str = "123456789012"

    def context(self) -> CheckContext:
        context = CheckContext(
            settings=Settings(aws=AwsSettings(region="ap-northeast-2")),
            project=self.project,
            env={},
            created_resources=lambda: self.runs,
        )
        identity = SimpleNamespace(account=self.account)
        vars(context)["aws"] = SimpleNamespace(identity=lambda: identity, region="ap-northeast-2")
        return context


def test_only_sessions_of_this_account_region_folder_and_workspace_count(tmp_path: Path) -> None:
    right = msgspec.structs.replace(RUN, folder=str((tmp_path / "terraform").resolve()))
    assert list(find_session_resources(Here(tmp_path, (right,)).context())) == [("aws_iam_role", "node")]
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
        assert find_session_resources(Here(tmp_path, (wrong,)).context()) == {}, other
    assert find_session_resources(Here(tmp_path, (right,), account="999999999999").context()) == {}


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
            lines.append(json.dumps({"type": kind, "@timestamp": "2026-11-23T22:37:17.253159Z", "hook": hook}))
    return f"print({chr(10).join(lines)!r})"


def test_created_resources_are_read_from_the_streams_of_ended_applies(tmp_path: Path) -> None:
    shelf = SessionStore(tmp_path / "state")
    project = tmp_path / "project"
    session = shelf.create(project="p", folder=project, env={})

    def run(code: str, place: DeploymentTarget | None) -> Path:
        # What is_stream asks for: a terraform that applies and tells it in JSON.
        argv = (sys.executable, "-c", code, "apply", "-json")
        return start_command(session, argv, step="apply", title="apply", cwd=tmp_path, env={}, target=place).folder

    here = DeploymentTarget("123456789012", "ap-northeast-2", "default")
    over = [
        run(stream(("module.a.aws_vpc.this[0]", "create", "vpc-1"), ("aws_key_pair.k", "delete", "k"), ("data.aws_ami.x", "read", "ami-1")), here),
        run(stream(("aws_vpc.nobody_said_where", "create", "vpc-2")), None),
    ]  # fmt: skip
    working = run(f"{stream(('aws_vpc.still', 'create', 'vpc-3'))}\nimport sys, time\nsys.stdout.flush()\ntime.sleep(60)", here)  # fmt: skip
    other = shelf.create(project="q", folder=tmp_path / "other", env={})
    start_command(other, (sys.executable, "-c", stream(("aws_vpc.other", "create", "vpc-4")), "apply", "-json"),
          step="apply", title="apply", cwd=tmp_path, env={}, target=here)  # fmt: skip
    try:
        until = time.monotonic() + 20
        while any(read_command_status(one).state == "running" for one in over) and time.monotonic() < until:
            time.sleep(0.02)
        (found,) = find_created_resources(shelf, project)
    finally:
        from ecotui.supervisor import send_interrupt

        send_interrupt(working, force=True)
    assert (found.type, found.id, found.account, found.region) == ("aws_vpc", "vpc-1", here.account, here.region)  # fmt: skip
    assert (found.workspace, found.folder) == ("default", str(tmp_path))
    assert found.create_started <= found.run_ended


def test_a_resource_of_an_earlier_state_is_listed_and_never_preselected(tmp_path: Path) -> None:
    folder = tmp_path / "terraform"
    folder.mkdir()
    state = {
        "version": 4, "serial": 3, "lineage": "x",
        "resources": [{"mode": "managed", "type": "aws_vpc", "name": "this", "instances": [{"attributes": {"id": "vpc-9"}}]}],
    }  # fmt: skip
    (folder / "terraform.tfstate.backup").write_text(json.dumps(state))
    (folder / "errored.tfstate").write_text("{ not a state")
    context = CheckContext(settings=Settings(), project=tmp_path, env={})
    held = read_earlier_states(context)
    assert held == {("aws_vpc", "vpc-9"): "terraform.tfstate.backup"}
    decision = decide_ownership(
        AwsResource(kind="vpc", id="vpc-9", name="vpc-9"),
        CleanupSettings(),
        KnownResources(earlier_state_files=held),
        ("aws_vpc",),
    )
    assert (decision.ownership, decision.preselected) == (Ownership.NAME_ONLY, False)
    assert decision.reason == "in an earlier state of terraform (terraform.tfstate.backup)"

"""`ecotui cleanup` against an AWS API: the list, consent, and what is told of a deletion."""

from __future__ import annotations

import json
import os
import signal
import threading
import time
from pathlib import Path

import msgspec
import pytest
from support.deletion import KEYS, create_attached_policy, create_versioned_bucket, empty_account_context

from checks.cleanup.approval import build_approval, write_approval
from checks.cleanup.check import check_with_detail
from checks.context import CheckContext
from checks.tools.run import CommandError
from ecotui.cli import main


@pytest.fixture
def context(moto_endpoint: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> CheckContext:
    return empty_account_context(moto_endpoint, tmp_path, monkeypatch)


@pytest.fixture
def config(context: CheckContext) -> Path:
    path = context.project / "ecotui.yaml"
    path.write_text(
        "project: eco2\naws: {region: ap-northeast-2, account_name: eco2-prod}\n"
        "cleanup:\n  names: ['*alb-controller*']\n  exact: [k8s-cluster-key]\n  prefixes: [prod-sesacthon]\n"
        "  tags: {Project: SeSACTHON, ManagedBy: Terraform}\n  kinds: [iam-policy, key-pair, s3-bucket]\n  poll: 0.1\n"
    )
    return path


def ecotui(config: Path, *words: str) -> int:
    return main(["cleanup", "--config", str(config), "-C", str(config.parent), *words])


def test_listing_changes_nothing_and_its_json_keeps_its_shape(
    context: CheckContext, config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arn = create_attached_policy(context)
    context.aws.client("ec2").import_key_pair(KeyName="k8s-cluster-key", PublicKeyMaterial=KEYS[0].encode())
    assert ecotui(config, "--json") == 3
    printed = json.loads(capsys.readouterr().out)
    assert printed["schema"] == "ecotui.cleanup/1"
    assert printed["resources"] == [
        {
            "kind": "iam-policy",
            "id": arn,
            "name": "prod-alb-controller-policy",
            "ownership": "tagged",
            "blocked_by": [],
            "action": "detach+delete",
        },
        {
            "kind": "key-pair",
            "id": "k8s-cluster-key",
            "name": "k8s-cluster-key",
            "ownership": "name-only",
            "blocked_by": [],
            "action": "delete",
        },
    ]
    details = printed["details"][f"iam-policy:{arn}"]
    assert details["why"].startswith("tagged Project=SeSACTHON")
    assert (details["billed"], details["monthly"], details["preselected"]) == (False, None, True)
    assert printed["prices"].keys() == {"currency", "list", "as_of", "tax"}
    assert len(context.aws.client("iam").list_policies(Scope="Local")["Policies"]) == 1


def test_a_deletion_without_a_person_or_a_list_is_refused_with_usage(
    context: CheckContext, config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    create_attached_policy(context)
    assert ecotui(config, "--delete") == 2
    assert "--approve-out" in capsys.readouterr().err
    assert len(context.aws.client("iam").list_policies(Scope="Local")["Policies"]) == 1


def test_only_what_is_on_the_approved_list_is_deleted(
    context: CheckContext, config: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    create_attached_policy(context)
    context.aws.client("ec2").import_key_pair(KeyName="k8s-cluster-key", PublicKeyMaterial=KEYS[0].encode())
    create_versioned_bucket(context)
    target = tmp_path / "list.json"
    assert ecotui(config, "--approve-out", str(target), "--select", "key-pair:k8s-cluster-key") == 0
    capsys.readouterr()
    assert ecotui(config, "--delete", "--approve", str(target), "--pause", "0", "--progress") == 0
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert all(set(line) == {"type", "counts", "item", "state", "message"} for line in lines)
    assert "2 other leftovers" in lines[-1]["message"]
    assert context.aws.client("ec2").describe_key_pairs()["KeyPairs"] == []
    assert len(context.aws.client("s3").list_buckets()["Buckets"]) == 1
    # And once more, as after a kill: what is gone is gone.
    assert ecotui(config, "--delete", "--approve", str(target), "--pause", "0") == 0


def test_a_list_of_another_account_deletes_nothing(
    context: CheckContext, config: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    create_attached_policy(context)
    _, detail = check_with_detail(context)
    target = tmp_path / "list.json"
    for other in ({"account": "999999999999"}, {"region": "us-west-2"}):
        write_approval(
            build_approval(msgspec.structs.replace(detail, **other), [one.key for one in detail.resources]), target
        )
        assert ecotui(config, "--delete", "--approve", str(target), "--pause", "0") == 2
        assert "nothing was deleted" in capsys.readouterr().err
    assert len(context.aws.client("iam").list_policies(Scope="Local")["Policies"]) == 1


def test_a_failed_item_exits_with_three_and_its_reason(
    context: CheckContext, config: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arn = create_attached_policy(context)
    target = tmp_path / "list.json"
    assert ecotui(config, "--approve-out", str(target), "--select-proven") == 0
    iam = context.aws.client("iam")
    iam.create_user(UserName="newcomer")
    iam.attach_user_policy(UserName="newcomer", PolicyArn=arn)
    assert ecotui(config, "--delete", "--approve", str(target), "--pause", "0") == 3
    assert "in use since it was approved: user newcomer" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("age_hours", "setting", "code", "words"),
    [
        (25, "", 2, "has expired"),
        (500_000, "", 2, "has expired"),
        (-1, "", 2, "from the future"),
        (23, "", 0, ""),
        (25, "  approval_hours: 48\n", 0, ""),
        (2, "  approval_hours: 1.5\n", 2, "has expired"),
    ],
)
def test_an_approval_expires_and_one_from_the_future_is_refused(
    context: CheckContext,
    config: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    age_hours: float,
    setting: str,
    code: int,
    words: str,
) -> None:
    create_attached_policy(context)
    _, detail = check_with_detail(context)
    target = tmp_path / "list.json"
    keys = [one.key for one in detail.resources if one.preselected]
    write_approval(build_approval(detail, keys, created_at=time.time() - age_hours * 3600), target)
    with config.open("a") as file:
        file.write(setting)
    assert ecotui(config, "--delete", "--approve", str(target), "--pause", "0") == code
    captured = capsys.readouterr()
    assert words in captured.err
    left = len(context.aws.client("iam").list_policies(Scope="Local")["Policies"])
    assert left == (1 if code else 0)


@pytest.mark.parametrize("setting", ["team", "archive"])
def test_the_bucket_of_the_team_and_of_the_archive_is_listed_as_protected(
    context: CheckContext, config: Path, capsys: pytest.CaptureFixture[str], setting: str
) -> None:
    create_versioned_bucket(context)
    with config.open("a") as file:
        file.write(f"sessions: {{{setting}: s3://prod-sesacthon-images/ecotui}}\n")
    ecotui(config, "--json")
    details = json.loads(capsys.readouterr().out)["details"]["s3-bucket:prod-sesacthon-images"]
    assert details["protected"].endswith(f"(sessions.{setting})")
    assert details["preselected"] is False


@pytest.mark.parametrize("setting", ["team", "archive"])
def test_a_bucket_that_the_settings_name_since_its_approval_is_not_deleted(
    context: CheckContext, config: Path, tmp_path: Path, setting: str
) -> None:
    create_versioned_bucket(context)
    target = tmp_path / "list.json"
    assert ecotui(config, "--approve-out", str(target), "--select", "s3-bucket:prod-sesacthon-images") == 0
    with config.open("a") as file:
        file.write(f"sessions: {{{setting}: s3://prod-sesacthon-images/ecotui}}\n")
    assert ecotui(config, "--delete", "--approve", str(target), "--pause", "0") == 3
    s3 = context.aws.client("s3")
    assert len(s3.list_object_versions(Bucket="prod-sesacthon-images")["Versions"]) >= 6


def test_the_state_bucket_is_not_deleted_although_it_was_approved_before_a_backend_named_it(
    context: CheckContext, config: Path, tmp_path: Path
) -> None:
    create_versioned_bucket(context)
    target = tmp_path / "list.json"
    assert ecotui(config, "--approve-out", str(target), "--select", "s3-bucket:prod-sesacthon-images") == 0
    (context.terraform_folder / "main.tf").write_text(
        'terraform {\n  backend "s3" {\n    bucket = "prod-sesacthon-images"\n  }\n}\n'
    )
    assert ecotui(config, "--delete", "--approve", str(target), "--pause", "0") == 3
    assert len(context.aws.client("s3").list_buckets()["Buckets"]) == 1


def fail_to_read_state(context: CheckContext) -> tuple[()]:
    raise CommandError("the backend does not answer")


def test_a_state_that_became_unreadable_after_the_approval_stops_the_deletion(
    context: CheckContext,
    config: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    create_attached_policy(context)
    target = tmp_path / "list.json"
    assert ecotui(config, "--approve-out", str(target), "--select-proven") == 0
    monkeypatch.setattr("checks.tools.terraform.read_state_resources", fail_to_read_state)
    assert ecotui(config, "--delete", "--approve", str(target), "--pause", "0") == 3
    captured = capsys.readouterr()
    assert "the backend does not answer" in captured.out + captured.err
    assert "nothing was deleted" in captured.out + captured.err
    assert len(context.aws.client("iam").list_policies(Scope="Local")["Policies"]) == 1


def test_a_list_that_was_approved_without_the_state_decides_alone(
    context: CheckContext, config: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    arn = create_attached_policy(context)
    monkeypatch.setattr("checks.tools.terraform.read_state_resources", fail_to_read_state)
    target = tmp_path / "list.json"
    assert ecotui(config, "--approve-out", str(target), "--select", f"iam-policy:{arn}") == 0
    assert ecotui(config, "--delete", "--approve", str(target), "--pause", "0") == 0
    assert context.aws.client("iam").list_policies(Scope="Local")["Policies"] == []


@pytest.mark.parametrize(("typed", "code", "left"), [("eco2-prod 1", 0, 0), ("eco2-prod 2", 3, 1), ("yes", 3, 1)])
def test_a_person_consents_by_the_account_and_the_number_of_items(
    context: CheckContext, config: Path, monkeypatch: pytest.MonkeyPatch, typed: str, code: int, left: int
) -> None:
    create_attached_policy(context)
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    monkeypatch.setattr("sys.stdout.isatty", lambda: True, raising=False)
    monkeypatch.setattr("builtins.input", lambda prompt: typed)
    assert ecotui(config, "--delete", "--pause", "0") == code
    assert len(context.aws.client("iam").list_policies(Scope="Local")["Policies"]) == left


def test_an_interrupt_in_the_pause_deletes_nothing(
    context: CheckContext, config: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    create_attached_policy(context)
    target = tmp_path / "list.json"
    assert ecotui(config, "--approve-out", str(target)) == 0
    timer = threading.Timer(0.0, lambda: None)

    def interrupt() -> None:
        while "Ctrl-C" not in capsys.readouterr().out and timer.is_alive():
            timer.finished.wait(0.05)
        os.kill(os.getpid(), signal.SIGINT)  # as the terminal does: to the process

    timer = threading.Timer(0.0, interrupt)
    timer.start()
    assert ecotui(config, "--delete", "--approve", str(target), "--pause", "30") == 130
    timer.join()
    assert len(context.aws.client("iam").list_policies(Scope="Local")["Policies"]) == 1

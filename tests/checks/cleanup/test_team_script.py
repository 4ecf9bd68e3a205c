"""The team's own cleanup script: shown beside what `ecotui cleanup` would delete, run on consent, and the scan after it."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from support.cleanup import OURS, REGION, Account

from checks.cleanup.check import check_with_detail
from checks.cleanup.team_script import CleanupScript, cleanup_script, ownership_text, script_findings
from checks.finding import CheckState
from ecotui.cli import main

SCRIPT = """
for k in $(aws ec2 describe-key-pairs --query "KeyPairs[?starts_with(KeyName,'prod-')].KeyName"); do
  aws ec2 delete-key-pair --key-name "$k"
done
B=$(aws s3api list-buckets --query "Buckets[?contains(Name,'sesacthon')].Name" --output text)
for b in $B; do aws s3api delete-bucket --bucket "$b"; done
"""


@pytest.fixture
def filled(account: Account) -> Account:
    """Key pairs and buckets: ours, somebody else's, and a protected one."""
    ec2, s3 = account.client("ec2"), account.client("s3")
    for name, tags in (("prod-sesacthon-key", OURS), ("prod-payments", {})):
        ec2.create_key_pair(KeyName=name, TagSpecifications=account.tags("key-pair", "", tags))
    for name in ("prod-sesacthon-a", "sesacthon-other", "prod-sesacthon-keep"):
        s3.create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": REGION})
    folder = account.context.project / "scripts" / "maintenance"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "destroy-with-cleanup.sh").write_text(SCRIPT)
    return account


def preview(account: Account) -> CleanupScript:
    return cleanup_script(account.context, account.detail())


def test_ownership_of_what_cleanup_would_delete_is_shown_before_the_script_runs(filled: Account) -> None:
    found = preview(filled)
    assert {(one.name, ownership_text(one)) for one in found.leftovers} == {
        ("prod-sesacthon-key", "ours"),
        ("prod-sesacthon-a", "ours by its name only"),
    }
    assert {(one.name, ownership_text(one)) for one in found.spared} == {
        ("prod-sesacthon-keep", "cleanup.protect: *-keep")
    }
    (finding,) = script_findings(filled.context, filled.detail())
    assert finding.state is CheckState.WARN
    assert "deletes by its own rules" in finding.summary
    assert "ecotui cleanup would delete 2 and spare 1" in finding.summary
    (fix,) = finding.fixes
    assert fix.typed == f"{filled.detail().account_name} 2"
    assert found.token in fix.command


def test_a_new_leftover_or_another_script_needs_new_consent(filled: Account) -> None:
    before = preview(filled).token
    assert preview(filled).token == before
    filled.client("ec2").create_key_pair(KeyName="prod-new", TagSpecifications=filled.tags("key-pair", "", OURS))
    with_new = preview(filled).token
    assert with_new != before
    script = filled.context.project / "scripts" / "maintenance" / "destroy-with-cleanup.sh"
    script.write_text(SCRIPT + "\n# more\n")
    assert preview(filled).token not in (before, with_new)


def test_a_script_that_the_script_calls_is_part_of_the_consent(filled: Account) -> None:
    folder = filled.context.project / "scripts"
    (folder / "maintenance" / "destroy-with-cleanup.sh").write_text("bash scripts/more.sh\n")
    (folder / "more.sh").write_text("aws s3 rb s3://a\n")
    before = preview(filled).token
    (folder / "more.sh").write_text("aws s3 rb s3://b\n")
    assert preview(filled).token != before


def test_kinds_that_could_not_be_checked_are_named(filled: Account) -> None:
    detail = filled.detail()
    assert cleanup_script(filled.context, detail, ("vpc",)).unchecked == ()
    assert cleanup_script(filled.context, type(detail)(), ("vpc",)).unchecked == ("vpc",)


def test_the_script_is_offered_only_where_something_is_left(filled: Account) -> None:
    report, _ = check_with_detail(filled.context)
    assert "cleanup.script" in {one.id for one in report.findings}
    filled.client("ec2").delete_key_pair(KeyName="prod-sesacthon-key")
    filled.client("s3").delete_bucket(Bucket="prod-sesacthon-a")
    report, _ = check_with_detail(filled.context)
    assert "cleanup.script" not in {one.id for one in report.findings}


# Running it


@pytest.fixture
def run_script(
    aws_env: dict[str, str], filled: Account, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., int]:
    project = tmp_path / "project"
    (project / "terraform").mkdir(parents=True)
    (project / "clean.sh").write_text(f"if false; then\n{SCRIPT}\nfi\necho '=== Step 1: keys ==='\nexit ${{1:-0}}\n")
    (project / "ecotui.yaml").write_text(
        "project: fixture\naws: {account: '123456789012', account_name: fix, region: ap-northeast-2}\n"
        "cleanup: {command: [./clean.sh], prefixes: [prod-sesacthon], names: [], exact: [], protect: ['*-keep']}\n"
    )
    for name, value in {**aws_env, "AWS_ENDPOINT_URL": filled.context.env["AWS_ENDPOINT_URL"]}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("ECOTUI_STATE_DIR", str(tmp_path / "state"))
    monkeypatch.setenv("PYTHONPATH", ":".join(sys.path))
    monkeypatch.chdir(project)
    return lambda *words: main(["cleanup", "--script", *words])


def test_it_shows_first_and_runs_only_what_was_shown(
    run_script: Callable[..., int], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_script() == 4
    out = capsys.readouterr().out
    assert "It deletes by its own rules" in out
    assert "✗ s3-bucket prod-sesacthon-keep: cleanup.protect: *-keep; name starts with prod-sesacthon" in out
    assert run_script("--run", "--pause", "0") == 2
    assert "--agreed TOKEN" in capsys.readouterr().err
    assert run_script("--run", "--agreed", "000000000000") == 3
    assert "changed since you agreed; nothing was run" in capsys.readouterr().err
    assert not list(tmp_path.glob("state/sessions/*/commands/*"))


def test_the_document_names_the_leftovers_and_the_script(
    run_script: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_script("--json") == 4
    document = json.loads(capsys.readouterr().out)
    assert document["schema"] == "ecotui.cleanup-script/2"
    assert document["standing"]["file"] == "clean.sh"
    assert document["account"] == "123456789012"
    assert {(one["name"], one["ownership"]) for one in document["leftovers"]} == {
        ("prod-sesacthon-key", "tagged"),
        ("prod-sesacthon-a", "name-only"),
    }
    assert [one["key"] for one in document["spared"]] == ["s3-bucket:prod-sesacthon-keep"]
    assert document["unseen"] == []


def test_after_the_run_it_scans_again_and_says_what_is_left(
    run_script: Callable[..., int], filled: Account, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_script("--json") == 4
    token = json.loads(capsys.readouterr().out)["token"]
    assert run_script("--run", "--agreed", token, "--pause", "0") == 3
    out = capsys.readouterr().out
    assert "[stage 1, after 0 s] Step 1: keys" in out
    assert "Checking again" in out
    assert "left: s3-bucket:prod-sesacthon-a" in out
    assert "0 of 2 leftovers gone, 2 left" in out


def test_a_protected_resource_that_the_script_deleted_is_reported(
    run_script: Callable[..., int],
    filled: Account,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    run_script("--json")
    token = json.loads(capsys.readouterr().out)["token"]

    def start(*_: object, **__: object) -> int:
        for name in ("prod-sesacthon-keep", "prod-sesacthon-a"):
            filled.client("s3").delete_bucket(Bucket=name)
        return 0

    monkeypatch.setattr("ecotui.cli.cleanup_script.run_team_script", start)
    assert run_script("--run", "--agreed", token, "--pause", "0") == 3
    out = capsys.readouterr().out
    assert "gone, and was not to be deleted: s3-bucket prod-sesacthon-keep (cleanup.protect: *-keep)" in out
    assert "1 of 2 leftovers gone, 1 left, 1 lost" in out

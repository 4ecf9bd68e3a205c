"""The team's own cleanup script: what its patterns mean, whose that is, what cannot be read, and the look after it."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from support.cleanup import OURS, REGION, Account

from checks.cleanup.model import AwsResource
from checks.cleanup.ownership import KnownResources
from checks.cleanup.script.deletion_targets import Aim, aim
from checks.cleanup.script.impact import findings, foresee
from ecotui.cli import main

GUIDE = """#!/bin/bash
# aws iam delete-policy in a comment
echo "aws s3 rb s3://said-only"
POLICY_ARNS=$(aws iam list-policies --scope Local \\
    --query "Policies[?contains(PolicyName, 'alb-controller') ||
        contains(PolicyName, 'ecoeco')].Arn" --output text)
for policy_arn in $POLICY_ARNS; do
    for role in $(aws iam list-entities-for-policy --policy-arn "$policy_arn" --query 'PolicyRoles[*].RoleName'); do
        aws iam detach-role-policy --role-name "$role" --policy-arn "$policy_arn"
    done
    aws iam delete-policy --policy-arn "$policy_arn"
done
KEY_NAME="k8s-cluster-key"
aws ec2 delete-key-pair --key-name "$KEY_NAME" --region "$AWS_REGION"
BUCKETS=$(aws s3api list-buckets --query "Buckets[?starts_with(Name, 'prod-sesacthon')].Name" --output text)
for bucket in $BUCKETS; do
    aws s3 rm "s3://$bucket" --recursive
    aws s3api delete-bucket --bucket "$bucket"
done
"""


def read(text: str, **more: str) -> Aim:
    return aim("clean.sh", {"clean.sh": text, **{name.replace("_", "."): one for name, one in more.items()}}.get)


def told(found: Aim) -> set[tuple[str, str]]:
    return {(one.kind, one.condition.words) for one in found.picks}


def seen(kind: str, name: str, **more: object) -> AwsResource:
    return AwsResource(kind=kind, id=str(more.pop("id", name)), name=name, **more)  # type: ignore[arg-type]


def test_the_patterns_of_the_guide_s_script_are_read() -> None:
    found = read(GUIDE)
    assert told(found) == {
        ("iam-policy", "name contains alb-controller"),
        ("iam-policy", "name contains ecoeco"),
        ("key-pair", "name is k8s-cluster-key"),
        ("s3-bucket", "name starts with prod-sesacthon"),
    }
    assert found.blind == ()


@pytest.mark.parametrize(
    ("text", "kind", "hit", "missed"),
    [
        (
            "aws s3 ls | awk '{print $3}' | grep -E '^(x-)?prod' | xargs -I{} aws s3 rb s3://{} --force",
            "s3-bucket",
            None,
            None,
        ),
        (
            "aws s3 ls | awk '{print $3}' | grep '^prod-' | xargs -I{} aws s3 rb s3://{} --force",
            "s3-bucket",
            "prod-a",
            "a-prod-",
        ),
        (
            "for p in prod stage; do\nB=$(aws s3api list-buckets --query \"Buckets[?starts_with(Name,'$p-')].Name\")\n"
            "for b in $B; do aws s3api delete-bucket --bucket $b; done; done",
            "s3-bucket",
            "stage-a",
            "dev-a",
        ),
        (
            "ids=$(aws ec2 describe-volumes --filters Name=tag:Name,Values='k8s-*' Name=status,Values=available"
            " --query 'Volumes[].VolumeId')\nfor i in $ids; do aws ec2 delete-volume --volume-id $i; done",
            "volume",
            None,
            "other",
        ),
        (
            "aws logs describe-log-groups --log-group-name-prefix /eks/prod --query 'logGroups[].logGroupName' |"
            '\n while read -r g; do\naws logs delete-log-group --log-group-name "$g"\ndone',
            "log-group",
            "/eks/prod-a",
            "/eks/dev",
        ),
        (
            "for r in $(aws iam list-roles --query 'Roles[?RoleName!=`x` && ends_with(RoleName,`-node`)].RoleName'); do"
            "\naws iam delete-role --role-name $r\ndone",
            "iam-role",
            "a-node",
            "a-pod",
        ),
        ("aws ec2 delete-key-pair --key-name k8s", "key-pair", "k8s", "k8s-staging"),
    ],
)
def test_what_a_pattern_means_is_hit_and_nothing_else(
    text: str, kind: str, hit: str | None, missed: str | None
) -> None:
    found = read(text)
    if hit:
        assert found.by(seen(kind, hit))
        assert found.blind == ()
    if missed:
        assert not found.by(seen(kind, missed))
    if not hit and not missed:
        # What it means was not understood: it is said, or all are hit.
        assert found.blind or found.by(seen(kind, "anything"))


def test_a_tag_is_compared_with_the_tag_only() -> None:
    found = read(
        "V=$(aws ec2 describe-vpcs --query \"Vpcs[?Tags[?Key=='Name' && Value=='prod-vpc']].VpcId\")\n"
        "for v in $V; do aws ec2 delete-vpc --vpc-id $v; done"
    )
    assert found.by(seen("vpc", "x", id="vpc-1", tags={"Name": "prod-vpc"}))
    assert not found.by(seen("vpc", "prod-vpc", id="vpc-1", tags={"Name": "other"}))


@pytest.mark.parametrize(
    "text",
    [
        "aws ec2 terminate-instances --instance-ids $(cat ids.txt)",
        'aws s3 rb "s3://$1" --force',
        "aws rds delete-db-instance --db-instance-identifier x",
        'eval "$CLEAN"',
        "python3 cleanup.py",
        "curl -s https://example.com/clean.sh | bash",
        'aws cloudfront delete-distribution --id "$dist_id" --if-match "$ETAG"',
        "bash ./lib/gone.sh",
        "P=$(date +%s)\nB=$(aws s3api list-buckets --query \"Buckets[?starts_with(Name,'$P')].Name\")\n"
        "for b in $B; do aws s3api delete-bucket --bucket $b; done",
        "aws route53 change-resource-record-sets --hosted-zone-id Z1 --change-batch file://x.json",
    ],
)
def test_what_cannot_be_read_is_said(text: str) -> None:
    assert read(text).blind


@pytest.mark.parametrize(
    "query",
    [
        "Buckets[].Name",
        "Buckets[?!contains(Name,'keep')].Name",
        "Buckets[?contains(Name,'a') || CreationDate<'2025'].Name",
        "Buckets[?Name!='keep'].Name",
    ],
)
def test_a_condition_that_is_not_understood_means_all(query: str) -> None:
    found = read(
        f'B=$(aws s3api list-buckets --query "{query}")\nfor b in $B; do aws s3api delete-bucket --bucket $b; done'
    )
    assert found.by(seen("s3-bucket", "anything"))


def test_what_is_only_listed_is_no_aim() -> None:
    found = read("aws s3api list-buckets --query 'Buckets[].Name'\nX=$(aws iam list-roles --query 'Roles[].Arn')")
    assert (found.picks, found.blind) == ((), ())


def test_terraform_destroy_is_said_with_its_line() -> None:
    assert read("cd terraform\nterraform destroy -auto-approve").destroys == ("clean.sh:2",)


# In an account


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
    folder = account.world.project / "scripts" / "maintenance"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "destroy-with-cleanup.sh").write_text(SCRIPT)
    return account


def test_whose_is_what_the_script_would_hit_is_told_before_it_runs(filled: Account) -> None:
    found = foresee(filled.world, KnownResources())
    assert {(one.name, one.fate) for one in found.hits} == {
        ("prod-sesacthon-key", "ours"),
        ("prod-payments", "not ours"),
        ("prod-sesacthon-a", "ours by its name only"),
        ("sesacthon-other", "not ours"),
        ("prod-sesacthon-keep", "cleanup.protect: *-keep"),
    }
    assert {one.name for one in found.spared} == {"prod-payments", "sesacthon-other", "prod-sesacthon-keep"}
    (finding,) = findings(filled.world, KnownResources(), "eco2")
    assert finding.state.value == "warn"
    assert "would hit 5 by its text, 3 of them not to be deleted" in finding.summary
    (fix,) = finding.fixes
    assert fix.typed == "eco2 5"
    assert found.token in fix.command


def test_a_new_hit_or_another_text_is_not_what_was_agreed_to(filled: Account) -> None:
    before = foresee(filled.world, KnownResources()).token
    assert foresee(filled.world, KnownResources()).token == before
    filled.client("ec2").create_key_pair(KeyName="prod-new")
    with_new = foresee(filled.world, KnownResources()).token
    assert with_new != before
    script = filled.world.project / "scripts" / "maintenance" / "destroy-with-cleanup.sh"
    script.write_text(SCRIPT + "\n# more\n")
    assert foresee(filled.world, KnownResources()).token not in (before, with_new)


def test_a_leftover_look_offers_the_script_only_where_something_is_left(filled: Account) -> None:
    from checks.cleanup.check import check_with_detail

    report, _ = check_with_detail(filled.world)
    assert "cleanup.script" in {one.id for one in report.findings}
    filled.client("ec2").delete_key_pair(KeyName="prod-sesacthon-key")
    filled.client("s3").delete_bucket(Bucket="prod-sesacthon-a")
    report, _ = check_with_detail(filled.world)
    assert "cleanup.script" not in {one.id for one in report.findings}


# Running it


@pytest.fixture
def here(
    aws_env: dict[str, str], filled: Account, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., int]:
    project = tmp_path / "project"
    (project / "terraform").mkdir(parents=True)
    (project / "clean.sh").write_text(f"if false; then\n{SCRIPT}\nfi\necho '=== Step 1: keys ==='\nexit ${{1:-0}}\n")
    (project / "ecotui.yaml").write_text(
        "project: fixture\naws: {account: '123456789012', account_name: fix, region: ap-northeast-2}\n"
        "cleanup: {command: [./clean.sh], prefixes: [prod-sesacthon], names: [], exact: [], protect: ['*-keep']}\n"
    )
    for name, value in {**aws_env, "AWS_ENDPOINT_URL": filled.world.env["AWS_ENDPOINT_URL"]}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("ECOTUI_STATE_DIR", str(tmp_path / "state"))
    monkeypatch.setenv("PYTHONPATH", ":".join(sys.path))
    monkeypatch.chdir(project)
    return lambda *words: main(["cleanup", "--script", *words])


def test_it_shows_first_and_runs_only_what_was_shown(
    here: Callable[..., int], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert here() == 4
    out = capsys.readouterr().out
    assert "✗ key-pair prod-payments: not ours; name starts with prod-" in out
    assert here("--run", "--pause", "0") == 2
    assert "--agreed TOKEN" in capsys.readouterr().err
    assert here("--run", "--agreed", "000000000000") == 3
    assert "is not what was agreed to; nothing was run" in capsys.readouterr().err
    assert not list(tmp_path.glob("state/sessions/*/commands/*"))


def test_after_the_run_it_looks_again_and_says_what_is_left(
    here: Callable[..., int], filled: Account, capsys: pytest.CaptureFixture[str]
) -> None:
    assert here("--json") == 4
    token = json.loads(capsys.readouterr().out)["token"]
    assert here("--run", "--agreed", token, "--pause", "0") == 3
    out = capsys.readouterr().out
    assert "[stage 1, after 0 s] Step 1: keys" in out
    assert "Looking again" in out
    assert "left: s3-bucket:prod-sesacthon-a" in out
    assert "0 of 2 leftovers gone, 2 left" in out


def test_what_was_lost_is_said(
    here: Callable[..., int],
    filled: Account,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    here("--json")
    token = json.loads(capsys.readouterr().out)["token"]

    def start(*_: object, **__: object) -> int:
        filled.client("ec2").delete_key_pair(KeyName="prod-payments")
        return 0

    monkeypatch.setattr("ecotui.cli.script.run_team_script", start)
    assert here("--run", "--agreed", token, "--pause", "0") == 3
    assert "gone, and was not to be deleted: key-pair prod-payments (not ours)" in capsys.readouterr().out

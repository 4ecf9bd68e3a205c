"""A deletion whose process is killed: the same list, run again, finishes it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import msgspec
import pytest
from support.cleanup import post, replace_deletion
from support.deletion import DOCUMENT

from checks.aws.session import AwsIdentity
from checks.cleanup.approval import build_approval, write_approval
from checks.cleanup.check import check_with_detail
from checks.cleanup.leftover_kind import DeletionRefused
from checks.context import CheckContext
from config.load import load_settings
from ecotui.cli import main
from ecotui.cli.cleanup_progress import DeletionReporter

TAGS = [{"Key": "Project", "Value": "eco2"}]
SETTINGS = """
project: eco2
aws: {region: ap-northeast-2, account_name: eco2-prod}
cleanup:
  tags: {Project: eco2}
  kinds: [iam-policy, cloudfront, s3-bucket]
  poll: 0.1
"""


@pytest.fixture
def context(moto_endpoint: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> CheckContext:
    post(f"{moto_endpoint}/moto-api/reset")
    env = {
        "AWS_ENDPOINT_URL": moto_endpoint,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_EC2_METADATA_DISABLED": "true",
        "HOME": str(tmp_path),
        "NO_PROXY": "127.0.0.1",
        "PATH": "/usr/bin:/bin",
    }
    for name, value in env.items():
        monkeypatch.setenv(name, value)
    (tmp_path / "ecotui.yaml").write_text(SETTINGS)
    return CheckContext(settings=load_settings(tmp_path, None, env=env).settings, project=tmp_path, env=env)


def deployed_after(moto_endpoint: str, looks: int) -> None:
    """A distribution that changes is Deployed when it was looked at so often."""
    transition = {"progression": "manual", "times": looks}
    post(
        f"{moto_endpoint}/moto-api/state-manager/set-transition",
        {"model_name": "cloudfront::distribution", "transition": transition},
    )


def leftovers(context: CheckContext) -> Path:
    """A policy, and a distribution before its bucket; the approved list of all three."""
    context.aws.client("iam").create_policy(PolicyName="eco2-policy", PolicyDocument=DOCUMENT, Tags=TAGS)
    s3 = context.aws.client("s3")
    s3.create_bucket(Bucket="eco2-images", CreateBucketConfiguration={"LocationConstraint": "ap-northeast-2"})
    s3.put_bucket_tagging(Bucket="eco2-images", Tagging={"TagSet": TAGS})
    s3.put_object(Bucket="eco2-images", Key="a", Body=b"1")
    config = {
        "CallerReference": "one",
        "Comment": "images",
        "Enabled": True,
        "Origins": {
            "Quantity": 1,
            "Items": [
                {
                    "Id": "s3",
                    "DomainName": "eco2-images.s3.ap-northeast-2.amazonaws.com",
                    "S3OriginConfig": {"OriginAccessIdentity": ""},
                }
            ],
        },
        "DefaultCacheBehavior": {
            "TargetOriginId": "s3",
            "ViewerProtocolPolicy": "allow-all",
            "MinTTL": 0,
            "ForwardedValues": {"QueryString": False, "Cookies": {"Forward": "none"}},
        },
    }
    context.aws.client("cloudfront").create_distribution_with_tags(
        DistributionConfigWithTags={"DistributionConfig": config, "Tags": {"Items": TAGS}}
    )
    _, detail = check_with_detail(context)
    keys = [one.key for one in detail.resources]
    assert len(keys) == 3
    file = context.project / "approved.json"
    write_approval(build_approval(detail, keys), file)
    return file


def words(context: CheckContext, file: Path, pause: str = "0") -> list[str]:
    folder = str(context.project)
    return ["cleanup", "-C", folder, "--delete", "--approve", str(file), "--pause", pause]


def test_the_deletion_of_a_killed_process_is_finished_by_the_next(
    context: CheckContext, moto_endpoint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    deployed_after(moto_endpoint, 10_000)
    try:
        file = leftovers(context)
        with subprocess.Popen(
            [sys.executable, "-P", "-m", "ecotui", *words(context, file)],
            env=dict(context.env),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        ) as running:
            assert running.stdout is not None
            heard: list[str] = []
            for line in running.stdout:
                heard.append(line)
                told = "".join(heard)
                if "gone     iam-policy:" in told and "InProgress" in told:
                    break
            running.kill()
        assert running.returncode == -9, "".join(heard)
        left = {one.kind: one for one in check_with_detail(context)[1].resources}
        assert sorted(left) == ["cloudfront", "s3-bucket"]
        assert "disabled" in left["cloudfront"].state
        deployed_after(moto_endpoint, 1)
        # The one that was disabled by the killed run keeps its place in the waiting: a new look is enough for the server.
        from moto.cloudfront.models import cloudfront_backends

        for one in cloudfront_backends["123456789012"]["aws"].distributions.values():
            one.advance()
        assert main(words(context, file)) == 0
    finally:
        post(
            f"{moto_endpoint}/moto-api/state-manager/unset-transition",
            {"model_name": "cloudfront::distribution"},
        )
    out = capsys.readouterr().out
    assert "gone     iam-policy:" in out
    assert "already gone" in out
    assert "3 of 3 gone" in out
    assert not check_with_detail(context)[1].resources


def test_nothing_is_deleted_when_the_identity_changes_in_the_pause(
    context: CheckContext, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    file = leftovers(context)
    real, asked = type(context.aws).refetch_identity, []

    def changes(aws: Any) -> AwsIdentity:
        now = real(aws)
        asked.append(now)
        return now if len(asked) == 1 else msgspec.structs.replace(now, account="999999999999")

    monkeypatch.setattr(type(context.aws), "refetch_identity", changes)
    assert main(words(context, file, "0.01")) == 2
    assert "this is 999999999999; nothing was deleted" in capsys.readouterr().err
    assert len(asked) == 2
    assert len(check_with_detail(context)[1].resources) == 3


def test_a_remaining_item_is_printed_with_what_blocks_it(
    context: CheckContext, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    file = leftovers(context)

    def refuses(*_: Any) -> None:
        raise DeletionRefused("a function is associated with it")

    replace_deletion(monkeypatch, "cloudfront", refuses)
    assert main(words(context, file)) == 3
    out = capsys.readouterr().out
    assert "a function is associated with it (used by origin eco2-images.s3" in out
    assert "failed: s3-bucket:eco2-images: blocked by cloudfront:" in out
    assert "1 of 3 gone" in out


def test_the_heartbeat_names_the_items_that_take_long(capsys: pytest.CaptureFixture[str]) -> None:
    from checks.cleanup.model import DeletionProgress

    say = DeletionReporter(progress=False, total=2)
    counts = {"waiting": 1, "deleting": 1, "failed": 0, "skipped": 0, "gone": 0}
    say.report(DeletionProgress(counts=counts, item="s3-bucket:b", state="deleting", message="41,000 versions deleted"))
    capsys.readouterr()
    say._last_output -= 60
    say._print_heartbeat()
    told = capsys.readouterr().out
    assert told.startswith("1 waiting, 1 deleting, 0 failed")
    assert "s3-bucket:b 0 s: 41,000 versions deleted" in told

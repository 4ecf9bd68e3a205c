"""Buckets whose name is free, and was somebody's a short while ago: told by earlier sessions, and by CloudTrail."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from support.forecast import ScriptedAccount, planned, refusal

from checks.apply.forecast.forecast import make_forecast
from checks.apply.forecast.model import Forecast
from checks.apply.forecast.warnings import MAX_PAGES
from checks.aws.session import AwsSession
from checks.context import CheckContext, DeletedBucket
from checks.finding import CheckState
from config import model
from config.model import Settings
from ecotui.history.recorded_changes import find_deleted_buckets
from ecotui.session.store import SessionStore

BUCKET = planned("aws_s3_bucket", after={"bucket": "prod-images"})
FREE = {"head_bucket": refusal("404"), "list_buckets": {"Buckets": []}}


def event(name: str, minutes: float = 3, **more: Any) -> dict[str, Any]:
    plain = {"eventName": "DeleteBucket", "requestParameters": {"bucketName": name}, **more}
    return {
        "EventTime": datetime.fromtimestamp(time.time() - minutes * 60, UTC),
        "CloudTrailEvent": json.dumps(plain),
    }


def forecast_for(account: Any, *resources: Any, gone: tuple[DeletedBucket, ...] = ()) -> Forecast:
    context = CheckContext(settings=Settings(), project=Path(), env={}, deleted_buckets=lambda since: gone)
    context.__dict__["aws"] = account
    return make_forecast(context, resources)


def test_a_bucket_that_cloudtrail_recorded_as_deleted_is_a_warning_and_no_collision() -> None:
    seen = forecast_for(
        ScriptedAccount(**FREE, lookup_events={"Events": [event("prod-images"), event("another", 1)]}), BUCKET
    )
    (one,) = seen.warnings
    assert (seen.state, seen.blocking_ids, one.address) == (CheckState.WARN, (), "aws_s3_bucket.x")
    assert "deleted 3 min ago (says CloudTrail)" in one.why
    assert "OperationAborted" in one.why


@pytest.mark.parametrize("events", [[], [event("prod-images", errorCode="BucketNotEmpty")], [event("other")]])
def test_a_bucket_that_was_not_deleted_is_no_warning(events: list[dict[str, Any]]) -> None:
    assert forecast_for(ScriptedAccount(**FREE, lookup_events={"Events": events}), BUCKET).state is CheckState.OK


def test_a_deletion_of_an_earlier_session_is_known_before_cloudtrail_has_it() -> None:
    account = ScriptedAccount(**FREE, lookup_events=refusal("AccessDenied"))
    seen = forecast_for(account, BUCKET, gone=(DeletedBucket(name="prod-images", deleted_at=time.time() - 20),))
    assert "deleted less than a minute ago (by an earlier session)" in seen.warnings[0].why
    assert "lookup_events" not in account.calls  # nothing is left to be asked


def test_a_denied_lookup_is_unknown_and_names_the_action() -> None:
    seen = forecast_for(ScriptedAccount(**FREE, lookup_events=refusal("AccessDeniedException")), BUCKET)
    assert [(one.what, one.denied) for one in seen.not_checked] == [
        ("buckets just deleted", ("cloudtrail:LookupEvents",))
    ]
    assert seen.state is CheckState.UNKNOWN


def test_a_deleted_name_that_is_taken_again_is_a_collision_only() -> None:
    there = ScriptedAccount(list_buckets={"Buckets": [{"Name": "prod-images"}]}, lookup_events={"Events": [event("prod-images")]})  # fmt: skip
    seen = forecast_for(there, BUCKET)
    assert (len(seen.collisions), seen.warnings) == (1, ())


def test_cloudtrail_is_asked_for_new_buckets_only_and_for_a_limited_number_of_pages() -> None:
    account = ScriptedAccount(lookup_events={"Events": [], "NextToken": "more"}, **FREE)
    forecast_for(account, planned("aws_iam_role", after={"name": "x"}))
    again = {"before": {"bucket": "x"}, "after": {"bucket": "x"}, "actions": ("delete", "create")}
    forecast_for(account, planned("aws_s3_bucket", **again))
    assert "lookup_events" not in account.calls
    seen = forecast_for(account, BUCKET)
    assert account.calls.count("lookup_events") == MAX_PAGES
    assert [one.failed for one in seen.not_checked] == [True]


def test_the_cloudtrail_of_the_demo_records_deleted_buckets(
    aws_env: dict[str, str],
) -> None:
    aws = AwsSession(model.AwsSettings(region="ap-northeast-2"), aws_env)
    s3 = aws.client("s3")
    for name in ("prod-images", "full"):
        s3.create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": "ap-northeast-2"})
    s3.put_object(Bucket="full", Key="a", Body=b"")
    s3.delete_bucket(Bucket="prod-images")
    with pytest.raises(s3.exceptions.ClientError):
        s3.delete_bucket(Bucket="full")
    seen = forecast_for(aws, BUCKET, planned("aws_s3_bucket", "y", after={"bucket": "never-there"}))
    assert [one.address for one in seen.warnings] == ["aws_s3_bucket.x"]
    assert seen.not_checked == ()


def command(session: Any, argv: list[str], ended: float, *lines: dict[str, Any]) -> None:
    """A command that is over, as its supervisor leaves it."""
    folder = session.commands_folder / f"{argv[0]}-{ended:.0f}"
    folder.mkdir(parents=True)
    told = {"step": "x", "title": "x", "argv": argv, "started": ended - 60}
    (folder / "command.json").write_text(json.dumps(told))
    (folder / "exit.json").write_text(json.dumps({"outcome": "succeeded", "exit_code": 0, "ended": ended}))
    (folder / "output.log").write_text("".join(f"{json.dumps(line)}\n" for line in lines) + "no JSON\n[]\n")


def test_recorded_deletions_name_their_buckets(tmp_path: Path) -> None:
    shelf = SessionStore(tmp_path / "state")
    session = shelf.create(project="p", folder=tmp_path, env={})
    now = time.time()
    cleanup = ["ecotui", "cleanup", "--delete", "--approve", "x", "--progress"]

    def item(name: str, state: str = "gone", message: str = "gone") -> dict[str, Any]:
        return {"item": f"s3-bucket:{name}", "state": state, "message": message}

    def hook(kind: str, address: str, **more: Any) -> dict[str, Any]:
        resource = {"addr": address, "resource_type": "aws_s3_bucket"}
        return {"type": kind, "hook": {"resource": resource, "action": "delete", **more}}

    command(
        session, cleanup, now - 60,
        item("ours"), item("years-ago", message="already gone"), item("held", "failed", "not empty"),
        {"item": "key-pair:k", "state": "gone", "message": "gone"},
    )  # fmt: skip
    command(session, cleanup, now - 9000, item("long-ago"))
    command(session, ["ecotui", "cleanup"], now, item("listed"))
    command(
        session, ["terraform", "apply", "-json", "plan"], now - 30,
        hook("apply_start", "aws_s3_bucket.a", id_value="destroyed"), hook("apply_complete", "aws_s3_bucket.a"),
        hook("apply_start", "aws_s3_bucket.b", id_value="refused"), hook("apply_errored", "aws_s3_bucket.b"),
    )  # fmt: skip
    told = {one.name: round(now - one.deleted_at) for one in find_deleted_buckets(shelf, now - 7200)}
    assert told == {"ours": 60, "destroyed": 30}

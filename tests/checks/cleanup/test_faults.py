"""The kinds themselves, in accounts full of ours and theirs: AWS fails at random, and the process is killed at any call."""

from __future__ import annotations

import random

import pytest
from support.faults import FaultyAccount, fill
from support.faults import faulty as faulty
from support.faults import faulty_context as faulty_context
from support.random_accounts import ProcessKilled

from checks.cleanup.approval import build_approval
from checks.cleanup.check import check_with_detail
from checks.cleanup.model import AwsResource, DeletionState
from checks.cleanup.ownership import KnownResources
from checks.cleanup.scan import scan_account
from config.model import CleanupSettings

EVERYTHING = CleanupSettings(names=("*",))
"""Selectors that list every resource of the account: what is there, whosever it is."""


def there(faulty: FaultyAccount) -> dict[str, AwsResource]:
    faulty.call_faults.begin()
    return scan_account(faulty.context.aws, "ap-northeast-2", EVERYTHING, KnownResources()).resources_by_key


def goes_with(before: dict[str, AwsResource], ours: set[str]) -> set[str]:
    """What AWS made with a VPC of ours, and takes away with it: its default group, its main route table, its ACL."""
    return {key for key, seen in before.items() if seen.protection_reason and ours & set(seen.blocks)}


@pytest.mark.parametrize("seed", range(2))
def test_after_faults_and_kills_ours_are_deleted_and_all_others_unchanged(faulty: FaultyAccount, seed: int) -> None:
    chance = random.Random(seed)
    faulty.call_faults.chance = random.Random(seed)
    ours, theirs = fill(faulty.client, chance)
    _, detail = check_with_detail(faulty.context)
    assert {one.key for one in detail.resources if one.deletable} == ours
    approval = build_approval(detail, ours)
    before = there(faulty)
    assert ours | theirs <= before.keys()
    faulty.call_faults.changes.clear()
    for _ in range(3):
        faulty.call_faults.begin(faults=0.1, kill_at=chance.randrange(1, 120))
        try:
            faulty.run(approval)
        except ProcessKilled:
            continue
    faulty.call_faults.begin(faults=0.1)
    outcome = faulty.run(approval)
    assert {key: told for key, told in outcome.items() if told[0] is not DeletionState.GONE} == {}
    after = there(faulty).keys()
    assert after & ours == set()
    assert before.keys() - after - ours <= goes_with(before, ours)  # moto leaves some of it
    assert faulty.call_faults.changes


def test_a_denied_deletion_is_reported_with_what_it_blocks_and_the_rest_is_deleted(faulty: FaultyAccount) -> None:
    ours, theirs = fill(faulty.client, random.Random(7))
    _, detail = check_with_detail(faulty.context)
    approval = build_approval(detail, ours)
    before = there(faulty)
    faulty.call_faults.chance = random.Random(7)
    faulty.call_faults.begin(faults=0.1, denied="DeleteSubnet")
    outcome = faulty.run(approval)
    failed = {key: message for key, (state, message) in outcome.items() if state is not DeletionState.GONE}
    subnets = {key for key in ours if key.startswith("subnet:")}
    assert subnets
    assert failed.keys() >= subnets
    for key, message in failed.items():
        if key in subnets:
            assert "ec2:DeleteSubnet" in message
        else:
            assert message.startswith("blocked by "), (key, message)
    assert {key.partition(":")[0] for key in failed} <= {"subnet", "vpc", "route-table"}
    after = there(faulty).keys()
    gone = ours - failed.keys()
    assert failed.keys() <= after
    assert before.keys() - after - gone <= goes_with(before, gone)
    assert theirs <= after


def test_unreadable_tags_protect_a_resource_that_is_ours_by_name_only(faulty: FaultyAccount) -> None:
    """One of them may be the tag that keeps it; and a fault that passes is no answer to anybody."""
    s3 = faulty.client("s3")
    s3.create_bucket(Bucket="prod-eco-logs", CreateBucketConfiguration={"LocationConstraint": "ap-northeast-2"})
    (plain,) = check_with_detail(faulty.context)[1].resources
    assert plain.deletable
    approval = build_approval(check_with_detail(faulty.context)[1], [plain.key])
    s3.put_bucket_tagging(Bucket="prod-eco-logs", Tagging={"TagSet": [{"Key": "ecotui:keep", "Value": "forever"}]})
    faulty.call_faults.begin(denied="GetBucketTagging")
    report, detail = check_with_detail(faulty.context)
    (unread,) = detail.resources
    assert unread.protected == "whether its tag ecotui:keep keeps it could not be checked"
    assert "s3:GetBucketTagging" in {action for finding in report.findings for action in finding.denied}
    ((state, message),) = faulty.run(approval).values()
    assert (state, message) == (DeletionState.SKIPPED, f"not deleted: {unread.protected}")
    assert "prod-eco-logs" in {one["Name"] for one in s3.list_buckets()["Buckets"]}


def test_the_tags_of_a_batch_with_a_deleted_resource_are_read_one_by_one(faulty: FaultyAccount) -> None:
    from concurrent.futures import ThreadPoolExecutor

    from botocore.exceptions import ClientError

    from checks.cleanup.aws_query import AwsQuery

    def ask(batch: list[str]) -> dict[str, dict[str, str]]:
        if "gone" in batch:
            raise ClientError({"Error": {"Code": "LoadBalancerNotFound", "Message": "x"}}, "DescribeTags")
        return {name: {"Name": name} for name in batch}

    with ThreadPoolExecutor(2) as pool:
        told = AwsQuery(faulty.context.aws, "", pool).read_tags_in_batches(
            "x:DescribeTags", ask, ["a", "gone", "b", "c"], 3
        )
    assert told == {"a": {"Name": "a"}, "b": {"Name": "b"}, "c": {"Name": "c"}}

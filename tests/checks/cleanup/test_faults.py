"""The kinds themselves, in accounts full of ours and theirs: AWS fails at random, and the process is killed at any call."""

from __future__ import annotations

import random

import pytest
from support.faults import Stormy, fill
from support.faults import stormy as stormy
from support.faults import stormy_world as stormy_world
from support.random_accounts import Killed

from checks.cleanup.approval import build_approval
from checks.cleanup.check import check_with_detail
from checks.cleanup.model import AwsResource, DeletionState
from checks.cleanup.ownership import KnownResources
from checks.cleanup.scan import scan_account
from config.model import CleanupSettings

EVERYTHING = CleanupSettings(names=("*",))
"""Selectors that list every resource of the account: what is there, whosever it is."""


def there(stormy: Stormy) -> dict[str, AwsResource]:
    stormy.weather.begin()
    return scan_account(stormy.world.aws, "ap-northeast-2", EVERYTHING, KnownResources()).resources_by_key


def goes_with(before: dict[str, AwsResource], ours: set[str]) -> set[str]:
    """What AWS made with a VPC of ours, and takes away with it: its default group, its main route table, its ACL."""
    return {key for key, seen in before.items() if seen.protection_reason and ours & set(seen.blocks)}


@pytest.mark.parametrize("seed", range(2))
def test_after_faults_and_kills_at_any_call_ours_are_gone_and_theirs_are_as_they_were(
    stormy: Stormy, seed: int
) -> None:
    chance = random.Random(seed)
    stormy.weather.chance = random.Random(seed)
    ours, theirs = fill(stormy.client, chance)
    _, detail = check_with_detail(stormy.world)
    assert {one.key for one in detail.resources if one.deletable} == ours
    approval = build_approval(detail, ours)
    before = there(stormy)
    assert ours | theirs <= before.keys()
    stormy.weather.changes.clear()
    for _ in range(3):
        stormy.weather.begin(faults=0.1, kill_at=chance.randrange(1, 120))
        try:
            stormy.run(approval)
        except Killed:
            continue
    stormy.weather.begin(faults=0.1)
    outcome = stormy.run(approval)
    assert {key: told for key, told in outcome.items() if told[0] is not DeletionState.GONE} == {}
    after = there(stormy).keys()
    assert after & ours == set()
    assert before.keys() - after - ours <= goes_with(before, ours)  # moto leaves some of it
    assert stormy.weather.changes


def test_what_may_not_be_deleted_is_reported_with_what_it_blocks_and_the_rest_goes(stormy: Stormy) -> None:
    ours, theirs = fill(stormy.client, random.Random(7))
    _, detail = check_with_detail(stormy.world)
    approval = build_approval(detail, ours)
    before = there(stormy)
    stormy.weather.chance = random.Random(7)
    stormy.weather.begin(faults=0.1, denied="DeleteSubnet")
    outcome = stormy.run(approval)
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
    after = there(stormy).keys()
    gone = ours - failed.keys()
    assert failed.keys() <= after
    assert before.keys() - after - gone <= goes_with(before, gone)
    assert theirs <= after


def test_tags_that_may_not_be_read_keep_what_only_its_name_would_give_away(stormy: Stormy) -> None:
    """One of them may be the tag that keeps it; and a fault that passes is no answer to anybody."""
    s3 = stormy.client("s3")
    s3.create_bucket(Bucket="prod-eco-logs", CreateBucketConfiguration={"LocationConstraint": "ap-northeast-2"})
    (plain,) = check_with_detail(stormy.world)[1].resources
    assert plain.deletable
    approval = build_approval(check_with_detail(stormy.world)[1], [plain.key])
    s3.put_bucket_tagging(Bucket="prod-eco-logs", Tagging={"TagSet": [{"Key": "ecotui:keep", "Value": "forever"}]})
    stormy.weather.begin(denied="GetBucketTagging")
    report, detail = check_with_detail(stormy.world)
    (unread,) = detail.resources
    assert unread.protected == "whether its tag ecotui:keep keeps it could not be checked"
    assert "s3:GetBucketTagging" in {action for finding in report.findings for action in finding.denied}
    ((state, message),) = stormy.run(approval).values()
    assert (state, message) == (DeletionState.SKIPPED, f"kept: {unread.protected}")
    assert "prod-eco-logs" in {one["Name"] for one in s3.list_buckets()["Buckets"]}


def test_the_tags_of_a_batch_in_which_one_has_gone_are_asked_one_by_one(stormy: Stormy) -> None:
    from concurrent.futures import ThreadPoolExecutor

    from botocore.exceptions import ClientError

    from checks.cleanup.aws_query import AwsQuery

    def ask(batch: list[str]) -> dict[str, dict[str, str]]:
        if "gone" in batch:
            raise ClientError({"Error": {"Code": "LoadBalancerNotFound", "Message": "x"}}, "DescribeTags")
        return {name: {"Name": name} for name in batch}

    with ThreadPoolExecutor(2) as pool:
        told = AwsQuery(stormy.world.aws, "", pool).read_tags_in_batches(
            "x:DescribeTags", ask, ["a", "gone", "b", "c"], 3
        )
    assert told == {"a": {"Name": "a"}, "b": {"Name": "b"}, "c": {"Name": "c"}}

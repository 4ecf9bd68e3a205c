"""The lock that machines share: against an S3 that keeps its conditions, with its clock and not with ours."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from checks.aws import lease, object_store
from checks.aws.lease import AcquiredLease, LeaseLost, LeaseRecord, LeaseSnapshot
from checks.aws.object_store import ConditionFailed, ObjectStore, ObjectStoreError
from checks.aws.session import AwsSession
from config import model

ACCOUNT = "123456789012"
HANA = LeaseRecord(user="hana", host="bastion-1", terminal="pts/7", since="2026-11-23 14:03 UTC", seconds=2.0)
MINSU = LeaseRecord(user="minsu", host="bastion-2", terminal="pts/2", seconds=2.0)


@pytest.fixture
def store(team_store: ObjectStore) -> ObjectStore:
    return team_store


def aged(store: ObjectStore, seconds: float, monkeypatch: pytest.MonkeyPatch) -> None:
    """S3's own clock goes on by so much."""
    read = ObjectStore.read

    def later(self: ObjectStore, key: str) -> object_store.StoredObject | None:
        found = read(self, key)
        return found and object_store.StoredObject(
            found.body, found.etag, found.last_modified, found.read_at + timedelta(seconds=seconds)
        )

    monkeypatch.setattr(ObjectStore, "read", later)


def test_an_account_is_held_by_one_and_the_other_learns_by_whom(store: ObjectStore) -> None:
    assert lease.read_lease(store, ACCOUNT) is None
    mine = lease.acquire_lease(store, ACCOUNT, HANA)
    assert isinstance(mine, AcquiredLease)
    seen = lease.acquire_lease(store, ACCOUNT, MINSU)
    assert isinstance(seen, LeaseSnapshot)
    assert seen.record.holder_text == "hana@bastion-1 on pts/7, since 2026-11-23 14:03 UTC"
    assert not seen.is_available
    assert isinstance(
        lease.acquire_lease(store, "210987654321", MINSU), AcquiredLease
    )  # another account is another lock


def test_of_many_that_take_it_at_once_exactly_one_has_it(store: ObjectStore) -> None:
    got: list[AcquiredLease | LeaseSnapshot] = []
    barrier = threading.Barrier(8)

    def run(name: str) -> None:
        barrier.wait()
        got.append(lease.acquire_lease(store, ACCOUNT, msgspec.structs.replace(MINSU, user=name)))

    threads = [threading.Thread(target=run, args=(f"op{n}",)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    (winner,) = [one for one in got if isinstance(one, AcquiredLease)]
    assert {one.record.user for one in got} == {winner.record.user}
    assert len(got) == 8


def test_a_lease_that_is_let_go_can_be_taken_at_once(store: ObjectStore) -> None:
    mine = lease.acquire_lease(store, ACCOUNT, HANA)
    assert isinstance(mine, AcquiredLease)
    lease.release_lease(store, ACCOUNT, mine)
    theirs = lease.acquire_lease(store, ACCOUNT, MINSU)
    assert isinstance(theirs, AcquiredLease)
    lease.release_lease(store, ACCOUNT, mine)  # a second time: no error, and not theirs
    found = lease.read_lease(store, ACCOUNT)
    assert found is not None
    assert (found.record.user, found.is_available) == ("minsu", False)


def test_a_lease_ends_by_itself_and_its_late_holder_learns_who_has_it(
    store: ObjectStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    mine = lease.acquire_lease(store, ACCOUNT, HANA)
    assert isinstance(mine, AcquiredLease)
    aged(store, HANA.seconds + lease.EXPIRY_GRACE_SECONDS + 1, monkeypatch)
    assert isinstance(lease.acquire_lease(store, ACCOUNT, MINSU), AcquiredLease)
    with pytest.raises(LeaseLost) as lost:
        lease.renew_lease(store, ACCOUNT, mine)
    assert lost.value.holder.user == "minsu"


def test_a_renewal_lengthens_it(store: ObjectStore, monkeypatch: pytest.MonkeyPatch) -> None:
    mine = lease.acquire_lease(store, ACCOUNT, HANA)
    assert isinstance(mine, AcquiredLease)
    mine = lease.renew_lease(store, ACCOUNT, mine)
    mine = lease.renew_lease(store, ACCOUNT, mine)
    assert mine.record.renewals == 2
    found = lease.read_lease(store, ACCOUNT)
    assert found is not None
    assert found.etag == mine.etag
    assert found.seconds_left <= HANA.seconds + lease.EXPIRY_GRACE_SECONDS


@pytest.mark.parametrize("skew", [-86_400.0, 86_400.0])
def test_this_machine_s_clock_is_not_asked(store: ObjectStore, monkeypatch: pytest.MonkeyPatch, skew: float) -> None:
    """A machine a day ahead must not take what is held, nor one a day behind leave what is over."""
    assert isinstance(lease.acquire_lease(store, ACCOUNT, HANA), AcquiredLease)

    class Wrong(datetime):
        @classmethod
        def now(cls, tz: object = None) -> datetime:
            return datetime.now(UTC) + timedelta(seconds=skew)

    monkeypatch.setattr("checks.aws.object_store.datetime", Wrong)
    found = lease.read_lease(store, ACCOUNT)
    assert found is not None
    assert 0 <= found.age < 5
    assert not found.is_available


def test_an_answer_of_s3_that_is_lost_on_its_way_is_not_taken_for_somebody_else(
    store: ObjectStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    put = ObjectStore._put_object

    def lost(self: ObjectStore, key: str, body: bytes, **condition: object) -> str:
        monkeypatch.setattr(ObjectStore, "_put_object", put)
        put(self, key, body, **condition)
        raise ConditionFailed  # what botocore's own second try would be told

    monkeypatch.setattr(ObjectStore, "_put_object", lost)
    mine = lease.acquire_lease(store, ACCOUNT, HANA)
    assert isinstance(mine, AcquiredLease)
    monkeypatch.setattr(ObjectStore, "_put_object", lost)
    assert lease.renew_lease(store, ACCOUNT, mine).record.id == mine.record.id


def test_two_requests_that_meet_are_tried_again(store: ObjectStore, monkeypatch: pytest.MonkeyPatch) -> None:
    from botocore.exceptions import ClientError

    client, met = store._client(), [3]
    put = client.put_object

    def meeting(**given: object) -> object:
        if met[0]:
            met[0] -= 1
            raise ClientError({"Error": {"Code": "ConditionalRequestConflict"}}, "PutObject")
        return put(**given)

    monkeypatch.setattr(client, "put_object", meeting)
    assert isinstance(lease.acquire_lease(store, ACCOUNT, HANA), AcquiredLease)
    assert met == [0]


def test_a_lock_that_is_none_holds_until_it_is_old(store: ObjectStore, monkeypatch: pytest.MonkeyPatch) -> None:
    store.write(lease.lease_key(ACCOUNT), b"\x1b]0;not a lock")
    seen = lease.acquire_lease(store, ACCOUNT, MINSU)
    assert isinstance(seen, LeaseSnapshot)
    assert seen.record.holder_text == "somebody@unreadable"
    aged(store, 200, monkeypatch)
    assert isinstance(lease.acquire_lease(store, ACCOUNT, MINSU), AcquiredLease)


def test_what_another_machine_wrote_is_sanitised(store: ObjectStore) -> None:
    evil = msgspec.structs.replace(HANA, user="\x1b[2Jhana\n", host="h" * 5_000, seconds=1e12)
    store.write(lease.lease_key(ACCOUNT), msgspec.json.encode(evil))
    seen = lease.read_lease(store, ACCOUNT)
    assert seen is not None
    assert seen.record.user == "hana"
    assert len(seen.record.host) <= 120
    assert seen.seconds_left <= lease.MAX_LEASE_SECONDS + lease.EXPIRY_GRACE_SECONDS


def test_a_question_is_for_one_holder_and_does_not_lengthen_the_lease(store: ObjectStore) -> None:
    mine = lease.acquire_lease(store, ACCOUNT, HANA)
    assert isinstance(mine, AcquiredLease)
    before = lease.read_lease(store, ACCOUNT)
    lease.request_lease_handoff(store, ACCOUNT, mine.record, "minsu@bastion-2")
    after = lease.read_lease(store, ACCOUNT)
    assert before is not None and after is not None
    assert before.etag == after.etag
    asked = lease.read_lease_handoff_request(store, ACCOUNT, mine.record)
    assert asked is not None
    assert (asked.by, asked.refused) == ("minsu@bastion-2", False)
    lease.refuse_lease_handoff(store, ACCOUNT, asked)
    answered = lease.read_lease_handoff_request(store, ACCOUNT, mine.record)
    assert answered is not None
    assert answered.refused
    lease.release_lease(store, ACCOUNT, mine)
    theirs = lease.acquire_lease(store, ACCOUNT, MINSU)
    assert isinstance(theirs, AcquiredLease)
    assert lease.read_lease_handoff_request(store, ACCOUNT, theirs.record) is None


@pytest.mark.parametrize("url", ["s3://", "eco2-team/x", "s3://Upper/x", "https://eco2-team/x", "s3://a b/c"])
def test_a_place_that_is_none_is_refused(aws_env: dict[str, str], url: str) -> None:
    with pytest.raises(ObjectStoreError, match="no s3://bucket/prefix"):
        ObjectStore(AwsSession(model.AwsSettings(), aws_env), url)


def test_a_store_that_cannot_be_reached_is_no_free_lock(
    store: ObjectStore, aws_env: dict[str, str], dead_endpoint: str
) -> None:
    dead = AwsSession(model.AwsSettings(region="ap-northeast-2"), {**aws_env, "AWS_ENDPOINT_URL": dead_endpoint})
    with pytest.raises(ObjectStoreError, match="cannot be reached"):
        lease.acquire_lease(ObjectStore(dead, "s3://eco2-team/ecotui"), ACCOUNT, HANA)
    missing = ObjectStore(store._aws, "s3://nobodys-bucket/x")
    with pytest.raises(ObjectStoreError, match="no bucket nobodys-bucket"):
        lease.read_lease(missing, ACCOUNT)

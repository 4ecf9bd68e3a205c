"""Deletions in random accounts with faults, changes by others and kills: only what may be deleted is, and all of it."""

from __future__ import annotations

from unittest import mock

from hypothesis import example, given, settings
from hypothesis import strategies as st
from support.cleanup import InstantClock
from support.random_accounts import KINDS, SELECTORS, Account, FakeResource, ProcessKilled, refusal

from checks.cleanup.approval import Approval
from checks.cleanup.deletion import Deletion
from checks.cleanup.model import DeletionState

OURS = ("tagged", "tagged", "named")
ALL = (*OURS, "foreign", "kept", "guarded", "protected", "managed")


@st.composite
def accounts(draw: st.DrawFn) -> Account:
    resources: dict[str, FakeResource] = {}
    for number in range(draw(st.integers(1, 12))):
        change = draw(st.sampled_from(["", "", "", "vanish", "replace", "keep", "guard"]))
        one = FakeResource(
            kind=draw(st.sampled_from(KINDS)),
            id=f"t{number}",
            owner=draw(st.sampled_from(ALL)),
            blockers=tuple(sorted(draw(st.sets(st.sampled_from(sorted(resources)), max_size=3)))) if resources else (),
            tells_blockers=draw(st.booleans()),
            reads_after_deletion=draw(st.integers(0, 3)),
            change=change,
            changed_at_read=draw(st.integers(0, 2)) if change else 0,
        )
        resources[one.key] = one
    return Account(
        resources,
        seed=draw(st.integers(0, 10_000)),
        faults=draw(st.sampled_from([0.0, 0.1, 0.4])),
        denied=draw(st.frozensets(st.sampled_from(KINDS), max_size=1)),
    )


def run(account: Account, approval: Approval) -> dict[str, tuple[DeletionState, str]]:
    with mock.patch("checks.cleanup.deletion.KINDS_BY_ID", account.kinds()):
        deletion = Deletion(
            account.aws, approval, SELECTORS, account.known, lambda progress: None, clock=InstantClock()
        )
        return dict(deletion.run())


@settings(max_examples=60, deadline=None)
@given(account=accounts(), kills=st.lists(st.integers(1, 40), max_size=3))
@example(
    # A chain that the account does not tell of, with every call likely to fail.
    account=Account(
        {
            f"tunnel:t{n}": FakeResource(
                "tunnel",
                f"t{n}",
                "tagged",
                (f"tunnel:t{n - 1}",) * (n > 0),
                tells_blockers=False,
                reads_after_deletion=2,
            )
            for n in range(8)
        },
        seed=3,
        faults=0.4,
    ),
    kills=[3, 17, 31],
)
def test_only_approved_resources_are_deleted_and_each_remaining_one_has_a_reason(
    account: Account, kills: list[int]
) -> None:
    approval = account.approve()
    for kill in kills:
        account.begin(kill)
        try:
            run(account, approval)
        except ProcessKilled:
            continue
    account.begin()
    outcome = run(account, approval)
    assert not account.wrongly_deleted
    assert outcome.keys() == account.approved.keys()
    undeletable = account.undeletable()
    for key, (state, message) in outcome.items():
        exists = key in account.resources
        if state is DeletionState.GONE:
            assert not exists, message
        else:
            assert state in (DeletionState.FAILED, DeletionState.SKIPPED)
            assert message
            assert key in undeletable, (key, state, message)
        if exists and account.resources[key].kind not in account.denied and state is DeletionState.FAILED:
            blockers = [one for one in account.resources[key].blockers if one in account.resources]
            assert blockers
            # EC2 does not say by what; the command line adds it from the scan that follows.
            assert any(one in message for one in blockers) or "DependencyViolation" in message, message
    # What was never approved is as it was.
    for key, one in account.resources.items():
        assert key in account.approved or not one.is_deleting


@settings(max_examples=25, deadline=None)
@given(account=accounts())
def test_a_scan_lists_all_of_ours_as_deletable_and_nothing_else(account: Account) -> None:
    rows = {one.key: one for one in account.detail().resources}
    assert {key for key, one in rows.items() if one.deletable} == {
        key for key, one in account.resources.items() if one.deletable
    }
    assert not {key for key, one in account.resources.items() if one.owner == "foreign"} & rows.keys()
    assert {key for key, one in rows.items() if one.preselected} == {
        key for key, one in account.resources.items() if one.owner == "tagged"
    }


def test_an_item_that_only_waits_for_an_undeletable_one_does_not_prolong_its_retries() -> None:
    """A subnet that somebody's interface holds, and its VPC: given up after some tries, not after `cleanup.wait`."""
    account = Account(
        {
            "wagon:theirs": FakeResource("wagon", "theirs", "foreign"),
            "engine:held": FakeResource("engine", "held", "tagged", ("wagon:theirs",), tells_blockers=False),
            "signal:after": FakeResource("signal", "after", "tagged", ("engine:held",)),
        }
    )
    outcome = run(account, account.approve())
    assert outcome == {
        "engine:held": (DeletionState.FAILED, "still used by wagon:theirs"),
        "signal:after": (DeletionState.FAILED, "blocked by engine:held"),
    }
    assert account.calls < 40


def test_a_failure_names_the_blocker_although_the_last_answer_was_a_server_error() -> None:
    account = Account(
        {
            "wagon:theirs": FakeResource("wagon", "theirs", "foreign"),
            "engine:held": FakeResource("engine", "held", "tagged", ("wagon:theirs",), tells_blockers=False),
        }
    )
    approval, call = account.approve(), account.call

    def fail_late(name: str) -> bool:
        if account.calls == 15:  # the deletion in the eighth try
            account.calls += 1
            raise refusal("InternalError")
        return call(name)

    account.call = fail_late  # type: ignore[method-assign]
    account.begin()
    ((_, message),) = run(account, approval).values()
    assert message.startswith("still used by wagon:theirs; at last: ")
    assert "InternalError" in message

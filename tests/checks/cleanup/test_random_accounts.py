"""Many drawn accounts, with faults, meddlers and kills: nothing foreign or protected ever goes, and all that can go does."""

from __future__ import annotations

from unittest import mock

from hypothesis import example, given, settings
from hypothesis import strategies as st
from support.cleanup import Quick
from support.random_accounts import KINDS, SELECTORS, Account, Killed, Thing, refusal

from checks.cleanup.approval import Approval
from checks.cleanup.deletion import Deletion
from checks.cleanup.model import DeletionState

OURS = ("tagged", "tagged", "named")
ALL = (*OURS, "foreign", "kept", "guarded", "protected", "managed")


@st.composite
def accounts(draw: st.DrawFn) -> Account:
    things: dict[str, Thing] = {}
    for number in range(draw(st.integers(1, 12))):
        meddled = draw(st.sampled_from(["", "", "", "vanish", "replace", "keep", "guard"]))
        one = Thing(
            kind=draw(st.sampled_from(KINDS)),
            id=f"t{number}",
            whose=draw(st.sampled_from(ALL)),
            needs=tuple(sorted(draw(st.sets(st.sampled_from(sorted(things)), max_size=3)))) if things else (),
            told=draw(st.booleans()),
            looks=draw(st.integers(0, 3)),
            meddled=meddled,
            meddled_at=draw(st.integers(0, 2)) if meddled else 0,
        )
        things[one.key] = one
    return Account(
        things,
        seed=draw(st.integers(0, 10_000)),
        faults=draw(st.sampled_from([0.0, 0.1, 0.4])),
        denied=draw(st.frozensets(st.sampled_from(KINDS), max_size=1)),
    )


def run(account: Account, approval: Approval) -> dict[str, tuple[DeletionState, str]]:
    with mock.patch("checks.cleanup.deletion.KINDS_BY_ID", account.kinds()):
        deletion = Deletion(account.aws, approval, SELECTORS, account.known, lambda progress: None, clock=Quick())
        return dict(deletion.run())


@settings(max_examples=60, deadline=None)
@given(account=accounts(), kills=st.lists(st.integers(1, 40), max_size=3))
@example(
    # A chain of which the account tells nothing, with every call likely to fail.
    account=Account(
        {
            f"tunnel:t{n}": Thing("tunnel", f"t{n}", "tagged", (f"tunnel:t{n - 1}",) * (n > 0), told=False, looks=2)
            for n in range(8)
        },
        seed=3,
        faults=0.4,
    ),
    kills=[3, 17, 31],
)
def test_whatever_happens_only_what_was_approved_goes_and_the_rest_is_told_with_its_reason(
    account: Account, kills: list[int]
) -> None:
    approval = account.approve()
    for kill in kills:
        account.begin(kill)
        try:
            run(account, approval)
        except Killed:
            continue
    account.begin()
    outcome = run(account, approval)
    assert not account.wrong
    assert outcome.keys() == account.approved.keys()
    hopeless = account.hopeless()
    for key, (state, message) in outcome.items():
        there = key in account.things
        if state is DeletionState.GONE:
            assert not there, message
        else:
            assert state in (DeletionState.FAILED, DeletionState.SKIPPED)
            assert message
            assert key in hopeless, (key, state, message)
        if there and account.things[key].kind not in account.denied and state is DeletionState.FAILED:
            blockers = [need for need in account.things[key].needs if need in account.things]
            assert blockers
            # EC2 does not say by what; the command line adds it from the look that follows.
            assert any(one in message for one in blockers) or "DependencyViolation" in message, message
    # What was never approved is as it was.
    for key, one in account.things.items():
        assert key in account.approved or not one.going


@settings(max_examples=25, deadline=None)
@given(account=accounts())
def test_a_look_lists_all_of_ours_as_deletable_and_nothing_else(account: Account) -> None:
    rows = {one.key: one for one in account.detail().resources}
    assert {key for key, one in rows.items() if one.deletable} == {
        key for key, one in account.things.items() if one.deletable
    }
    assert not {key for key, one in account.things.items() if one.whose == "foreign"} & rows.keys()
    assert {key for key, one in rows.items() if one.preselected} == {
        key for key, one in account.things.items() if one.whose == "tagged"
    }


def test_what_only_waits_for_a_hopeless_one_does_not_keep_it_trying() -> None:
    """A subnet that somebody's interface holds, and its VPC: given up after some tries, not after `cleanup.wait`."""
    account = Account(
        {
            "wagon:theirs": Thing("wagon", "theirs", "foreign"),
            "engine:held": Thing("engine", "held", "tagged", ("wagon:theirs",), told=False),
            "signal:after": Thing("signal", "after", "tagged", ("engine:held",)),
        }
    )
    outcome = run(account, account.approve())
    assert outcome == {
        "engine:held": (DeletionState.FAILED, "still used by wagon:theirs"),
        "signal:after": (DeletionState.FAILED, "blocked by engine:held"),
    }
    assert account.calls < 40


def test_a_blocker_is_told_although_the_last_answer_was_a_server_error() -> None:
    account = Account(
        {
            "wagon:theirs": Thing("wagon", "theirs", "foreign"),
            "engine:held": Thing("engine", "held", "tagged", ("wagon:theirs",), told=False),
        }
    )
    approval, real = account.approve(), account.call

    def late(thing: str) -> bool:
        if account.calls == 15:  # the deletion in the eighth try
            account.calls += 1
            raise refusal("InternalError")
        return real(thing)

    account.call = late  # type: ignore[method-assign]
    account.begin()
    ((_, message),) = run(account, approval).values()
    assert message.startswith("still used by wagon:theirs; at last: ")
    assert "InternalError" in message

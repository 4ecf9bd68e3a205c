"""Waiting: looks, countdown, end; all in no time with a clock of our own."""

from __future__ import annotations

import pytest

from checks.polling import PollClock, PollOutcome, PollResult, PollTick, poll_until_done


class Time:
    """A clock that goes forward only when somebody sleeps."""

    def __init__(self) -> None:
        self.now = 100.0
        self.slept = 0

    def sleep(self, seconds: float) -> None:
        self.now += seconds
        self.slept += 1

    @property
    def clock(self) -> PollClock:
        return PollClock(now=lambda: self.now, sleep=self.sleep)


GOING = PollResult(PollOutcome.PENDING, "not yet", "PENDING")
DONE = PollResult(PollOutcome.DONE, "there", "APPROVED")


def run(sights, *, poll=10.0, limit=100.0, **more):
    time, said = Time(), []
    left = iter(sights)

    def look() -> PollResult:
        sight = next(left)
        if isinstance(sight, BaseException):
            raise sight
        return sight

    ended = poll_until_done(look, interval=poll, timeout=limit, on_tick=said.append, clock=time.clock, **more)
    return ended, said, time


def test_it_ends_with_the_look_that_says_done():
    ended, said, _ = run([GOING, GOING, DONE])
    assert (ended.outcome, ended.poll_count, ended.elapsed) == (PollOutcome.DONE, 3, 20.0)
    assert said[-1] == PollTick(DONE, 20.0, 0.0, True, 3)


def test_the_countdown_is_said_every_second():
    _, said, _ = run([GOING, DONE], poll=3.0)
    assert [(moment.next_poll_in, moment.is_poll) for moment in said] == [
        (3.0, True),
        (2.0, False),
        (1.0, False),
        (0.0, True),
    ]


def test_done_at_the_first_look_never_sleeps():
    _, _, time = run([DONE])
    assert time.slept == 0


def test_a_failure_ends_it():
    assert run([GOING, PollResult(PollOutcome.FAILED, "refused")])[0].outcome is PollOutcome.FAILED


def test_it_ends_at_the_limit_with_a_last_look():
    ended, _, _ = run([GOING] * 50, poll=30.0, limit=70.0)
    assert (ended.outcome, ended.elapsed, ended.poll_count) == (PollOutcome.TIMEOUT, 70.0, 4)


def test_a_last_look_that_succeeds_at_the_limit_counts():
    assert run([GOING, DONE], poll=500.0, limit=70.0)[0].outcome is PollOutcome.DONE


def test_trouble_that_passes_is_waited_out_and_said():
    ended, said, _ = run(
        [GOING, ConnectionError("gone"), DONE], explain_transient=lambda error: f"No network: {error}."
    )
    assert ended.outcome is PollOutcome.DONE
    assert any(moment.result.text == "No network: gone. Waiting goes on." for moment in said)
    assert all(moment.result.status == "PENDING" for moment in said[:-1])


def test_other_trouble_is_raised():
    with pytest.raises(PermissionError):
        run([GOING, PermissionError()], explain_transient=lambda error: None)


def test_an_interrupt_goes_through():
    with pytest.raises(KeyboardInterrupt):
        run([GOING, KeyboardInterrupt()], explain_transient=lambda error: "never")


def test_a_poll_of_zero_does_not_spin():
    _, _, time = run([GOING, GOING, DONE], poll=0.0)
    assert time.now > 100.1

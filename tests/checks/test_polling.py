"""Waiting: looks, countdown, end; all in no time with a clock of our own."""

from __future__ import annotations

import pytest

from checks.polling import Clock, Moment, Sight, Verdict, wait


class Time:
    """A clock that goes forward only when somebody sleeps."""

    def __init__(self) -> None:
        self.now = 100.0
        self.slept = 0

    def sleep(self, seconds: float) -> None:
        self.now += seconds
        self.slept += 1

    @property
    def clock(self) -> Clock:
        return Clock(now=lambda: self.now, sleep=self.sleep)


GOING = Sight(Verdict.GOING, "not yet", "PENDING")
DONE = Sight(Verdict.DONE, "there", "APPROVED")


def run(sights, *, poll=10.0, limit=100.0, **more):
    time, said = Time(), []
    left = iter(sights)

    def look() -> Sight:
        sight = next(left)
        if isinstance(sight, BaseException):
            raise sight
        return sight

    ended = wait(look, poll=poll, limit=limit, say=said.append, clock=time.clock, **more)
    return ended, said, time


def test_it_ends_with_the_look_that_says_done():
    ended, said, _ = run([GOING, GOING, DONE])
    assert (ended.verdict, ended.looks, ended.elapsed) == (Verdict.DONE, 3, 20.0)
    assert said[-1] == Moment(DONE, 20.0, 0.0, True, 3)


def test_the_countdown_is_said_every_second():
    _, said, _ = run([GOING, DONE], poll=3.0)
    assert [(moment.next_poll_in, moment.looked) for moment in said] == [
        (3.0, True),
        (2.0, False),
        (1.0, False),
        (0.0, True),
    ]


def test_done_at_the_first_look_never_sleeps():
    _, _, time = run([DONE])
    assert time.slept == 0


def test_a_failure_ends_it():
    assert run([GOING, Sight(Verdict.FAILED, "refused")])[0].verdict is Verdict.FAILED


def test_it_ends_at_the_limit_with_a_last_look():
    ended, _, _ = run([GOING] * 50, poll=30.0, limit=70.0)
    assert (ended.verdict, ended.elapsed, ended.looks) == (Verdict.TIMEOUT, 70.0, 4)


def test_a_last_look_that_succeeds_at_the_limit_counts():
    assert run([GOING, DONE], poll=500.0, limit=70.0)[0].verdict is Verdict.DONE


def test_trouble_that_passes_is_waited_out_and_said():
    ended, said, _ = run(
        [GOING, ConnectionError("gone"), DONE], passing=lambda error: f"No network: {error}."
    )
    assert ended.verdict is Verdict.DONE
    assert any(moment.sight.text == "No network: gone. Waiting goes on." for moment in said)
    assert all(moment.sight.status == "PENDING" for moment in said[:-1])


def test_other_trouble_is_raised():
    with pytest.raises(PermissionError):
        run([GOING, PermissionError()], passing=lambda error: None)


def test_an_interrupt_goes_through():
    with pytest.raises(KeyboardInterrupt):
        run([GOING, KeyboardInterrupt()], passing=lambda error: "never")


def test_a_poll_of_zero_does_not_spin():
    _, _, time = run([GOING, GOING, DONE], poll=0.0)
    assert time.now > 100.1

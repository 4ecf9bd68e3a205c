"""A length of time in words."""

from __future__ import annotations

import pytest

from checks.duration import format_duration, format_rough_duration, format_stopwatch


@pytest.mark.parametrize(
    ("seconds", "said", "with_tenths"),
    [
        (0, "0 s", "0.0 s"),
        (0.84, "1 s", "0.8 s"),
        (42, "42 s", "42 s"),
        (59.7, "1 min", "1 min"),
        (60, "1 min", "1 min"),
        (250, "4 min 10 s", "4 min 10 s"),
        (3599.8, "1 h 0 min", "1 h 0 min"),
        (3900, "1 h 5 min", "1 h 5 min"),
    ],
)
def test_a_length_of_time_is_written_as_people_write_it(seconds: float, said: str, with_tenths: str) -> None:
    assert format_duration(seconds) == said
    assert format_duration(seconds, tenths=True) == with_tenths


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(0, "0.0 s"), (0.84, "0.8 s"), (42, "42 s"), (60, "1:00"), (187, "3:07"), (3750, "1:02:30")],
)
def test_what_runs_is_told_as_a_stopwatch_shows_it(seconds: float, said: str) -> None:
    assert format_stopwatch(seconds) == said


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(5, "less than a minute"), (2700, "45 min"), (12_000, "3 h 20 min"), (200_000, "2 d 7 h")],
)
def test_where_no_second_matters_none_is_told(seconds: float, said: str) -> None:
    assert format_rough_duration(seconds) == said


def test_between_two_moments_of_a_clock_that_was_set_back_there_is_nothing() -> None:
    assert format_duration(-7_200.0) == "0 s"
    assert format_duration(-7_200.0, tenths=True) == format_stopwatch(-7_200.0) == "0.0 s"
    assert format_rough_duration(-7_200.0) == "less than a minute"

"""The line of keys stays small in a session of hours, and still says which keys are valid."""

from __future__ import annotations

import gc

from textual.pilot import Pilot
from textual.widgets._footer import FooterKey

from screens.main.screen import MainScreen


def keys_alive() -> int:
    gc.collect()
    return sum(isinstance(made, FooterKey) for made in gc.get_objects())


async def test_keys_that_are_not_shown_any_more_are_let_go(pilot: Pilot[int], screen: MainScreen) -> None:
    await pilot.press("1")
    await pilot.pause()
    before = keys_alive()
    for _ in range(5):
        for step in "21":  # another finding: other keys
            await pilot.press(step)
            screen.refresh_bindings()
            await pilot.pause()
    shown = len(screen.query(FooterKey))
    assert shown > 5
    assert keys_alive() <= before + shown


async def test_the_same_keys_are_not_made_again(pilot: Pilot[int], screen: MainScreen) -> None:
    await pilot.pause()
    before = list(screen.query(FooterKey))
    screen.refresh_bindings()
    await pilot.pause()
    await pilot.pause()
    after = list(screen.query(FooterKey))
    assert before
    assert len(before) == len(after)
    assert all(one is other for one, other in zip(before, after, strict=True))

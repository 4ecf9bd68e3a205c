"""The screens beside the frame: guide, sessions, review, help, the palette, the themes."""

from __future__ import annotations

import pytest
from support.tui import Bench
from textual.content import Content
from textual.pilot import Pilot
from textual.widgets import Input, OptionList, Static, TextArea

from ecotui.app import EcotuiApp
from screens.actions import key_rows
from screens.dialogs import KeysDialog
from screens.guide.browser import GuideScreen
from screens.guide.paste import PasteScreen
from screens.main.screen import MainScreen
from screens.style.themes import THEMES, initial_theme


async def test_the_guide_opens_at_the_findings_entry_and_escape_returns_to_the_step(
    bench: Bench, app: EcotuiApp, pilot: Pilot[int], screen: MainScreen
) -> None:
    await pilot.press("2", "g")
    await bench.until(pilot, lambda: isinstance(app.screen, GuideScreen) and app.screen.entry is not None)
    guide = app.screen
    assert isinstance(guide, GuideScreen)
    assert guide.entry is not None
    await bench.until(pilot, lambda: guide.entry is not None and guide.entry.id == "3.1")
    assert "3.1" in bench.text(pilot)
    await pilot.press("escape")
    await pilot.pause()
    assert app.screen is screen
    assert screen.current_step == "quota"


async def test_the_whole_guide_opens_with_its_first_entry(bench: Bench, app: EcotuiApp, pilot: Pilot[int]) -> None:
    await bench.settled(pilot)
    await pilot.press("G")
    await bench.until(pilot, lambda: isinstance(app.screen, GuideScreen) and app.screen.entry is not None)
    guide = app.screen
    assert isinstance(guide, GuideScreen)
    chapters = {entry.chapter for entry in guide.library.entries if not entry.chapter.endswith(entry.title)}
    count = guide.query_one("#entries", OptionList).option_count
    assert count == len(guide.library.entries) + len(chapters) > 10


async def test_the_guide_is_searched_as_one_types(bench: Bench, app: EcotuiApp, pilot: Pilot[int]) -> None:
    await bench.settled(pilot)
    await pilot.press("G")
    await bench.until(pilot, lambda: isinstance(app.screen, GuideScreen))
    guide = app.screen
    assert isinstance(guide, GuideScreen)
    await bench.until(pilot, lambda: guide.entry is not None)
    # Where the words stand is shown with the entry.
    await pilot.press("slash", *"ㅈㅅㄱ edge")
    await bench.until(pilot, lambda: "1 for ㅈㅅㄱ edge" in bench.text(pilot), "the hits")
    await bench.until(pilot, lambda: "Line 6" in bench.text(pilot), "the place")
    # Another width breaks the lines of the list anew.
    for columns, room in ((80, 74), (120, 38)):
        await pilot.resize_terminal(columns, 36)
        await pilot.pause()
        rows = [one.prompt for one in guide.query_one("#entries", OptionList).options]
        widest = max(line.cell_length for row in rows if isinstance(row, Content) for line in row.split())
        assert room - 20 < widest <= room
    guide.query_one("#guide-search", Input).value = ""
    await pilot.press(*"VcpuLimitExceeded")
    entries = guide.query_one("#entries", OptionList)
    await bench.until(pilot, lambda: 0 < entries.option_count < len(guide.library.entries), "the hits")
    await bench.until(pilot, lambda: guide.entry is not None and guide.entry.id == "3.1", "the entry")
    # A letter that is a key elsewhere is a letter here.
    assert guide.query_one("#guide-search", Input).value == "VcpuLimitExceeded"
    # Out of the box, out of the search, out of the guide.
    await pilot.press("escape", "escape")
    await pilot.pause()
    assert app.screen is guide
    assert guide.query_one("#guide-search", Input).value == ""
    # The whole guide is there again, and what was found stays open.
    await bench.until(pilot, lambda: entries.option_count > len(guide.library.entries), "the whole guide")
    await pilot.pause()
    assert guide.entry is not None
    assert guide.entry.id == "3.1"
    await pilot.press("escape")
    await pilot.pause()
    assert isinstance(app.screen, MainScreen)


async def test_a_search_that_finds_nothing_says_so(bench: Bench, app: EcotuiApp, pilot: Pilot[int]) -> None:
    await bench.settled(pilot)
    await pilot.press("G")
    await bench.until(pilot, lambda: isinstance(app.screen, GuideScreen))
    await pilot.press("slash", *"zzqqzzqq")
    await bench.until(pilot, lambda: "Nothing found" in bench.text(pilot))


async def test_a_pasted_error_is_explained(bench: Bench, app: EcotuiApp, pilot: Pilot[int]) -> None:
    await bench.settled(pilot)
    await pilot.press("G")
    await bench.until(pilot, lambda: isinstance(app.screen, GuideScreen))
    guide = app.screen
    assert isinstance(guide, GuideScreen)
    await pilot.press("p")
    await bench.until(pilot, lambda: isinstance(app.screen, PasteScreen))
    app.screen.query_one(TextArea).text = (
        "│ Error: creating EC2 Instance: VcpuLimitExceeded: You have requested more vCPU capacity than your "
        "current vCPU limit of 16 allows"
    )
    await pilot.press("f2")
    found = app.screen.query_one("#paste-matches", OptionList)
    await bench.until(pilot, lambda: found.option_count and found.has_focus)
    assert "by “VcpuLimitExceeded”" in bench.text(pilot)
    await pilot.press("enter")
    await bench.until(pilot, lambda: app.screen is guide and guide.entry is not None and guide.entry.id == "3.1")
    assert "Entries that explain this error" in bench.text(pilot)


async def test_a_pasted_error_that_the_guide_does_not_know_is_admitted(
    bench: Bench, app: EcotuiApp, pilot: Pilot[int]
) -> None:
    await bench.settled(pilot)
    await pilot.press("G")
    await bench.until(pilot, lambda: isinstance(app.screen, GuideScreen))
    await pilot.press("p")
    await bench.until(pilot, lambda: isinstance(app.screen, PasteScreen))
    app.screen.query_one(TextArea).text = "The printer on the third floor is out of paper"
    await pilot.press("f2")
    await bench.until(pilot, lambda: "The guide has nothing about this" in bench.text(pilot))
    await pilot.press("enter")
    await bench.until(pilot, lambda: "go on with this entry" in bench.text(pilot))
    guide = app.screen
    assert isinstance(guide, GuideScreen)
    await bench.until(pilot, lambda: guide.entry is not None and guide.entry.id == "7.3")
    assert "out of paper" in bench.text(pilot)


async def test_the_other_language_of_an_entry_is_a_key_away(bench: Bench, app: EcotuiApp, pilot: Pilot[int]) -> None:
    await bench.settled(pilot)
    await pilot.press("2", "g")
    await bench.until(pilot, lambda: isinstance(app.screen, GuideScreen) and app.screen.entry is not None)
    guide = app.screen
    assert isinstance(guide, GuideScreen)
    before = guide.entry
    await pilot.press("v")
    await pilot.pause()
    assert guide.entry is not None
    assert before is not None
    assert guide.entry.id == before.id
    assert guide.entry.text != before.text


@pytest.mark.parametrize("pilot", [(120, 50)], indirect=True)
async def test_help_names_every_key(app: EcotuiApp, pilot: Pilot[int], screen: MainScreen) -> None:
    await pilot.press("question_mark")
    await pilot.pause()
    assert isinstance(app.screen, KeysDialog)
    shown = str(app.screen.query_one(Static).content)
    for where in ("main", "step", "apply", "cleanup", "app"):
        for keys, _ in key_rows(where):
            assert keys in shown
    await pilot.press("question_mark")
    await pilot.pause()
    assert app.screen is screen


async def test_the_palette_offers_what_can_be_done_here(app: EcotuiApp, pilot: Pilot[int], screen: MainScreen) -> None:
    await pilot.press("2")
    await pilot.pause()
    titles = [command.title for command in app.get_system_commands(screen)]
    assert {"Theme", "Quit", "Fix", "Override", "Guide", "Next", "Sessions", "Help"} <= set(titles)
    assert not {"Up", "Down", "Page up", "First"} & set(titles)


async def test_t_goes_through_all_themes_and_everything_is_drawn_in_each(
    bench: Bench, app: EcotuiApp, pilot: Pilot[int]
) -> None:
    await bench.settled(pilot)
    seen = [app.theme]
    for _ in THEMES:
        await pilot.press("t")
        await pilot.pause()
        seen.append(app.theme)
        assert "16 allowed" in bench.text(pilot)
    assert seen[0] == seen[-1]
    assert set(seen) == {theme.name for theme in THEMES}


@pytest.mark.parametrize(
    ("env", "theme"),
    [
        ({}, "ecotui-dark"),
        ({"ECOTUI_THEME": "light"}, "ecotui-light"),
        ({"ECOTUI_THEME": "ansi"}, "ansi-dark"),
        ({"ECOTUI_THEME": "nonsense"}, "ecotui-dark"),
        ({"COLORFGBG": "0;15"}, "ecotui-light"),
        ({"COLORFGBG": "15;0"}, "ecotui-dark"),
        ({"COLORFGBG": "12;8"}, "ecotui-dark"),
        ({"COLORFGBG": "0;default;15"}, "ecotui-light"),
        ({"COLORFGBG": "junk"}, "ecotui-dark"),
        ({"ECOTUI_THEME": "dark", "COLORFGBG": "0;15"}, "ecotui-dark"),
    ],
)
def test_the_first_theme_fits_the_terminal(env: dict[str, str], theme: str) -> None:
    assert initial_theme(env) == theme

"""Fixtures that the whole suite shares; each subject has its own module."""

import os
import signal
from pathlib import Path
from typing import Any

import pytest

# Read by Textual when it is imported, here and in what tests start: a program that nobody watches need not paint often.
os.environ.setdefault("TEXTUAL_FPS", "20")
# Go collects its garbage less often: a plan with the AWS provider takes a fifth less of the processor.
os.environ.setdefault("GOGC", "800")

from textual._compositor import Compositor

TESTS = Path(__file__).parent
pytest_plugins = ["support.aws", "support.cleanup", "support.terraform", "support.tui"]

_render_update = Compositor.render_update


def _when_looked_at(self: Compositor, full: bool = False, **more: Any) -> Any:
    if full:
        return _render_update(self, full, **more)
    self._dirty_regions.clear()
    return None


@pytest.fixture(autouse=True)
def _drawn_when_looked_at(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a terminal, what is drawn is thrown away, and to draw it is half of the work of a test of a screen.

    What a test looks at is drawn all the same: the text of a screen by `render_strips`, a picture in full and with all that
    was drawn before it. A program in a real terminal is another process, and draws as always.
    """
    if "snap_compare" not in request.fixturenames and not request.node.get_closest_marker("drawn"):
        monkeypatch.setattr(Compositor, "render_update", _when_looked_at)


if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # A shell without job control starts what it sends to the background with Ctrl-C ignored, and children inherit that.
    signal.signal(signal.SIGINT, signal.default_int_handler)


LONGEST = (
    "auto",
    "forecast",
    "apply",
    "screens/sessions/test_sessions",
    "screens/steps/test_panel",
    "screens/test_fix_runner",
    "ecotui/demo/test_fake_terraform",
    "screens/main/test_commands",
    "screens/guide/test_runbook",
    "screens/test_snapshots",
    "contracts/test_wheel",
)
"""Groups, or files, that take half a minute and more. Begun last, one of them would keep all other workers waiting."""


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """A file stays on one worker, for the servers that its tests share; what takes longest begins first."""

    def file(item: pytest.Item) -> str:
        return item.path.relative_to(TESTS).with_suffix("").as_posix()

    def group(item: pytest.Item) -> str:
        mark = item.get_closest_marker("xdist_group")
        return str(mark.args[0]) if mark else file(item)

    places = {name: place for place, name in enumerate(LONGEST)}
    for item in items:
        if item.get_closest_marker("xdist_group") is None:
            item.add_marker(pytest.mark.xdist_group(file(item)))
    items.sort(key=lambda item: places.get(group(item), len(places)))


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """What a test measured, and recorded with `record_property("measured", ...)`: a green dot says too little."""
    told = [
        value
        for reports in terminalreporter.stats.values()
        for report in reports
        for name, value in getattr(report, "user_properties", ())
        if name == "measured"
    ]
    if told:
        terminalreporter.section("measured")
        for line in dict.fromkeys(told):  # the reports of its setup and its end carry the same
            terminalreporter.write_line(line)

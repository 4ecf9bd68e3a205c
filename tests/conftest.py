"""Fixtures that the whole suite shares; each subject has its own module."""

import os
import signal
from typing import Any

# Read by Textual when it is imported: nobody watches, and drawing is most of what a test of a screen does.
os.environ.setdefault("TEXTUAL_FPS", "20")

pytest_plugins = ["fixtures_aws", "fixtures_cleanup", "fixtures_terraform", "fixtures_tui"]

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # A shell without job control starts what it sends to the background with Ctrl-C ignored, and children inherit that.
    signal.signal(signal.SIGINT, signal.default_int_handler)


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

"""Fixtures that the whole suite shares; each subject has its own module."""

import os
import signal

# Read by Textual when it is imported: nobody watches, and drawing is most of what a test of a screen does.
os.environ.setdefault("TEXTUAL_FPS", "20")

pytest_plugins = ["fixtures_aws", "fixtures_cleanup", "fixtures_tui"]

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # A shell without job control starts what it sends to the background with Ctrl-C ignored, and children inherit that.
    signal.signal(signal.SIGINT, signal.default_int_handler)

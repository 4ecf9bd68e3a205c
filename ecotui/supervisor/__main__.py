"""The supervisor: a small process that owns one command, keeps its output, and records its end.

`python -m ecotui.supervisor`, with its task as JSON on the standard input (`launch`). It has a process session of its
own, ignores the hang-up of any terminal, and passes an interrupt on exactly once.
"""

from __future__ import annotations

import json
import os
import sys


def main() -> int:
    """Read the task, fork into the background, run the command. The first process ends at once with 0."""
    task = json.loads(sys.stdin.buffer.read().decode("utf-8", "surrogateescape"))
    from ecotui.supervisor.process import Supervisor

    supervisor = Supervisor(task)
    if os.fork():
        # Without the exit handlers: they belong to the process that goes on.
        os._exit(0)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    supervisor.run()
    return 0


sys.exit(main())

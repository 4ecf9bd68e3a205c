"""Commands that outlive the terminal: start one, follow it, interrupt it, find it again.

The names are loaded when they are asked for: the supervisor's own process is this package too, and stays small.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ecotui.supervisor.commands import Command, Status, interrupt, load, running, settle, status
    from ecotui.supervisor.launch import start
    from ecotui.supervisor.tail import Tail

__all__ = ["Command", "Status", "Tail", "interrupt", "load", "running", "settle", "start", "status"]

_HOMES = {"start": "launch", "Tail": "tail"}


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(name)
    import importlib

    return getattr(importlib.import_module(f"ecotui.supervisor.{_HOMES.get(name, 'commands')}"), name)

"""Commands that outlive the terminal: start one, follow it, interrupt it, find it again.

The names are loaded when they are asked for: the supervisor's own process is this package too, and stays small.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ecotui.supervisor.commands import (
        Command,
        CommandStatus,
        list_running_commands,
        read_command,
        read_command_status,
        record_lost_commands,
        send_interrupt,
    )
    from ecotui.supervisor.launch import start_command
    from ecotui.supervisor.tail import Tail

__all__ = [
    "Command",
    "CommandStatus",
    "Tail",
    "list_running_commands",
    "read_command",
    "read_command_status",
    "record_lost_commands",
    "send_interrupt",
    "start_command",
]

_HOMES = {"start_command": "launch", "Tail": "tail"}


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(name)
    import importlib

    return getattr(importlib.import_module(f"ecotui.supervisor.{_HOMES.get(name, 'commands')}"), name)

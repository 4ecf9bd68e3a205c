"""The exit codes of all commands: a public contract."""

from checks.finding import CheckState

OK = 0
ERROR = 1
USAGE = 2
"""A usage error, or settings that cannot be used."""
BLOCKED = 3
"""A finding blocks, or something could not be checked."""
WARNINGS = 4
INTERRUPTED = 130


def exit_code_for(state: CheckState) -> int:
    """The exit code for the worst state found. What could not be checked is never a success."""
    return {CheckState.BLOCKED: BLOCKED, CheckState.UNKNOWN: BLOCKED, CheckState.WARN: WARNINGS}.get(state, OK)

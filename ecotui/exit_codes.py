"""Exit codes: a public contract."""

from checks.finding import CheckState

OK = 0
ERROR = 1
USAGE = 2
"""Wrong words on the command line, or settings that cannot be used."""
BLOCKED = 3
"""Something is in the way, or could not be looked at."""
WARNINGS = 4
INTERRUPTED = 130


def exit_code_for(state: CheckState) -> int:
    """The exit code for the worst state found. What could not be looked at is never a success."""
    return {CheckState.BLOCKED: BLOCKED, CheckState.UNKNOWN: BLOCKED, CheckState.WARN: WARNINGS}.get(state, OK)

"""The session log: typed events in a hash chain, a summary for listing, a lock with a name on it.

The typed half (`events`, `log`, `store`) needs msgspec; `chain` and `files` do not, so that the supervisor stays small.
"""


class SessionError(Exception):
    """The session's folder cannot be used. The message is plain words for the operator."""

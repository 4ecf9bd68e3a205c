"""One session on disk: typed events in a hash chain, a summary, an index of all sessions, and the project's lock.

`events`, `log` and `store` need msgspec; `hash_chain` and `private_files` do not, so that the supervisor stays small.
"""


class SessionError(Exception):
    """The session's folder cannot be used. The message is for the operator."""

"""The right to write, as both backends offer it: a file on this machine, and a lease in S3 between machines."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass


@dataclass(frozen=True)
class HandoffRequest:
    """Somebody asks the holder to release a lock."""

    id: str
    by: str
    """In words: hana@bastion on pts/7 from 203.0.113.7."""
    pid: int = 0
    """On this machine; 0 where it is another one."""


class WriterLock(ABC):
    """Held by one writer. Nothing is taken by force: who does not answer a request stays the holder."""

    @property
    @abstractmethod
    def is_held(self) -> bool:
        """Whether we have it, as far as we know."""

    @property
    @abstractmethod
    def holder_text(self) -> str:
        """Who has it, in words; empty when it is ours, or nobody is known."""

    @abstractmethod
    def acquire(self) -> bool:
        """Take it where it is free; True when we have it. Raises SessionError."""

    @abstractmethod
    def refusal_reason(self, *, overridden: bool = False) -> str:
        """Why nothing may be changed now; empty when it may. `overridden`: the operator accepts that the lock is unknown."""

    @abstractmethod
    def request_handoff(self, requester: str) -> None:
        """Ask the holder to release it. Raises SessionError."""

    @abstractmethod
    def read_answer(self) -> bool | None:
        """The holder's answer to our request; None while there is none. An answer is given once."""

    @abstractmethod
    def incoming_request(self) -> HandoffRequest | None:
        """Who asks us to release it."""

    @abstractmethod
    def answer_handoff(self, request: HandoffRequest, *, granted: bool) -> None:
        """Answer a request; when it is granted, the lock is released. Raises SessionError."""

    @abstractmethod
    def release(self) -> None:
        """We need it no longer. More than once is no error."""

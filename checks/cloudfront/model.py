"""The table of the CloudFront step. Imports nothing heavy."""

from __future__ import annotations

from checks.finding import CheckState, FrozenStruct

DEPLOYED_STATUS = "Deployed"


class DistributionRow(FrozenStruct, frozen=True):
    """One distribution of the project."""

    id: str
    name: str
    """Its first alias, else its comment, else its address."""
    domain: str
    aliases: tuple[str, ...] = ()
    status: str = ""
    enabled: bool = True
    changed: float = 0.0
    """When it was last changed: seconds since the epoch."""
    elapsed: float = 0.0
    """Seconds from the last change to the check; matters while it is InProgress."""
    state: CheckState = CheckState.UNKNOWN
    managed: bool | None = None
    """In terraform's state; None when the state could not be read."""
    why: str = ""
    """Why it is taken for the project's."""

    @property
    def is_deployed(self) -> bool:
        return self.status == DEPLOYED_STATUS

    @property
    def is_leftover(self) -> bool:
        """Certainly not in terraform's state, and not being deployed: of an earlier deployment."""
        return self.managed is False and (self.is_deployed or not self.enabled)


class CloudFrontDetail(FrozenStruct, frozen=True):
    """All that the check read, in `Report.detail`."""

    rows: tuple[DistributionRow, ...] = ()
    normal_minutes: tuple[int, int] = (5, 15)
    state_unread: str = ""
    """Why terraform's state could not be read; empty when it was."""

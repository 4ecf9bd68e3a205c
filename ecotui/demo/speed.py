"""How fast the world's waits go by: the quota approval, CloudFront's deployment, nodes joining."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class DemoTimings:
    """The lengths of the demo's waits, in seconds at normal speed; `speed` divides all of them."""

    speed: float = 1.0
    quota_approval: float = 20.0
    """From a quota increase request to its approval; at AWS 15 minutes to 2 hours."""
    quota_case_opened: float = 5.0
    """From a quota increase request to its support case (CASE_OPENED)."""
    distribution_deployment: float = 60.0
    """How long a distribution stays InProgress after a change; at AWS 5 to 15 minutes."""
    certificate_issuance: float = 3.0
    """From the request of a certificate to ISSUED; at AWS some minutes after the DNS record is there."""
    master_join: float = 40.0
    """From a master's instance running to its node being Ready."""
    node_join: float = 50.0
    """The same for the other nodes, which join only after the master."""

    def scale(self, seconds: float) -> float:
        return seconds / self.speed

"""Whether an earlier session made a resource: what `World.made` remembers, as a proof of whose it is.

A session tells terraform's type and id. That is proof where the id is one that AWS gives once (`vpc-0123…`, an ARN that
ends in one); where it is a name that a person gave, a resource of that name may be a later one of somebody else's, and
only its creation date tells.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from checks.cleanup.model import AwsResource
from checks.context import CreatedResource

CLOCK_TOLERANCE_SECONDS = 300.0
"""Seconds by which the clocks of AWS and of the operator's machine may differ."""
_UNIQUE_ID = re.compile(
    r"(?:^|[/:])(?:[a-z]+(?:-[a-z]+)*-[0-9a-f]{8,}|[EZ][A-Z0-9]{9,}|[0-9a-f]{16,}|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})$"
)
"""`i-0abc…`, `eipalloc-…`, `E2ABC…` and `Z0ABC…` (CloudFront, Route53), the end of a load balancer's or a certificate's ARN."""


def find_session_proof(resource: AwsResource, runs: Iterable[CreatedResource]) -> tuple[bool, str]:
    """Whether one of these runs made this very resource, and that in words."""
    if any(_UNIQUE_ID.search(id) for id in (resource.id, resource.arn) if id):
        return True, "created by an earlier session"
    if resource.created_at is None:
        return False, "an earlier session created one of this name; AWS does not tell whether it is this one"
    if any(
        one.create_started - CLOCK_TOLERANCE_SECONDS <= resource.created_at <= one.run_ended + CLOCK_TOLERANCE_SECONDS
        for one in runs
    ):
        return True, "created by an earlier session"
    return False, "an earlier session created one of this name, but at another time"

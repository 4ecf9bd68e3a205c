"""Names that AWS refuses to give twice: one `Kind` a terraform type, each with one small function that looks.

To add a type: write `find` in the module of its service and put a `Kind` into that module's `KINDS`.
`find` gets the planned values and returns what already has the name, or None. It may raise botocore's errors:
the forecast turns them into something unknown that names the action.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from checks.apply.plan import Planned

if TYPE_CHECKING:
    from checks.aws import Aws


@dataclass(frozen=True)
class Existing:
    """What already has the name."""

    id: str
    """Its id or ARN, for people."""
    import_id: str
    """What `terraform import` takes for it; empty when it cannot be imported."""
    ours: bool = True
    """False when it belongs to another account: it can be neither adopted nor deleted."""
    name: str = ""
    """The name that collides, where it is not the planned attribute itself: one of several aliases."""


@dataclass(frozen=True)
class Question:
    """One planned resource, and where to look."""

    aws: Aws
    planned: Planned
    name: str
    """The known name."""

    def client(self, service: str) -> Any:
        return self.aws.client(service, self.planned.region or None)

    def items(self, service: str, operation: str, key: str, **words: Any) -> list[Any]:
        return list(self.aws.paginate(service, operation, key, region=self.planned.region or None, **words))


@dataclass(frozen=True)
class Kind:
    type: str
    find: Callable[[Question], Existing | None]
    action: str
    """The IAM action that the look needs."""
    service: str
    """The client that it uses, made beforehand: clients made in parallel threads are slower."""
    attribute: str = "name"
    """The attribute that holds the name."""
    guide: tuple[str, ...] = ()
    worldwide: bool = False
    """The name is unique in the account (or in the world), not in a region."""
    applies: Callable[[Planned], bool] | None = None
    """False for a resource that AWS would not refuse: a parameter that may be overwritten."""
    fold: bool = False
    """Names that differ only in case collide too (IAM)."""


def code_of(error: BaseException) -> str:
    """AWS's code of a botocore ClientError; empty for anything else."""
    response = getattr(error, "response", None)
    return str(response.get("Error", {}).get("Code", "")) if isinstance(response, dict) else ""


def absent(error: BaseException, *codes: str) -> bool:
    """Whether the error says that there is no such thing."""
    return code_of(error) in codes


def all_kinds() -> dict[str, Kind]:
    """Every kind by its terraform type."""
    from checks.apply.collisions import compute, delivery, identity, storage

    return {kind.type: kind for module in (identity, compute, storage, delivery) for kind in module.KINDS}


CANNOT_COLLIDE = frozenset(
    {
        "aws_acm_certificate",
        "aws_acm_certificate_validation",
        "aws_cloudfront_origin_access_identity",
        "aws_cloudwatch_metric_alarm",
        "aws_iam_group_policy",
        "aws_iam_role_policy",
        "aws_iam_user_policy",
        "aws_iam_policy_attachment",
        "aws_instance",
        "aws_route53_zone",
        "aws_sns_topic",
        "aws_vpc_endpoint",
    }
)
"""Types with a `name` (or that look as if they had one) that AWS creates, or overwrites, without complaint."""

"""What the apply step's screen draws beyond the findings. Imports nothing heavy."""

from __future__ import annotations

from checks.finding import FrozenStruct
from checks.tools.terraform_errors import Diagnostic, StateLock


class ApplyDetail(FrozenStruct, frozen=True):
    folder: str
    initialised: bool = False
    resources: int | None = None
    """Managed resources in the state; None when it could not be read."""
    types: dict[str, int] = {}  # noqa: RUF012 - msgspec copies it for each instance
    serial: int = -1
    lock: StateLock | None = None
    pending: dict[str, int] = {}  # noqa: RUF012 - as above
    """What a plan without refreshing would do, by action."""
    diagnostics: tuple[Diagnostic, ...] = ()
    plan: str = ""
    """The saved plan that was reviewed, where there is one; its review lies beside it (`saved.read_review`)."""
    plan_sentence: str = ""
    where: str = ""
    """`account 123456789012, ap-northeast-2`, of that plan."""
    losses: int = 0
    """How many things that hold data that plan destroys or replaces."""
    gone: tuple[str, ...] = ()
    """`replace aws_iam_policy.p`: all that it destroys or replaces."""
    forecast_sentence: str = ""
    blocking: tuple[str, ...] = ()
    """Ids that have to be overridden before that plan can be applied."""
    names_in_the_way: tuple[str, ...] = ()
    """What that forecast found taken and nobody adopts: to preselect in the cleanup step (`foreseen.selection`)."""
    stale: str = ""
    """Why that plan cannot be applied any more."""

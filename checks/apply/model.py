"""What the screen of the apply step draws beyond the findings. Imports nothing heavy."""

from __future__ import annotations

import msgspec

from checks.finding import FrozenStruct
from checks.tools.terraform_errors import Diagnostic, StateLock


class ApplyDetail(FrozenStruct, frozen=True):
    """State, pending changes, and the saved plan with its forecast."""

    folder: str
    initialised: bool = False
    resources: int | None = None
    """Managed resources in the state; None when it could not be read."""
    types: dict[str, int] = msgspec.field(default_factory=dict)
    serial: int = -1
    lock: StateLock | None = None
    pending: dict[str, int] = msgspec.field(default_factory=dict)
    """What a plan without refreshing would do, by action."""
    diagnostics: tuple[Diagnostic, ...] = ()
    plan_file: str = msgspec.field(default="", name="plan")
    """The saved plan that was reviewed, where there is one; its review is beside it (`plan_store.read_review`)."""
    plan_sentence: str = ""
    target: str = msgspec.field(default="", name="where")
    """`account 123456789012, ap-northeast-2`, of that plan."""
    data_loss_count: int = msgspec.field(default=0, name="losses")
    """How many resources that hold data that plan destroys or replaces."""
    destroyed: tuple[str, ...] = msgspec.field(default=(), name="gone")
    """`replace aws_iam_policy.p`: all that it destroys or replaces."""
    forecast_sentence: str = ""
    blocking_ids: tuple[str, ...] = msgspec.field(default=(), name="blocking")
    """Ids that have to be overridden before that plan can be applied."""
    cleanup_selection: tuple[str, ...] = msgspec.field(default=(), name="names_in_the_way")
    """Resources with a taken name, for the cleanup step to preselect (`forecast.findings.cleanup_selection`)."""
    stale_reason: str = msgspec.field(default="", name="stale")
    """Why that plan cannot be applied any more; empty when it can."""

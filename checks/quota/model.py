"""The table of the quota step, and the meaning of each status of a request. Imports nothing heavy."""

from __future__ import annotations

import msgspec

from checks.finding import CheckState, FrozenStruct

REQUEST_STATUS_MEANINGS = {
    "PENDING": "sent, not yet picked up by AWS",
    "CASE_OPENED": "AWS examines it; a support case is open",
    "APPROVED": "granted",
    "DENIED": "refused by AWS",
    "CASE_CLOSED": "the support case was closed; read it, the answer may be a smaller increase or a question",
    "NOT_APPROVED": "not granted automatically; open a support case to ask again",
    "INVALID_REQUEST": "AWS could not use the request; check the value and ask again",
}
"""Every RequestStatus of the Service Quotas API (RequestedServiceQuotaChange), in plain words."""

OPEN_STATUSES = frozenset({"PENDING", "CASE_OPENED"})
"""While a request has one of these, AWS takes no second one for the same quota."""
REFUSED_STATUSES = frozenset({"DENIED", "NOT_APPROVED", "CASE_CLOSED", "INVALID_REQUEST"})


def request_status_meaning(status: str) -> str:
    """What a status of a request means."""
    return REQUEST_STATUS_MEANINGS.get(status, "a status that ecotui does not know")


def format_quantity(amount: float | None) -> str:
    """A quantity without a needless fraction; a dash where it is not known."""
    if amount is None:
        return "–"
    return str(int(amount)) if amount == int(amount) else f"{amount:g}"


class QuotaRequestRow(FrozenStruct, frozen=True):
    """An increase request."""

    id: str
    status: str
    desired: float
    created: float
    """Seconds since the epoch; 0 when AWS did not say."""
    meaning: str
    case: str = ""
    """The support case, where there is one."""

    @property
    def is_open(self) -> bool:
        return self.status in OPEN_STATUSES


class NodeGroupDemandRow(FrozenStruct, frozen=True):
    """The vCPUs that one group of nodes needs."""

    group: str
    count: int
    type: str
    vcpus: int | None = None
    """Of one node; None when EC2 does not offer the type here."""
    running: int = 0
    """Nodes of the group that run already: they count as used."""
    needed: float | None = None
    """vCPUs for the nodes that are still to come."""


class QuotaRow(FrozenStruct, frozen=True):
    """One quota: limit, use and need. None: not known."""

    code: str
    service: str
    title: str
    limit: float | None = None
    used: float | None = None
    needed: float | None = None
    left: float | None = None
    state: CheckState = CheckState.UNKNOWN
    adjustable: bool = True
    default: bool = False
    """The limit is AWS's default: the account has no value of its own."""
    requests: tuple[QuotaRequestRow, ...] = ()
    """Newest first."""
    by_group: tuple[NodeGroupDemandRow, ...] = ()


class QuotaDetail(FrozenStruct, frozen=True):
    """All that the check read, in `Report.detail`."""

    rows: tuple[QuotaRow, ...] = ()
    region: str = ""


def quota_to_json(row: QuotaRow) -> dict[str, object]:
    """A row in the shape of `ecotui.quota/1`: every key present."""
    return {name: msgspec.to_builtins(getattr(row, name)) for name in row.__struct_fields__}

"""What moto's Route53 lacks (moto 5.2).

A batch of changes is one step: of two batches that delete from one zone at the same time, the slower one brings back what
the other has deleted. And what was deleted may be created again with the value that it had: moto keeps a journal of all
changes, and takes a record that is in it for one that exists as long as any other record sorts behind it.
"""

from __future__ import annotations

import functools
import threading
from typing import Any

_change_lock = threading.RLock()


def install_route53() -> None:
    from moto.route53.models import Route53Backend

    method = Route53Backend.change_resource_record_sets
    if getattr(method, "one_step", False):
        return

    @functools.wraps(method)
    def whole(self: Any, zoneid: str, change_list: list[dict[str, Any]]) -> Any:
        with _change_lock:
            answer = method(self, zoneid, change_list)
            _drop_deleted_records(self.get_hosted_zone(zoneid).rr_changes, change_list)
            return answer

    setattr(whole, "one_step", True)  # noqa: B010 - a mark of ours on a function
    setattr(Route53Backend, "change_resource_record_sets", whole)  # noqa: B010 - mypy knows it as a method


def _drop_deleted_records(journal: list[dict[str, Any]], changes: list[dict[str, Any]]) -> None:
    """Take what was deleted out of the journal, its creation included."""
    gone = {_record_key(one) for one in changes if one["Action"] == "DELETE"}
    journal[:] = [one for one in journal if _record_key(one) not in gone]


def _record_key(change: dict[str, Any]) -> tuple[str, str, str]:
    record = change["ResourceRecordSet"]
    return str(record["Name"]).rstrip("."), str(record["Type"]), str(record.get("SetIdentifier") or "")

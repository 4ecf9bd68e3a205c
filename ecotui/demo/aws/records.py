"""What moto's Route53 lacks (moto 5.2): a batch of changes is one step. Of two batches that delete from one zone at the
same time, the slower one brings back what the other has deleted: terraform then finds a record that it destroyed."""

from __future__ import annotations

import functools
import threading
from typing import Any

_one_at_a_time = threading.RLock()


def install() -> None:
    from moto.route53.models import Route53Backend

    method = Route53Backend.change_resource_record_sets
    if getattr(method, "one_step", False):
        return

    @functools.wraps(method)
    def whole(*args: Any, **kwargs: Any) -> Any:
        with _one_at_a_time:
            return method(*args, **kwargs)

    setattr(whole, "one_step", True)  # noqa: B010 - a mark of ours on a function
    setattr(Route53Backend, "change_resource_record_sets", whole)  # noqa: B010 - mypy knows it as a method

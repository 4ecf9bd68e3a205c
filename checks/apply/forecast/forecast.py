"""The forecast: a plan joined with the live account, before anything is applied.

Collisions, quotas, protected resources and warnings are checked side by side; the values are in `forecast.model`.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from types import MappingProxyType
from typing import TYPE_CHECKING

from checks.apply.durations import DurationStats
from checks.apply.forecast.collisions.lookup import find_collisions
from checks.apply.forecast.destroy.protected import find_protected
from checks.apply.forecast.model import Forecast
from checks.apply.forecast.quotas import check_quota_needs
from checks.apply.forecast.warnings import find_warnings, recently_deleted_warnings
from checks.apply.plan.model import PlannedChange
from checks.apply.run.progress import RemainingTimeEstimate

if TYPE_CHECKING:
    from checks.context import CheckContext


def make_forecast(
    context: CheckContext,
    planned: Sequence[PlannedChange],
    *,
    dependencies: Mapping[str, Sequence[str]] = MappingProxyType({}),
    durations: DurationStats = DurationStats(),  # noqa: B008 - frozen
) -> Forecast:
    """Check the account for everything that would make this plan fail. Read-only. Raises nothing for AWS's errors.

    `dependencies` (`Plan.after`) and `durations` give the estimate of how long the apply takes.
    """
    clock = time.perf_counter()
    context.on_progress("names that the plan wants to create")
    estimate = RemainingTimeEstimate([(one.address, one.actions) for one in planned], dependencies)
    with ThreadPoolExecutor(max_workers=4, thread_name_prefix="forecast") as pool:
        pending_needs = pool.submit(check_quota_needs, context.aws, planned, context.on_progress)
        pending_warnings = pool.submit(find_warnings, context, planned, estimate.total_seconds(durations))
        pending_protected = pool.submit(find_protected, context, planned)
        pending_deleted = pool.submit(recently_deleted_warnings, context, planned)
        collisions, names_not_checked, lookups = find_collisions(context, planned)
        context.on_progress("quotas")
        needs, needs_not_checked, tight = pending_needs.result()
        warnings, warnings_not_checked = pending_warnings.result()
        protected, protected_not_checked = pending_protected.result()
        deleted, deleted_not_checked = pending_deleted.result()
    # A taken name is reported as taken only: not who had it before, nor where its record leads.
    taken = {one.address for one in collisions}
    warnings = [one for one in [*warnings, *deleted] if one.address not in taken]
    # Each once: an uncovered type, or a missing permission, concerns many resources.
    not_checked = dict.fromkeys(
        [
            *needs_not_checked,
            *names_not_checked,
            *warnings_not_checked,
            *protected_not_checked,
            *deleted_not_checked,
        ]
    )
    return Forecast(
        quotas=tuple(needs),
        collisions=tuple(collisions),
        not_checked=tuple(not_checked),
        lookup_count=lookups,
        seconds=time.perf_counter() - clock,
        warnings=tuple(dict.fromkeys([*warnings, *tight])),
        protected=tuple(protected),
    )

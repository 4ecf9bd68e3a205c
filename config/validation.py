"""Rules of the settings that concern several values: names given once, ranges, regular expressions, the guide's overlay."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from config.errors import quote_value
from config.model import SHIPPED_GUIDE, Settings

SettingProblem = tuple[str, str]
"""The dotted key, and what is wrong with its value."""


def find_setting_problems(settings: Settings) -> Iterator[SettingProblem]:
    """Everything that is wrong with settings whose values are right one by one, in the order of the model."""
    environment = settings.environment
    yield from _require_unique("environment.tools", "name", (tool.name for tool in environment.tools))
    yield from _require_unique("environment.variables", "name", (variable.name for variable in environment.variables))
    yield from _require_unique("quota.limits", "code", (limit.code for limit in settings.quota.limits))
    for key, command in (
        ("terraform.command", settings.terraform.command),
        ("kubectl.command", settings.kubectl.command),
    ):
        if not command[0].strip():
            yield key, "the command is empty"
    yield from _require_unique("nodes.groups", "name", (group.name for group in settings.nodes.groups))
    low, high = settings.cloudfront.normal_minutes
    if low >= high:
        yield "cloudfront.normal_minutes", f"expected [low, high] with low below high, got [{low}, {high}]"
    guide = settings.guide
    if guide.overlay == SHIPPED_GUIDE and SHIPPED_GUIDE in (guide.documents or (SHIPPED_GUIDE,)):
        yield "guide.overlay", f"{SHIPPED_GUIDE} has its overlay already; it is for your own version of that guide"
    for section, stages in (("rebuild", settings.rebuild.stages), ("cleanup", settings.cleanup.stages)):
        for index, stage in enumerate(stages):
            try:
                re.compile(stage)
            except re.error as error:
                yield f"{section}.stages[{index}]", f"is no regular expression: {error}"


def _require_unique(key: str, field: str, names: Iterable[str]) -> Iterator[SettingProblem]:
    first: dict[str, int] = {}
    for index, name in enumerate(names):
        if name in first:
            yield f"{key}[{index}].{field}", f"{quote_value(name)} is given twice, first in {key}[{first[name]}]"
        first.setdefault(name, index)

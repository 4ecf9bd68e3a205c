"""A finding of the environment step."""

from __future__ import annotations

from checks.finding import CheckState, Fact, Finding, Fix


def environment_finding(
    id_suffix: str,
    state: CheckState,
    title: str,
    summary: str,
    facts: tuple[Fact, ...] = (),
    fixes: tuple[Fix, ...] = (),
    guide: tuple[str, ...] = (),
    *,
    denied: tuple[str, ...] = (),
    raw: str = "",
) -> Finding:
    """`name` is the id without the step: `region`, `file.scripts/run.sh`."""
    return Finding(
        id=f"environment.{id_suffix}",
        step="environment",
        state=state,
        title=title,
        summary=summary,
        facts=facts,
        fixes=fixes,
        guide=guide,
        denied=denied,
        raw=raw,
    )

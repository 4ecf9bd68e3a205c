"""The ways out that the apply step offers: each says what it runs, and what is different afterwards."""

from __future__ import annotations

from checks.apply.detail import ApplyDetail
from checks.commands.diagnostics import Diagnostic, Lock
from checks.commands.terraform import Terraform
from checks.finding import Copy, Fix, Risk, Run, Visit


def plan_fix(*, recommended: bool) -> Fix:
    return Fix(
        id="apply.plan",
        title="Plan, and forecast what would go wrong",
        action=Run(argv=("ecotui", "plan")),
        changes="nothing in the account; the plan is saved for a review",
        risk=Risk.READS,
        recommended=recommended,
    )


def apply_fix(detail: ApplyDetail, *, anyway: bool = False) -> Fix:
    """`anyway`: with something in the way; it starts only once each of these was let pass, with a reason."""
    # Headless as well, the number has to be the plan's own: it was read, not guessed.
    losses = ("--destroy", str(detail.losses)) if detail.losses else ()
    return Fix(
        id="apply.apply",
        title="Apply it all the same, once all of this was let pass" if anyway else "Apply the reviewed plan",
        action=Run(argv=("ecotui", "apply", "--yes", "--plan", detail.plan, *losses)),
        changes=f"{detail.plan_sentence}; what is created costs money"
        + (f"; of what holds data, {detail.losses} destroyed or replaced: p shows them" if losses else ""),
        typed=f"destroy {detail.losses}" if losses else "",
        risk=Risk.DESTROYS
        if "destroy" in detail.plan_sentence or "replace" in detail.plan_sentence
        else Risk.COSTS,
        recommended=not anyway,
    )


def clear_fixes(detail: ApplyDetail) -> tuple[Fix, ...]:
    """The steps where what the forecast saw is put in order; after that a new plan looks again."""
    fixes = []
    if any(one.startswith("collision:") for one in detail.blocking):
        fixes.append(
            Fix(
                id="apply.cleanup",
                title="Go to the leftovers whose names are in the way",
                action=Visit(step="cleanup", select=detail.names_in_the_way),
                changes="nothing yet",
            )
        )
    if any(one.startswith("quota:") for one in detail.blocking):
        fixes.append(
            Fix(
                id="apply.quota",
                title="Go to the quotas that are too small",
                action=Visit(step="quota"),
                changes="nothing yet",
            )
        )
    return tuple(fixes)


def edit_fix(terraform: Terraform, one: Diagnostic) -> Fix:
    return Fix(
        id="apply.edit",
        title=f"Correct {one.place}",
        action=Copy(text=f"${{EDITOR:-vi}} +{one.line} {terraform.folder / one.filename}"),
        changes="your configuration, by hand",
        risk=Risk.CHANGES,
        recommended=True,
    )


def unlock_fixes(terraform: Terraform, lock: Lock) -> tuple[Fix, ...]:
    return (
        Fix(
            id="apply.unlock",
            title="Remove the lock, when its holder is certainly gone",
            action=Run(argv=("ecotui", "unlock", "--approve", lock.id)),
            changes="the state can be written again; two writers at once would damage it",
            risk=Risk.DESTROYS,
            typed=lock.who,
        ),
    )

"""What the last forecast found, as findings of the apply step: each thing in the way with its ways out."""

from __future__ import annotations

import shlex
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path

from checks.apply.fixes import edit_action, plan_fix
from checks.apply.forecast import delete_commands, import_blocks
from checks.apply.forecast.forecast import ADOPT, DELETE, RENAME
from checks.apply.forecast.model import Collision, Kept, QuotaNeed, Review, Unknown, Warned
from checks.finding import Copy, Fact, Finding, Fix, Risk, Run, State, Visit
from checks.sanitize import one_line

SHOWN = 40
"""Collisions that are told one by one; a plan that collides with more was made for another account."""


def foreseen(review: Review, folder: Path, env: Mapping[str, str] | None = None) -> list[Finding]:
    """The findings of a review that still holds. Their ids are `apply.` and the id that `--override` takes."""
    seen = review.forecast
    taken_in = import_blocks.written(folder)
    found = [
        _adopted(one) if one.address in taken_in else _collision(one, folder, env or {})
        for one in seen.collisions[:SHOWN]
    ]
    if len(seen.collisions) > SHOWN:
        found.append(_more(seen.collisions[SHOWN:]))
    found += [_kept(one, folder, env or {}) for one in seen.kept]
    found += [_quota(one) for one in seen.short]
    found += _unlooked(seen.unknown)
    found += _unknowable(seen.unknown)
    found += _warned(seen.warnings)
    return found


def selection(collisions: Iterable[Collision], taken_in: Collection[str] = ()) -> tuple[str, ...]:
    """What the cleanup step preselects: `kind:word`, where the word is an id, a name or an ARN of that kind.

    The kind goes with it: a role and an instance profile of one name are two things. `taken_in`: addresses that are to be
    adopted; what is to be kept is never offered for deletion.
    """
    found: dict[str, None] = {}
    for one in collisions:
        if one.address in taken_in or DELETE not in one.ways_out:
            continue
        first = one.existing.partition(" ")[0]
        # `arn:...`, `key-1`, `sg-1 in vpc-1`; a sentence begins with a word that names nothing.
        words = (first if first.startswith("arn:") or "-" in first else "", one.import_id, one.name)
        for kind in _kinds_of(one.type):
            found.update(dict.fromkeys(f"{kind}:{word}" for word in words if word))
    return tuple(found)


def _kinds_of(type_: str) -> list[str]:
    """The cleanup step's kinds of a terraform type; none when it does not look for such things."""
    from checks.cleanup.kinds import KINDS

    return [kind.id for kind in KINDS if type_ in kind.terraform]


def _collision(one: Collision, folder: Path, env: Mapping[str, str]) -> Finding:
    return Finding(
        id=f"apply.{one.id}",
        step="apply",
        state=State.BLOCKED,
        title=one.address,
        summary=f"{_what(one)} exists already{_told(one)}",
        facts=(
            Fact(label="resource", value=one.address),
            Fact(label="existing", value=one.existing),
            *((Fact(label="written", value=one.place),) if one.place else ()),
        ),
        guide=one.guide,
        fixes=tuple(_ways_out(one, folder, env)),
    )


def _what(one: Collision | Kept) -> str:
    return f"{one.type.removeprefix('aws_').replace('_', ' ')} {one.name}"


def _told(one: Collision) -> str:
    """What has the name, unless it is an ARN that says no more than the name itself."""
    return "" if one.existing.startswith("arn:") and " " not in one.existing else f": {one.existing}"


def _adopted(one: Collision) -> Finding:
    """The import block is there, and the saved plan is older: it would still make a new one."""
    return Finding(
        id=f"apply.{one.id}",
        step="apply",
        state=State.BLOCKED,
        title=one.address,
        summary=f"{_what(one)} is to be adopted ({import_blocks.FILE}): plan again, this plan knows nothing of it",
        facts=(Fact(label="existing", value=one.existing),),
        fixes=(
            plan_fix(recommended=True),
            _unadopt(one.address),
        ),
    )


def _unadopt(address: str) -> Fix:
    return Fix(
        id="apply.unadopt",
        title="Do not adopt it: take its import block away",
        action=Run(argv=("ecotui", "adopt", "--undo", address)),
        changes=f"{import_blocks.FILE} in the terraform folder; nothing in the account or the state",
        risk=Risk.CHANGES,
    )


def _ways_out(one: Collision, folder: Path, env: Mapping[str, str]) -> Iterable[Fix]:
    if ADOPT in one.ways_out and one.import_id:
        note = import_blocks.NOTES.get(one.type)
        yield Fix(
            id="apply.adopt",
            title="Adopt it: an import block, then plan again",
            action=Run(argv=("ecotui", "adopt", "--write", one.address)),
            changes=f"{import_blocks.FILE} in the terraform folder, nothing in the account{f'; {note}' if note else ''}",
            risk=Risk.CHANGES,
        )
    if DELETE in one.ways_out and (marked := selection([one])):
        yield Fix(
            id="apply.cleanup",
            title="Delete it: go to the leftovers, with this one marked",
            action=Visit(step="cleanup", select=marked),
            changes="nothing yet: there the deletion is typed",
        )
    elif DELETE in one.ways_out and (line := delete_commands.command(one)):
        yield Fix(
            id="apply.delete",
            title="Delete it by hand: copy the command",
            action=Copy(text=line),
            changes="nothing yet: where you run it, it is gone for good; cleanup looks for no such things",
            risk=Risk.DESTROYS,
        )
    if one.restore:
        yield Fix(
            id="apply.restore",
            title="Bring it back, then plan again and adopt it",
            action=Copy(text=shlex.join(one.restore)),
            changes="it is no longer marked as deleted",
            risk=Risk.CHANGES,
        )
    if RENAME in one.ways_out and one.place:
        yield _edit("apply.rename", "Give another name", one.place, folder, env)
    yield _anyway(one.id)
    yield plan_fix(recommended=False)


def _edit(id_: str, what: str, place: str, folder: Path, env: Mapping[str, str]) -> Fix:
    """Open the configuration where something is written: `place` is `file:line`."""
    path, _, line = place.rpartition(":")
    return Fix(
        id=id_,
        title=f"{what}, in {place}",
        action=edit_action(folder / path, int(line) if line.isdigit() else 1, env),
        changes="your configuration, by hand",
        risk=Risk.CHANGES,
    )


def _anyway(id_: str) -> Fix:
    return Fix(
        id="apply.anyway",
        title="Go on all the same, with a reason for the log",
        action=Copy(text=f"ecotui apply --override {shlex.quote(f'{id_}=REASON')}"),
        changes="nothing yet: the apply starts, and most likely fails at this resource",
        risk=Risk.COSTS,
    )


def _more(rest: tuple[Collision, ...]) -> Finding:
    return Finding(
        id="apply.collisions",
        step="apply",
        state=State.BLOCKED,
        title="More names that are taken",
        summary=f"{len(rest)} more names are taken: is this the account that you mean?",
        facts=tuple(Fact(label=one.address, value=one.existing) for one in rest[:200]),
        fixes=(plan_fix(recommended=False),),
    )


def _kept(one: Kept, folder: Path, env: Mapping[str, str]) -> Finding:
    adopted = one.address in import_blocks.written(folder)
    change = "Change the configuration"
    fixes = (
        *([_edit("apply.edit", change, one.place, folder, env)] if one.place else []),
        *([_unadopt(one.address)] if adopted else []),
        _anyway(one.id),
        plan_fix(recommended=False),
    )
    what = "replaced" if one.replaced else "destroyed"
    return Finding(
        id=f"apply.{one.id}",
        step="apply",
        state=State.BLOCKED,
        title=one.address,
        summary=f"{_what(one)} cannot be {what}: {one.why}",
        facts=(
            Fact(label="resource", value=one.address),
            *((Fact(label="written", value=one.place),) if one.place else ()),
            *((Fact(label="adopted", value=f"by {import_blocks.FILE}"),) if adopted else ()),
        ),
        guide=one.guide,
        fixes=fixes,
    )


def _quota(one: QuotaNeed) -> Finding:
    return Finding(
        id=f"apply.{one.id}",
        step="apply",
        state=State.BLOCKED,
        title=one.title,
        summary=one.sentence,
        guide=("3.1",) if "vCPU" in one.title else (),
        fixes=(
            Fix(
                id="apply.quota",
                title="Go to the quotas: ask for more",
                action=Visit(step="quota"),
                changes="nothing yet",
                recommended=True,
            ),
            _anyway(one.id),
            plan_fix(recommended=False),
        ),
    )


def _unlooked(unknown: Iterable[Unknown]) -> list[Finding]:
    """Looks that failed, folded by the missing permission: each names it."""
    groups: dict[tuple[str, ...], list[Unknown]] = {}
    for one in unknown:
        if one.failed:
            groups.setdefault(one.denied or (one.why,), []).append(one)
    return [
        Finding(
            id=f"apply.unlooked:{'+'.join(ones[0].denied) or one_line(ones[0].what, limit=60)}",
            step="apply",
            state=State.UNKNOWN,
            title="Not looked at",
            summary=ones[0].sentence + (f", and {len(ones) - 1} more" if len(ones) > 1 else ""),
            facts=tuple(Fact(label=one.address or one.what, value=one.what) for one in ones[:100]),
            denied=ones[0].denied,
            fixes=(plan_fix(recommended=False),),
        )
        for ones in groups.values()
    ]


def _unknowable(unknown: Iterable[Unknown]) -> list[Finding]:
    """What no look can show: one finding for all, a fact for each resource."""
    open_ = [one for one in unknown if not one.failed]
    if not open_:
        return []
    plural = "s" if len(open_) != 1 else ""
    return [
        Finding(
            id="apply.unknowable",
            step="apply",
            state=State.WARN,
            title="Not known before the apply",
            summary=f"{len(open_)} thing{plural} cannot be foreseen: {open_[0].sentence}",
            facts=tuple(
                Fact(label=one.address or one.type, value=f"{one.what}: {one.why}") for one in open_[:200]
            ),
        )
    ]


def _warned(warnings: Iterable[Warned]) -> list[Finding]:
    return [
        Finding(
            id=f"apply.warned:{one.address or one.what}",
            step="apply",
            state=State.WARN,
            title=one.what,
            summary=one.sentence,
            guide=one.guide,
        )
        for one in warnings
    ]

"""The look of the apply step: is the configuration sound, can the state be used, is anything left to apply?"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import msgspec

from checks.apply import plan_store, validate
from checks.apply.findings import CHANGES, STATE, could_not, finding, waits
from checks.apply.fixes import (
    apply_fix,
    clear_fixes,
    keep_fix,
    plan_fix,
    recover_fixes,
    script_fix,
    unfinished_fix,
    unlock_fixes,
)
from checks.apply.forecast import import_blocks
from checks.apply.forecast.model import Review
from checks.apply.forecast_findings import foreseen, selection
from checks.apply.model import ApplyDetail
from checks.apply.plan.model import Action
from checks.apply.state import errored
from checks.apply.state import lock as state_lock
from checks.apply.state import tainted as half_made
from checks.context import World
from checks.finding import Fact, Finding, Fix, Look, Report, State
from checks.sanitize import one_line, sanitize
from checks.script import check as script
from checks.tools.run import CommandError
from checks.tools.terraform import Held, Terraform, TerraformError, init_fix
from checks.tools.terraform_backend import backend
from checks.tools.terraform_errors import Lock

EMPTY = 400
"""Bytes: a local state with less than that holds no resource; terraform writes some 180 for an empty one."""


def look(world: World) -> Report:
    """Look at the configuration, the state, and what is left to apply; a few seconds, as terraform is started."""
    begun = Look("apply")
    findings, detail = _look(world)
    return begun.report([*map(_with_script(world), findings), *_foreseen(world, detail)], detail)


def _with_script(world: World) -> Callable[[Finding], Finding]:
    """Where something is left to apply, the team's own script is a way as well."""

    def add(finding: Finding) -> Finding:
        if finding.id != CHANGES or finding.state is not State.WARN:
            return finding
        found = script.look(world)
        if found.trouble or not found.argv:
            return finding
        return msgspec.structs.replace(finding, fixes=(*finding.fixes, script_fix(found)))

    return add


def _foreseen(world: World, detail: ApplyDetail) -> list[Finding]:
    """What the last plan would run into; nothing, once that plan cannot be applied any more."""
    if not detail.plan or detail.stale:
        return []
    try:
        return foreseen(plan_store.read_review(Path(detail.plan)), world.terraform_folder, world.env)
    except plan_store.NotReviewed:
        return []


def _look(world: World) -> tuple[list[Finding], ApplyDetail]:
    terraform = Terraform(world)
    folder = terraform.folder
    detail = ApplyDetail(folder=str(folder))
    trouble = validate.folder_trouble(terraform)
    if trouble:
        return [trouble, waits(STATE), waits(CHANGES)], detail

    # Side by side: the state, its lock and, where a plan would only tell that all is to be made, the validation.
    with ThreadPoolExecutor(max_workers=2, thread_name_prefix="apply") as pool:
        world.say(f"{terraform.name} state pull, and who holds the lock")
        looked_at = pool.submit(state_lock.look, world)
        validated = pool.submit(validate.validated, terraform) if _nothing_there(world) else None
        held, refused = _held(terraform)
        return _stood(world, terraform, held, refused, looked_at.result(), validated)


def _nothing_there(world: World) -> bool:
    """Whether the state probably holds no resources yet; that is known when it was read."""
    where = backend(world)
    if not where.local:
        return not plan_store.find(plan_store.default_folder(world))[
            0
        ].is_file()  # nothing was ever planned here
    try:
        return where.state_file.stat().st_size < EMPTY
    except OSError:
        return True


def _stood(
    world: World,
    terraform: Terraform,
    held: Held | None,
    refused: CommandError | None,
    sight: state_lock.Sight,
    validated: Future[Finding] | None,
) -> tuple[list[Finding], ApplyDetail]:
    """What is told, once the state was read, or could not be; `validated` is the validation that is under way."""
    folder, lock = terraform.folder, sight.lock
    if lock is None and isinstance(refused, TerraformError) and refused.lock:
        lock = state_lock.judged(refused.lock, folder, terraform.name)
    review, plan_file, stale = _review(world, held)
    detail = ApplyDetail(
        folder=str(folder),
        initialised=terraform.initialised(),
        resources=None if held is None else len(held.resources),
        types=dict(Counter(one.type for one in held.resources).most_common()) if held else {},
        serial=held.serial if held else -1,
        lock=lock,
        plan=plan_file if review else "",
        plan_sentence=review.plan.sentence if review else "",
        where=f"account {review.account}, {review.region}" if review and review.account else "",
        losses=len(review.plan.dangerous) if review else 0,
        gone=_gone(review) if review else (),
        forecast_sentence=review.forecast.sentence if review else "",
        blocking=review.forecast.blocking if review else (),
        names_in_the_way=selection(review.forecast.collisions, import_blocks.written(folder))
        if review
        else (),
        stale=stale,
    )
    state = _with_sight(_state(terraform, held, refused, lock), sight)

    if held is not None and held.resources:
        # A plan validates as well: the provider is started once, not twice.
        world.say(f"{terraform.name} plan against the state: what is left to apply")
        try:
            pending, warnings = terraform.pending(timeout=world.settings.terraform.timeout)
        except CommandError as error:
            diagnostics = error.errors if isinstance(error, TerraformError) else ()
            sound = validate.validated(terraform)
            detail = msgspec.structs.replace(detail, diagnostics=diagnostics)
            return [sound, state, _not_planned(terraform, error, sound)], detail
        detail = msgspec.structs.replace(detail, pending=pending, diagnostics=warnings)
        sound = validate.sound(terraform, warnings)
        return [sound, state, _pending(pending, held, detail)], detail

    world.say(f"{terraform.name} validate")
    sound = validated.result() if validated else validate.validated(terraform)
    if held is None:
        return [sound, state, _unread()], detail
    return [sound, state, _nothing_applied(detail)], detail


def _held(terraform: Terraform) -> tuple[Held | None, CommandError | None]:
    try:
        return terraform.state(), None
    except CommandError as error:
        return None, error


def _gone(review: Review) -> tuple[str, ...]:
    """What is lost comes first, then all else that goes."""
    going = (Action.DESTROY, Action.REPLACE)
    found = [one for one in review.plan.changes if one.action in going]
    return tuple(
        f"{one.action.value} {one.address}" for one in sorted(found, key=lambda one: not one.stateful)
    )


def _review(world: World, held: Held | None) -> tuple[Review | None, str, str]:
    place = plan_store.default_folder(world)
    try:
        review = plan_store.read_review(place)
    except plan_store.NotReviewed:
        return None, "", ""
    return review, str(plan_store.find(place)[0]), plan_store.stale(world, place, review, held)


def _state(
    terraform: Terraform, held: Held | None, refused: CommandError | None, lock: Lock | None
) -> Finding:
    left = errored.read(terraform.folder, held, one_line(refused.explain()) if refused else "")
    if left:
        return finding(
            STATE,
            State.BLOCKED,
            left.sentence,
            facts=(
                Fact(label="in the file", value=f"{left.resources} resources, serial {left.serial}"),
                *(
                    ()
                    if left.there is None
                    else (
                        Fact(label="state now", value=f"{left.there} resources, serial {left.there_serial}"),
                    )
                ),
                *(Fact(label="only in the file", value=address) for address in left.gained[:12]),
                *(Fact(label="only in the state", value=address) for address in left.lost[:12]),
            ),
            fixes=recover_fixes(left),
            raw=sanitize(str(refused)) if refused else "",
        )
    if lock:
        return finding(
            STATE,
            State.BLOCKED,
            f"{lock.sentence}; {lock.holder}",
            facts=(Fact(label="lock", value=lock.id), Fact(label="held by", value=lock.who)),
            fixes=() if lock.alive else unlock_fixes(lock),
            raw=sanitize(str(refused)) if refused else "",
        )
    if held is None:
        assert refused is not None
        if isinstance(refused, TerraformError) and refused.not_initialised:
            return finding(
                STATE,
                State.WARN,
                "The state cannot be read before the folder is initialised",
                fixes=(init_fix(terraform.name),),
                raw=refused.raw,
            )
        return could_not(STATE, refused, terraform.name)
    tainted = [one.address for one in held.resources if one.tainted]
    return finding(
        STATE,
        State.OK,
        f"The state holds {len(held.resources)} resources"
        + (f", {len(tainted)} of them half made (tainted), to be made again" if tainted else "")
        if held.resources
        else "The state is empty",
        facts=tuple(
            Fact(label=type_, value=str(count))
            for type_, count in Counter(one.type for one in held.resources).most_common(12)
        ),
    )


def _with_sight(finding: Finding, sight: state_lock.Sight) -> Finding:
    """What could not be looked at is told: a state that can be read may still be locked."""
    if not sight.unknown or sight.lock:
        return finding
    told = msgspec.structs.replace(finding, facts=(*finding.facts, Fact(label="lock", value=sight.unknown)))
    if finding.state is not State.OK or not sight.raw:
        return told  # nothing went wrong: this backend, or this configuration, has no lock that one could look at
    return msgspec.structs.replace(
        told,
        state=State.UNKNOWN,
        summary=f"{finding.summary}; whether it is locked is not known: {sight.unknown}",
        denied=(*finding.denied, *sight.denied),
        raw=sight.raw,
    )


def _nothing_applied(detail: ApplyDetail) -> Finding:
    planned = f": {detail.plan_sentence}" if detail.plan and not detail.stale else ""
    return _changes(State.WARN, f"Nothing is applied yet{planned}", detail)


def _pending(pending: dict[str, int], held: Held, detail: ApplyDetail) -> Finding:
    if not pending:
        return _changes(
            State.OK, f"Everything is applied: {len(held.resources)} resources, nothing left to do", detail
        )
    words = {"delete": "destroy"}
    parts = ", ".join(f"{count} to {words.get(action, action)}" for action, count in sorted(pending.items()))
    tainted = sum(one.tainted and one.type in half_made.TYPES for one in held.resources)
    return _changes(State.WARN, f"Not everything is applied: {parts}", detail, tainted)


def _not_planned(terraform: Terraform, error: CommandError, sound: Finding) -> Finding:
    if sound.state is State.BLOCKED:
        return waits(CHANGES)
    return could_not(CHANGES, error, terraform.name)


def _unread() -> Finding:
    return finding(
        CHANGES,
        State.WARN,
        "Whether anything is left to apply is not known before the state can be read",
        fixes=(plan_fix(recommended=True),),
    )


def _changes(state: State, summary: str, detail: ApplyDetail, tainted: int = 0) -> Finding:
    fixes: tuple[Fix, ...] = ()
    facts: tuple[Fact, ...] = ()
    if state is not State.OK:
        ready = bool(detail.plan) and not detail.stale
        fixes = (plan_fix(recommended=not ready),)
        if ready:
            facts = (
                Fact(label="reviewed plan", value=detail.plan_sentence),
                Fact(label="forecast", value=detail.forecast_sentence),
            )
            if detail.blocking:
                summary = f"{summary}; at the last plan {detail.forecast_sentence}"
                fixes = (*clear_fixes(detail), plan_fix(recommended=True), apply_fix(detail, anyway=True))
            else:
                fixes = (apply_fix(detail), *fixes)
        elif detail.plan:
            facts = (Fact(label="saved plan", value=f"stale: {detail.stale}"),)
            fixes = (*fixes, unfinished_fix())
        if tainted:
            fixes = (
                keep_fix(tainted),
                *(msgspec.structs.replace(fix, recommended=False) for fix in fixes),
            )
    return finding(CHANGES, state, summary, facts=facts, fixes=fixes)

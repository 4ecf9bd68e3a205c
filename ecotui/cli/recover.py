"""`ecotui recover`: what an interrupted apply left: a state that was not saved, and resources that no state knows.

Nothing is changed without `--approve`, which names exactly the file that was shown, or `--adopt`, which only writes
import blocks for the next plan to show.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec

from checks.finding import State
from ecotui import exit_codes
from ecotui.cli.context import world
from ecotui.cli.locks import configure as configure_holding
from ecotui.cli.locks import holding
from ecotui.cli.printing import SIGNS, document

if TYPE_CHECKING:
    from checks.apply.forecast.import_blocks import Adoption
    from checks.apply.state.errored import Errored
    from checks.apply.state.orphans import Orphan
    from checks.apply.state.tainted import HalfMade
    from checks.context import World
    from checks.tools.terraform import Held, Terraform
    from ecotui.history.current_apply import Run


@dataclass(frozen=True)
class _Left:
    """What was found."""

    errored: Errored | None
    run: Run | None
    """The last apply on record."""
    orphans: tuple[Orphan, ...]
    unread: str
    """Why the state could not be read; empty when it was."""
    half_made: tuple[HalfMade, ...] = ()
    """What the state holds as tainted."""

    @property
    def code(self) -> int:
        if self.errored or self.unread or any(one.candidates for one in self.orphans):
            return exit_codes.BLOCKED
        unsure = any(one.unknown for one in self.orphans) or any(one.denied for one in self.half_made)
        return exit_codes.WARNINGS if unsure else exit_codes.OK


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--approve", metavar="DIGEST", help="save the errored.tfstate with this digest, and move it aside"
    )
    parser.add_argument(
        "--adopt",
        metavar="ADDRESS[=ID]",
        nargs="?",
        const="",
        action="append",
        default=[],
        help="write an import block for something that was begun and exists (the ID where several may be it);"
        " without an address, for all that is certain",
    )
    parser.add_argument(
        "--keep",
        metavar="ADDRESS",
        nargs="?",
        const="",
        action="append",
        default=[],
        help="take the mark off what is half made in the state and yet stands in the account, so that it is not made"
        " again; without an address, off all that only was no longer waited for",
    )
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    configure_holding(parser)


def run(args: argparse.Namespace) -> int:
    if (args.approve is not None) + bool(args.adopt) + bool(args.keep) > 1:
        return _refuse(
            "--approve, --keep and --adopt go one after the other: save the state first", exit_codes.USAGE
        )
    where = world(args)
    if args.approve is None and not args.adopt and not args.keep:
        return _run(where, args)
    with holding(where, args.override):
        return _run(where, args)


def _run(where: World, args: argparse.Namespace) -> int:
    from checks.tools.terraform import Terraform

    terraform = Terraform(where)
    held, unread = _state(terraform)
    if args.approve is not None:
        return _save(terraform, held, unread, args.approve, json=args.json)
    left = _look(where, terraform, held, unread)
    if args.adopt:
        return _adopt(where, left, args.adopt)
    if args.keep:
        return _keep(terraform, left, args.keep)
    if args.json:
        _document(left)
    else:
        _tell(left)
    return left.code


def _state(terraform: Terraform) -> tuple[Held | None, str]:
    from checks.tools.run import CommandError

    try:
        return terraform.state(), ""
    except CommandError as error:
        return None, error.explain()


def _look(where: World, terraform: Terraform, held: Held | None, unread: str) -> _Left:
    from checks.apply.state import errored
    from checks.apply.state.orphans import seek, unfinished
    from checks.apply.state.tainted import half_made
    from ecotui.history import current_apply
    from ecotui.session import store

    left = errored.read(terraform.folder, held, unread)
    found = current_apply.find(store.Store(store.root(where.settings, where.env)), where.project)
    if found is None or found.running or held is None:
        return _Left(left, found, (), unread)
    saved = {one.address for one in held.resources} | set(left.gained if left else ())
    open_rows = unfinished(found.progress, found.plan.changes if found.plan else (), saved)
    known = ({one.id for one in held.resources} | {one.arn for one in held.resources}) - {""}
    orphans = tuple(seek(where, one, known) for one in open_rows)
    tainted = [one for one in held.resources if one.tainted]
    return _Left(left, found, orphans, unread, half_made(where, tainted, found.progress))


def _save(terraform: Terraform, held: Held | None, unread: str, digest: str, *, json: bool) -> int:
    from checks.apply.state import errored
    from checks.tools.run import CommandError

    left = errored.read(terraform.folder, held, unread)
    if left is None:
        return _refuse(f"there is no {errored.NAME} in {terraform.folder}; nothing was saved")
    if not digest or left.digest != digest:
        return _refuse(f"{errored.NAME} is another one by now ({left.digest}); nothing was saved")
    if not left.pushable and left.fit is not errored.Fit.SAME:
        return _refuse(f"{left.sentence}; nothing was saved")
    try:
        if left.pushable:
            terraform.push(terraform.folder / errored.NAME)
            missing = _missing(terraform, left)
            if missing:
                return _refuse(
                    f"it was pushed, but the state then lacks {missing}; the file stays where it is"
                )
        aside = errored.set_aside(terraform.folder, left.digest)
    except CommandError as error:
        return _refuse(f"{error.explain()}; {errored.NAME} stays where it is", exit_codes.ERROR)
    except OSError as error:
        return _refuse(f"{errored.NAME} could not be moved aside: {error.strerror}", exit_codes.ERROR)
    if json:
        document("recover", {"saved": left.pushable, "aside": str(aside), "gained": list(left.gained)})
        return exit_codes.OK
    if left.pushable:
        print(f"Saved: the state holds {left.resources} resources, {len(left.gained)} more than before")
    print(f"The file is kept as {aside.name} (it holds secrets; delete it when all is well)")
    print("Go on with: ecotui plan")
    return exit_codes.OK


def _missing(terraform: Terraform, left: Errored) -> str:
    """Looked again, not believed: what the state lacks after the push; empty when it has all of it."""
    from checks.apply.state.errored import counted

    now, unread = _state(terraform)
    if now is None:
        return f"what could not be read again ({unread})"
    gone = tuple(sorted(set(left.gained) - {one.address for one in now.resources}))
    return f"{counted(gone)} ({', '.join(gone[:3])})" if gone else ""


def _adopt(where: World, left: _Left, words: list[str]) -> int:
    from checks.apply import plan_store as saved
    from checks.apply.forecast import import_blocks

    if left.errored:
        return _refuse(f"{left.errored.sentence}; nothing was written")
    try:
        adoptions = [one for word in words for one in ([_chosen(left, word)] if word else _certain(left))]
        if not adoptions:
            return _refuse("there is nothing that could be adopted without a doubt; nothing was written")
        review = saved.read_review(saved.default_folder(where))
        target = import_blocks.write(where.terraform_folder, review, adoptions)
    except (import_blocks.AdoptionError, saved.NotReviewed) as error:
        return _refuse(str(error))
    except OSError as error:
        return _refuse(f"{where.terraform_folder / import_blocks.FILE}: {error.strerror}", exit_codes.ERROR)
    print(f"{target}:\n")
    for one in adoptions:
        print(one.block)
    print("Written. Plan again, and see what the adoption changes: ecotui plan")
    return exit_codes.OK


def _keep(terraform: Terraform, left: _Left, words: list[str]) -> int:
    """Untaint what was named, or all that stands; each was looked at just now."""
    from checks.tools.run import CommandError

    if left.errored:
        return _refuse(f"{left.errored.sentence}; nothing was kept")
    if left.unread:
        return _refuse(f"the state could not be read: {left.unread}; nothing was kept")
    marked = {one.address: one for one in left.half_made}
    named = [word for word in words if word]
    for word in named:
        if word not in marked:
            return _refuse(f"{word} is nothing that the state holds as half made; nothing was kept")
        if not marked[word].whole:
            return _refuse(f"{word}: {marked[word].shows}; nothing was kept")
    chosen = [one for one in left.half_made if one.whole and (not named or one.address in named)]
    if not chosen:
        return _refuse("nothing that is half made is certain to stand; nothing was kept")
    for one in chosen:
        try:
            terraform.untaint(one.address)
        except CommandError as error:
            return _refuse(
                f"{one.address}: {error.explain()}; what was kept before stays kept", exit_codes.ERROR
            )
        print(f"Kept {one.address}: {one.shows}", flush=True)
    # Of what was not waited for, the state has not all attributes: without them it would be made again all the same.
    print("Reading them back into the state", flush=True)
    try:
        terraform.read_back([one.address for one in chosen])
    except CommandError as error:
        return _refuse(
            f"they are kept, but could not be read back: {error.explain()}; the next plan does it",
            exit_codes.ERROR,
        )
    for one in left.half_made:
        if one not in chosen and not one.whole:
            print(f"Not kept: {one.address}: {one.shows}")
    print("Plan again, and see what is left to do: ecotui plan")
    return exit_codes.OK


def _certain(left: _Left) -> list[Adoption]:
    """Everything of which exactly one is in the account."""
    return [
        _chosen(left, one.unfinished.address)
        for one in left.orphans
        if len([each for each in one.candidates if each.ours]) == 1
    ]


def _chosen(left: _Left, word: str) -> Adoption:
    """Raises AdoptionError for an address, or an id, that was not found here."""
    from checks.apply.forecast.import_blocks import Adoption, AdoptionError
    from checks.apply.forecast.model import import_block
    from checks.sanitize import one_line

    for one in left.orphans:
        address = one.unfinished.address
        # An address may hold `=` itself, in a key of for_each.
        if word != address and not word.startswith(f"{address}="):
            continue
        wanted = word[len(address) + 1 :]
        able = [each for each in one.candidates if each.ours and wanted in ("", each.id, each.import_id)]
        if not able:
            raise AdoptionError(f"{one_line(word)}: {one.sentence}; nothing to adopt")
        if len(able) > 1:
            ids = ", ".join(each.id for each in able)
            raise AdoptionError(
                f"{one_line(address)} may be any of {ids}: say which one, --adopt {address}=ID"
            )
        import_id = able[0].import_id
        written = import_block(address, import_id)
        return Adoption(address=address, id=import_id, type=one.unfinished.type, block=written)
    raise AdoptionError(f"{one_line(word)} is nothing that the last apply left unfinished")


def _document(left: _Left) -> None:
    document(
        "recover",
        {
            "errored": msgspec.to_builtins(left.errored) if left.errored else None,
            "state_unreadable": left.unread,
            "run": None
            if left.run is None
            else {
                "id": left.run.command.id,
                "running": left.run.running,
                "done": left.run.progress.done,
                "total": left.run.progress.total,
                "complete": left.run.progress.complete,
            },
            "half_made": [msgspec.to_builtins(one) for one in left.half_made],
            "unfinished": [
                {
                    "address": one.unfinished.address,
                    "failed": one.unfinished.failed,
                    "candidates": [msgspec.to_builtins(each) for each in one.candidates],
                    "unknown": one.unknown,
                    "denied": list(one.denied),
                }
                for one in left.orphans
            ],
        },
    )


def _tell(left: _Left) -> None:
    if left.errored:
        print(f"{SIGNS[State.BLOCKED]} {left.errored.sentence}")
        for address in left.errored.gained[:20]:
            print(f"    only in the file: {address}")
        for address in left.errored.lost[:20]:
            print(f"    only in the state: {address}")
        if left.errored.pushable or left.errored.fit.value == "same":
            print(f"    to put it in order: ecotui recover --approve {left.errored.digest}")
    elif left.unread:
        print(f"{SIGNS[State.UNKNOWN]} The state could not be read: {left.unread}")
    _tell_run(left)
    for one in left.orphans:
        state = State.UNKNOWN if one.unknown else State.WARN if one.candidates else State.OK
        print(f"{SIGNS[state]} {one.unfinished.address}: {one.sentence}")
        if one.denied:
            print(f"    not allowed: {', '.join(one.denied)}")
        if any(each.ours for each in one.candidates):
            print(
                f"    keep it: ecotui recover --adopt '{one.unfinished.address}'    or delete it: ecotui cleanup"
            )
    for half in left.half_made:
        state = State.UNKNOWN if half.denied else State.OK if half.whole else State.WARN
        print(f"{SIGNS[state]} {half.address}: {half.sentence}")
        if half.denied:
            print(f"    not allowed: {', '.join(half.denied)}")
    if any(one.whole for one in left.half_made):
        print("    keep what stands, instead of making it again: ecotui recover --keep")
    if not left.errored and not left.unread and left.run and not left.run.running:
        print("Go on with: ecotui plan")


def _tell_run(left: _Left) -> None:
    run = left.run
    if run is None:
        print("No apply of this project is on record: what it began cannot be told")
        return
    if run.running:
        print("An apply runs right now: look again when it is over")
        return
    told = f"The last apply made {run.progress.done} of {run.progress.total}"
    if run.progress.complete and not run.progress.broken:
        print(f"{told}: it went through to its end")
        return
    if not left.unread:
        known = (
            "all that it began is in the state"
            if not left.orphans
            else (
                f"{len(left.orphans)} that it began {'is' if len(left.orphans) == 1 else 'are'} not in the state"
            )
        )
        print(f"{told}; {known}")
    else:
        print(told)


def _refuse(reason: str, code: int = exit_codes.BLOCKED) -> int:
    print(f"ecotui recover: {reason}", file=sys.stderr)
    return code

"""`ecotui adopt`: take what has the name already into terraform's state, by import blocks in a file of their own."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from checks.apply import plan_store
from checks.apply.forecast import import_blocks
from checks.context import World
from checks.sanitize import one_line
from ecotui import exit_codes
from ecotui.cli.context import world
from ecotui.cli.locks import configure as configure_holding
from ecotui.cli.locks import holding
from ecotui.cli.printing import document


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "address",
        metavar="ADDRESS",
        nargs="*",
        help="a resource that the last plan would collide with (default: every one that can be adopted)",
    )
    parser.add_argument(
        "--write", action="store_true", help=f"write {import_blocks.FILE}; without it, only show it"
    )
    parser.add_argument(
        "--undo",
        action="store_true",
        help=f"take {import_blocks.FILE} away again, or the blocks of the addresses",
    )
    parser.add_argument("--plan", metavar="FILE", help="the reviewed plan (default: the last `ecotui plan`)")
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    configure_holding(parser)


def run(args: argparse.Namespace) -> int:
    if args.undo and args.write:
        print("ecotui adopt: either --write or --undo", file=sys.stderr)
        return exit_codes.USAGE
    where = world(args)
    if not (args.write or args.undo):
        return _run(where, args)
    with holding(where, args.override):
        return _run(where, args)


def _run(where: World, args: argparse.Namespace) -> int:
    folder = where.terraform_folder
    place = Path(args.plan).expanduser().absolute() if args.plan else plan_store.default_folder(where)
    try:
        if args.undo:
            return _undo(folder, args.address, json=args.json)
        review = plan_store.read_review(place)
        if Path(review.folder) != folder:
            return _refuse(f"the plan was made for {one_line(review.folder)}, not for {folder}")
        adoptions = import_blocks.chosen(review, args.address)
        target = import_blocks.write(folder, review, adoptions) if args.write and adoptions else None
    except plan_store.NotReviewed as error:
        return _refuse(str(error))
    except import_blocks.AdoptionError as error:
        return _refuse(str(error))
    except OSError as error:
        print(f"ecotui adopt: {folder / import_blocks.FILE}: {error.strerror}", file=sys.stderr)
        return exit_codes.ERROR
    cannot = [] if args.address else import_blocks.possible(review)[1]
    if args.json:
        document(
            "adopt",
            {
                "file": str(folder / import_blocks.FILE),
                "written": target is not None,
                "adopt": [
                    {"address": one.address, "id": one.id, "block": one.block, "note": one.note}
                    for one in adoptions
                ],
                "cannot": [{"address": address, "why": why} for address, why in cannot],
            },
        )
    else:
        _show(folder, adoptions, cannot, target)
    return exit_codes.OK


def _undo(folder: Path, addresses: list[str], *, json: bool) -> int:
    gone = import_blocks.undo(folder, addresses)
    target = folder / import_blocks.FILE
    if json:
        document("adopt", {"file": str(target), "written": False, "undone": bool(gone), "gone": gone})
    elif not gone:
        print("There is nothing to undo")
    elif target.exists():
        print(f"No longer in {target}: {', '.join(map(one_line, gone))}; plan again: ecotui plan")
    else:
        print(f"{target} is gone; plan again: ecotui plan")
    return exit_codes.OK


def _show(
    folder: Path, adoptions: list[import_blocks.Adoption], cannot: list[tuple[str, str]], target: Path | None
) -> None:
    for address, why in cannot:
        print(f"Cannot be adopted: {one_line(address)}: {one_line(why)}")
    if not adoptions:
        print("Nothing to adopt: the last plan collides with nothing that is ours")
        return
    print(f"{folder / import_blocks.FILE}:\n")
    for one in adoptions:
        print(one.block)
    for one in adoptions:
        if one.note:
            print(f"! {one.address}: {one.note}")
    if target:
        print(
            "Written. Plan again, and see what the adoption changes: ecotui plan"
            f" ({len(import_blocks.written(folder))} to import)"
        )
    else:
        print("Nothing was written. To write it: ecotui adopt --write, with the addresses that you mean")


def _refuse(reason: str) -> int:
    print(f"ecotui adopt: {reason}", file=sys.stderr)
    return exit_codes.BLOCKED

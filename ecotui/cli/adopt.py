"""`ecotui adopt`: import the resources that a plan would collide with, by import blocks in a file of their own."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from checks.apply import plan_store
from checks.apply.forecast import import_blocks
from checks.context import CheckContext
from checks.sanitize import one_line
from ecotui import exit_codes
from ecotui.cli.context import check_context
from ecotui.cli.locks import configure_override, hold_locks
from ecotui.cli.printing import print_document


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "address",
        metavar="ADDRESS",
        nargs="*",
        help="a resource that the last plan would collide with (default: every one that can be imported)",
    )
    parser.add_argument(
        "--write", action="store_true", help=f"write {import_blocks.IMPORT_FILE}; without it, only show it"
    )
    parser.add_argument(
        "--undo",
        action="store_true",
        help=f"remove {import_blocks.IMPORT_FILE} again, or the blocks of the addresses",
    )
    parser.add_argument("--plan", metavar="FILE", help="the reviewed plan (default: the last `ecotui plan`)")
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    configure_override(parser)


def run(args: argparse.Namespace) -> int:
    if args.undo and args.write:
        print("ecotui adopt: either --write or --undo", file=sys.stderr)
        return exit_codes.USAGE
    context = check_context(args)
    if not (args.write or args.undo):
        return _run_import(context, args)
    with hold_locks(context, args.override):
        return _run_import(context, args)


def _run_import(context: CheckContext, args: argparse.Namespace) -> int:
    folder = context.terraform_folder
    path = Path(args.plan).expanduser().absolute() if args.plan else plan_store.default_plan_folder(context)
    try:
        if args.undo:
            return _remove_import_blocks(folder, args.address, as_json=args.json)
        review = plan_store.read_review(path)
        if Path(review.folder) != folder:
            return _print_refusal(f"the plan was made for {one_line(review.folder)}, not for {folder}")
        imports = import_blocks.select_imports(review, args.address)
        target = import_blocks.write_import_blocks(folder, review, imports) if args.write and imports else None
    except (plan_store.PlanNotReviewed, import_blocks.ImportBlockError) as error:
        return _print_refusal(str(error))
    except OSError as error:
        print(f"ecotui adopt: {folder / import_blocks.IMPORT_FILE}: {error.strerror}", file=sys.stderr)
        return exit_codes.ERROR
    cannot = [] if args.address else import_blocks.find_importable(review)[1]
    if args.json:
        print_document(
            "adopt",
            {
                "file": str(folder / import_blocks.IMPORT_FILE),
                "written": target is not None,
                "adopt": [
                    {"address": one.address, "id": one.id, "block": one.block, "note": one.note} for one in imports
                ],
                "cannot": [{"address": address, "why": why} for address, why in cannot],
            },
        )
    else:
        _print_import_blocks(folder, imports, cannot, target)
    return exit_codes.OK


def _remove_import_blocks(folder: Path, addresses: list[str], *, as_json: bool) -> int:
    removed = import_blocks.remove_import_blocks(folder, addresses)
    target = folder / import_blocks.IMPORT_FILE
    if as_json:
        print_document("adopt", {"file": str(target), "written": False, "undone": bool(removed), "gone": removed})
    elif not removed:
        print("There is nothing to undo")
    elif target.exists():
        print(f"No longer in {target}: {', '.join(map(one_line, removed))}; plan again: ecotui plan")
    else:
        print(f"{target} is gone; plan again: ecotui plan")
    return exit_codes.OK


def _print_import_blocks(
    folder: Path, imports: list[import_blocks.PlannedImport], cannot: list[tuple[str, str]], target: Path | None
) -> None:
    for address, why in cannot:
        print(f"Cannot be imported: {one_line(address)}: {one_line(why)}")
    if not imports:
        print("Nothing to import: the last plan collides with nothing that this account owns")
        return
    print(f"{folder / import_blocks.IMPORT_FILE}:\n")
    for one in imports:
        print(one.block)
    for one in imports:
        if one.note:
            print(f"! {one.address}: {one.note}")
    if target:
        print(
            "Written. Plan again, and see what the import changes: ecotui plan"
            f" ({len(import_blocks.read_imported_addresses(folder))} to import)"
        )
    else:
        print("Nothing was written. To write it: ecotui adopt --write, with the addresses that you mean")


def _print_refusal(reason: str) -> int:
    print(f"ecotui adopt: {reason}", file=sys.stderr)
    return exit_codes.BLOCKED

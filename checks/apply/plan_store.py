"""A reviewed plan on the disk: where it lies, that it is the one that was reviewed, and that it is still good."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import msgspec

from checks.apply.forecast.model import Review
from checks.context import World
from checks.sanitize import one_line
from checks.tools.terraform import Held

PLAN = "plan.tfplan"
REVIEW = "forecast.json"


class NotReviewed(Exception):
    """There is no reviewed plan that can be applied; the message says why, in plain words."""


def default_folder(world: World) -> Path:
    """Where `ecotui plan` saves when it is not told: in the state folder, one place a terraform folder.

    Plans hold secrets, so they do not go into the checkout.
    """
    named = world.env.get("ECOTUI_STATE_DIR") or world.settings.sessions.directory
    if named:
        root = Path(named).expanduser().absolute()
    else:
        # The XDG specification: a relative path is to be ignored.
        xdg = world.env.get("XDG_STATE_HOME", "")
        base = (
            Path(xdg) if xdg.startswith("/") else Path(world.env.get("HOME") or Path.home()) / ".local/state"
        )
        root = base / "ecotui"
    key = f"{world.terraform_folder}\0{world.settings.terraform.workspace}"
    return root / "plans" / hashlib.sha256(os.fsencode(key)).hexdigest()[:16]


def make_folder(folder: Path) -> None:
    """Make it private, or make sure that it is. Raises OSError."""
    # Not parents=True: that makes the folders above with the ordinary mode.
    for part in (*reversed(folder.parents), folder):
        if not part.exists():
            part.mkdir(mode=0o700, exist_ok=True)
    folder.chmod(0o700)


def write_review(folder: Path, review: Review) -> None:
    """Write forecast.json, readable by the owner only, whole or not at all. Raises OSError."""
    target, draft = folder / REVIEW, folder / f".{REVIEW}.{os.getpid()}"
    try:
        with os.fdopen(
            os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600), "wb"
        ) as out:
            out.write(msgspec.json.format(msgspec.json.encode(review), indent=1))
        draft.replace(target)
    finally:
        draft.unlink(missing_ok=True)


def find(place: Path) -> tuple[Path, Path]:
    """The plan and its review, by the plan's file or by the folder that holds both."""
    if place.is_dir():
        return place / PLAN, place / REVIEW
    return place, place.parent / REVIEW


def read_review(place: Path) -> Review:
    """The review of a saved plan. Raises NotReviewed."""
    plan, review = find(place)
    if not plan.is_file():
        raise NotReviewed(f"there is no plan at {one_line(str(plan))}: run `ecotui plan` first")
    try:
        return msgspec.json.decode(review.read_bytes(), type=Review)
    except FileNotFoundError:
        raise NotReviewed(
            f"the plan {one_line(str(plan))} was not reviewed (no {REVIEW} beside it): run `ecotui plan`"
        ) from None
    except OSError as error:
        raise NotReviewed(f"{one_line(str(review))} cannot be read: {error.strerror}") from None
    except msgspec.DecodeError as error:
        raise NotReviewed(f"{one_line(str(review))} is damaged ({error}): run `ecotui plan` again") from None


def digest(plan: Path) -> str:
    """The SHA-256 of a plan file. Raises OSError."""
    with plan.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def stale(world: World, place: Path, review: Review, held: Held | None) -> str:
    """Why this plan must not be applied any more; empty when it is still the one that was reviewed.

    `held` is the state as it is now; None when it could not be read, which terraform itself will then say.
    """
    plan, _ = find(place)
    try:
        now = digest(plan)
    except OSError as error:
        return f"the plan cannot be read: {error.strerror}"
    if now != review.plan_sha256:
        return (
            "the plan file is not the one that was reviewed (its checksum differs): run `ecotui plan` again"
        )
    if Path(review.folder) != world.terraform_folder:
        return f"the plan was made for {one_line(review.folder)}, not for {world.terraform_folder}"
    if review.workspace != world.settings.terraform.workspace:
        return f"the plan was made for the workspace {one_line(review.workspace) or 'default'}"
    if review.plan.errored:
        return "planning had failed halfway: run `ecotui plan` again"
    if (
        held is not None
        and review.serial >= 0
        and (held.serial, held.lineage) != (review.serial, review.lineage)
    ):
        return "the state was changed after the plan was made (the plan is stale): run `ecotui plan` again"
    return ""

"""Reviewed plans on the disk: where they are, and whether one is still what was reviewed."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import msgspec

from checks.apply.forecast.model import SavedReview
from checks.context import CheckContext
from checks.sanitize import one_line
from checks.tools.terraform import StateSummary
from config.folders import state_folder

PLAN_FILE = "plan.tfplan"
REVIEW_FILE = "forecast.json"


class PlanNotReviewed(Exception):
    """There is no reviewed plan that can be applied; the message says why, in plain words."""


def default_plan_folder(context: CheckContext) -> Path:
    """Where `ecotui plan` saves without `--out`: in the state folder, one folder for each terraform folder.

    Plans hold secrets, so they do not go into the checkout.
    """
    key = f"{context.terraform_folder}\0{context.settings.terraform.workspace}"
    return state_folder(context.settings, context.env) / "plans" / hashlib.sha256(os.fsencode(key)).hexdigest()[:16]


def make_plan_folder(folder: Path) -> None:
    """Create the folder, or make it private. Raises OSError."""
    # Not parents=True: that makes the folders above with the ordinary mode.
    for part in (*reversed(folder.parents), folder):
        if not part.exists():
            part.mkdir(mode=0o700, exist_ok=True)
    folder.chmod(0o700)


def write_review(folder: Path, review: SavedReview) -> None:
    """Write forecast.json atomically, for its owner only. Raises OSError."""
    target, draft = folder / REVIEW_FILE, folder / f".{REVIEW_FILE}.{os.getpid()}"
    try:
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600), "wb") as out:
            out.write(msgspec.json.format(msgspec.json.encode(review), indent=1))
        draft.replace(target)
    finally:
        draft.unlink(missing_ok=True)


def plan_and_review_paths(path: Path) -> tuple[Path, Path]:
    """The plan and its review, by the plan's file or by the folder that holds both."""
    if path.is_dir():
        return path / PLAN_FILE, path / REVIEW_FILE
    return path, path.parent / REVIEW_FILE


def read_review(path: Path) -> SavedReview:
    """The review of a saved plan. Raises PlanNotReviewed."""
    plan, review = plan_and_review_paths(path)
    if not plan.is_file():
        raise PlanNotReviewed(f"there is no plan at {one_line(str(plan))}: run `ecotui plan` first")
    try:
        return msgspec.json.decode(review.read_bytes(), type=SavedReview)
    except FileNotFoundError:
        raise PlanNotReviewed(
            f"the plan {one_line(str(plan))} was not reviewed (no {REVIEW_FILE} beside it): run `ecotui plan`"
        ) from None
    except OSError as error:
        raise PlanNotReviewed(f"{one_line(str(review))} cannot be read: {error.strerror}") from None
    except msgspec.DecodeError as error:
        raise PlanNotReviewed(f"{one_line(str(review))} is damaged ({error}): run `ecotui plan` again") from None


def plan_digest(plan: Path) -> str:
    """The SHA-256 of a plan file. Raises OSError."""
    with plan.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def why_stale(context: CheckContext, path: Path, review: SavedReview, state_summary: StateSummary | None) -> str:
    """Why this plan must not be applied any more; empty when it is still the one that was reviewed.

    `state_summary` is the present state; None when it could not be read, which terraform itself will then report.
    """
    plan, _ = plan_and_review_paths(path)
    try:
        digest = plan_digest(plan)
    except OSError as error:
        return f"the plan cannot be read: {error.strerror}"
    if digest != review.plan_sha256:
        return "the plan file is not the one that was reviewed (its checksum differs): run `ecotui plan` again"
    if Path(review.folder) != context.terraform_folder:
        return f"the plan was made for {one_line(review.folder)}, not for {context.terraform_folder}"
    if review.workspace != context.settings.terraform.workspace:
        return f"the plan was made for the workspace {one_line(review.workspace) or 'default'}"
    if review.plan.errored:
        return "planning had failed halfway: run `ecotui plan` again"
    if (
        state_summary is not None
        and review.serial >= 0
        and (state_summary.serial, state_summary.lineage) != (review.serial, review.lineage)
    ):
        return "the state was changed after the plan was made (the plan is stale): run `ecotui plan` again"
    return ""

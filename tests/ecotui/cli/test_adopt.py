"""`ecotui adopt`: what it would write, what it writes, and whose file it never touches."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from checks.apply import plan_store
from checks.apply.forecast import import_blocks
from checks.apply.forecast.model import Collision, Forecast, SavedReview
from checks.apply.plan.model import Plan
from checks.context import CheckContext
from config.model import Settings
from ecotui.cli import main

ROLE = Collision(
    address='aws_iam_role.node["a"]',
    type="aws_iam_role",
    name="node",
    existing="arn:aws:iam::1:role/node",
    fixes=("adopt", "delete", "rename", "stop"),
    import_id="node",
)
KEY = Collision(
    address="aws_key_pair.this",
    type="aws_key_pair",
    name="key",
    existing="key-1",
    fixes=("adopt", "delete", "rename", "stop"),
    import_id="key",
)
THEIRS = Collision(
    address="aws_s3_bucket.images",
    type="aws_s3_bucket",
    name="images",
    existing="arn:aws:s3:::images, which belongs to another account",
    fixes=("rename", "stop"),
)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project whose last plan collides three times."""
    terraform = tmp_path / "terraform"
    terraform.mkdir()
    monkeypatch.setenv("ECOTUI_STATE_DIR", str(tmp_path / "state"))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "ecotui.yaml").write_text("project: x\n")
    review(tmp_path, "1.11.4")
    return terraform


def review(project: Path, version: str) -> None:
    context = CheckContext(settings=Settings(), project=project, env={"ECOTUI_STATE_DIR": str(project / "state")})
    place = plan_store.default_plan_folder(context)
    plan_store.make_plan_folder(place)
    (place / plan_store.PLAN_FILE).write_bytes(b"plan")
    plan_store.write_review(
        place,
        SavedReview(
            plan_sha256="",
            created_at=0.0,
            folder=str(context.terraform_folder),
            workspace="",
            plan=Plan(terraform=version, format="1.2", changes=()),
            forecast=Forecast(collisions=(ROLE, KEY, THEIRS)),
        ),
    )


def test_by_default_the_import_blocks_are_only_shown(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["adopt"]) == 0
    told = capsys.readouterr().out
    assert 'to = aws_iam_role.node["a"]\n  id = "node"' in told
    assert "the next plan replaces the key pair" in told
    assert "Cannot be imported: aws_s3_bucket.images" in told
    assert "Nothing was written" in told
    assert not (folder / import_blocks.IMPORT_FILE).exists()


def test_blocks_are_added_one_after_the_other_and_undone_together(folder: Path) -> None:
    assert main(["adopt", "--write", ROLE.address]) == 0
    assert main(["adopt", "--write", KEY.address]) == 0
    assert main(["adopt", "--write", KEY.address]) == 0
    text = (folder / import_blocks.IMPORT_FILE).read_text()
    assert text.count("import {") == 2
    assert ROLE.import_block in text
    assert main(["adopt", "--undo", KEY.address]) == 0
    assert import_blocks.read_imported_addresses(folder) == {ROLE.address}
    assert main(["adopt", "--undo", KEY.address]) == 3
    assert main(["adopt", "--undo"]) == 0
    assert list(folder.iterdir()) == []


def test_a_file_that_ecotui_did_not_write_is_never_changed(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    target = folder / import_blocks.IMPORT_FILE
    target.write_text("# mine\n")
    assert main(["adopt", "--write", ROLE.address]) == 3
    assert main(["adopt", "--undo"]) == 3
    assert target.read_text() == "# mine\n"
    assert "not written by ecotui" in capsys.readouterr().err


def test_a_file_that_was_edited_is_never_changed(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["adopt", "--write", ROLE.address]) == 0
    target = folder / import_blocks.IMPORT_FILE
    target.write_text(changed := target.read_text() + "# and this\n")
    assert main(["adopt", "--write", KEY.address]) == 3
    assert main(["adopt", "--undo"]) == 3
    assert target.read_text() == changed
    assert "changed since" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("address", "why"),
    [("aws_s3_bucket.images", "another account"), ("aws_iam_role.elsewhere", "not among")],
)
def test_a_resource_that_cannot_be_imported_is_refused_with_the_reason(
    folder: Path, capsys: pytest.CaptureFixture[str], address: str, why: str
) -> None:
    assert main(["adopt", "--write", address]) == 3
    assert why in capsys.readouterr().err
    assert not (folder / import_blocks.IMPORT_FILE).exists()


def test_a_terraform_that_reads_no_import_blocks_gets_none(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    review(folder.parent, "1.4.6")
    assert main(["adopt", "--write"]) == 3
    assert "terraform import ADDRESS ID" in capsys.readouterr().err
    assert list(folder.iterdir()) == []


def test_the_document_names_the_file_the_blocks_and_what_cannot_be(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["adopt", "--json"]) == 0
    body = json.loads(capsys.readouterr().out)
    assert body["schema"] == "ecotui.adopt/1"
    assert body["written"] is False
    assert [one["address"] for one in body["adopt"]] == [ROLE.address, KEY.address]
    assert [one["address"] for one in body["cannot"]] == [THEIRS.address]


def test_undo_goes_alone(folder: Path) -> None:
    assert main(["adopt", "--undo", "--write"]) == 2

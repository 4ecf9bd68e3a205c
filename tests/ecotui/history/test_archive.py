"""Past sessions in S3: proven on the way there and on the way back, and nothing in an archive is trusted."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import random
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from botocore.exceptions import ClientError
from support.supervised import begun, outcome, supervised, until

from checks.aws import object_store
from checks.aws.object_store import ConditionFailed, ObjectStore, ObjectStoreError
from ecotui.cli import main
from ecotui.cli.sessions import fetch
from ecotui.history import archive
from ecotui.session import SessionError, events
from ecotui.session.log import Session
from ecotui.session.store import SessionStore
from ecotui.supervisor.commands import list_running_commands
from ecotui.supervisor.paths import OUTPUT_TIMES_FILE

PLACE = "s3://eco2-team/archive"
SECRET = "ghp_" + "a1B2" * 9


@pytest.fixture
def shelf(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> SessionStore:
    (tmp_path / "project").mkdir()
    monkeypatch.chdir(tmp_path / "project")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("ECOTUI_STATE_DIR", str(tmp_path / "state"))
    return SessionStore(tmp_path / "state")


@pytest.fixture
def place(team_store: ObjectStore, aws_env: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> ObjectStore:
    for name, value in aws_env.items():
        if name.startswith("AWS_"):
            monkeypatch.setenv(name, value)
    # Its clients are made already.
    monkeypatch.setattr("checks.context.CheckContext.aws", team_store._aws)
    return ObjectStore(team_store._aws, PLACE)


def past(shelf: SessionStore, output: str = "applied\n«secret:12ab»\n") -> Session:
    session = shelf.create(project="eco2", folder=Path("/p"), env={})
    session.append(events.NoteAdded(text="한글 note"))
    folder = session.folder / "commands" / "120000-apply-abcdef"
    folder.mkdir(parents=True, mode=0o700)
    (folder / "command.json").write_text(json.dumps({"step": "apply", "title": "Apply", "argv": ["x"], "started": 1.0}))
    (folder / "output.log").write_text(output)
    (folder / "exit.json").write_text(json.dumps({"outcome": "succeeded", "exit_code": 0}))
    (folder / "alive").write_text("")
    session.end("rebuilt")
    session.close()
    return session


def files(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and path.name not in ("salt", "alive")
    }


def run(capsys: pytest.CaptureFixture[str], *words: str, code: int = 0) -> dict[str, Any]:
    capsys.readouterr()
    assert main(["sessions", *words, "--json"]) == code
    plain: dict[str, Any] = json.loads(capsys.readouterr().out)
    return plain


def test_a_session_goes_to_s3_and_comes_back_the_same(
    shelf: SessionStore, place: ObjectStore, capsys: pytest.CaptureFixture[str]
) -> None:
    session = past(shelf)
    before, head = files(session.folder), session.verify().head_hash
    told = run(capsys, "archive", session.id[:12], "--to", PLACE)
    assert (told["schema"], told["sent"]) == ("ecotui.sessions.archive/1", False)
    assert list(place.list_entries()) == []  # a dry run sends nothing
    (row,) = run(capsys, "archive", session.id, "--to", PLACE, "--yes", "--remove")["sessions"]
    assert (row["archived"], row["removed"], row["trouble"]) == (True, True, "")
    assert shelf.session_ids() == []
    assert run(capsys, "fetch", "--from", PLACE)["sessions"] == [{"id": session.id, "bytes": row["packed"]}]
    back = run(capsys, "fetch", session.id[:15], "--from", PLACE)
    assert back["head"] == head
    assert files(shelf.folder / session.id) == before
    assert oct((shelf.folder / session.id).stat().st_mode & 0o777) == "0o700"
    assert main(["sessions", "fetch", session.id, "--from", PLACE]) == 1  # it is here already
    assert "is here already" in capsys.readouterr().err


def test_a_session_with_a_supervised_command_is_removed_and_comes_back_with_its_output_times(
    shelf: SessionStore, place: ObjectStore, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with supervised(tmp_path) as session:
        command = begun(session, "echo", "out")
        assert outcome(command) == "succeeded"
        until(lambda: not list_running_commands(session))
        session.end("rebuilt")
        session.close()
        times = (command.folder / OUTPUT_TIMES_FILE).read_bytes()
        assert times
        (row,) = run(capsys, "archive", session.id, "--to", PLACE, "--yes", "--remove")["sessions"]
        assert (row["removed"], row["trouble"]) == (True, "")
        run(capsys, "fetch", session.id, "--from", PLACE)
        assert (command.folder / OUTPUT_TIMES_FILE).read_bytes() == times


def test_a_secret_among_the_output_times_is_not_sent(
    shelf: SessionStore, place: ObjectStore, capsys: pytest.CaptureFixture[str]
) -> None:
    session = past(shelf)
    (session.commands_folder / "120000-apply-abcdef" / OUTPUT_TIMES_FILE).write_bytes(b"\0\xff" + SECRET.encode())
    (row,) = run(capsys, "archive", session.id, "--to", PLACE, "--yes", code=3)["sessions"]
    assert "output.times, line 1: something that looks like a secret" in row["trouble"]


@pytest.fixture
def in_parts(monkeypatch: pytest.MonkeyPatch) -> int:
    """Uploads in parts from the smallest size on that S3 takes, which is for all but the last."""
    monkeypatch.setattr(object_store, "MAX_SINGLE_PUT_BYTES", 1_000)
    monkeypatch.setattr(object_store, "PART_BYTES", 5 << 20)
    return (5 << 20) * 2 + 1_234


def test_a_large_archive_goes_in_parts_and_comes_back_the_same(
    shelf: SessionStore, place: ObjectStore, capsys: pytest.CaptureFixture[str], in_parts: int
) -> None:
    data = random.Random(1).randbytes(in_parts)
    place.upload("large", io.BytesIO(data), len(data), hashlib.sha256(data).hexdigest())
    assert b"".join(place.download("large", len(data))) == data
    (one,) = place.list_entries()
    assert (one.size, one.etag[-2:]) == (len(data), "-3")
    session = past(shelf, output=random.Random(2).randbytes(2_000).hex())
    before = files(session.folder)
    (row,) = run(capsys, "archive", session.id, "--to", PLACE, "--yes", "--remove")["sessions"]
    assert (row["archived"], row["removed"], row["packed"] > 1_000) == (True, True, True)
    run(capsys, "fetch", session.id, "--from", PLACE)
    assert files(shelf.folder / session.id) == before


def test_of_an_upload_in_parts_that_fails_nothing_is_left(place: ObjectStore, in_parts: int) -> None:
    data = bytes(in_parts)
    digest = hashlib.sha256(data).hexdigest()
    with pytest.raises(ObjectStoreError, match="changed while it was sent"):
        place.upload("x", io.BytesIO(data), len(data), hashlib.sha256(b"other").hexdigest())
    place.upload("x", io.BytesIO(data), len(data), digest)
    with pytest.raises(ConditionFailed):
        place.upload("x", io.BytesIO(data), len(data), digest)
    client = place._client()
    assert client.list_multipart_uploads(Bucket="eco2-team").get("Uploads", []) == []


@pytest.mark.parametrize(("code", "times", "ends"), [("412", 1, "lost"), ("409", 1, "won"), ("409", 9, "lost")])
def test_of_two_uploads_in_parts_that_meet_one_wins(
    code: str, times: int, ends: str, place: ObjectStore, in_parts: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    client, conditions = place._client(), []
    real = client.complete_multipart_upload

    def complete(**named: Any) -> Any:
        conditions.append(named["IfNoneMatch"])
        if len(conditions) <= times:
            raise ClientError({"Error": {"Code": code, "Message": "met"}}, "CompleteMultipartUpload")
        return real(**named)

    monkeypatch.setattr(client, "complete_multipart_upload", complete)
    data = b"x" * 2_000
    try:
        place.upload("x", io.BytesIO(data), len(data), hashlib.sha256(data).hexdigest())
    except ConditionFailed:
        assert ends == "lost"
        assert list(place.list_entries()) == []
    else:
        assert ends == "won"
        assert b"".join(place.download("x", 5_000)) == data
    assert set(conditions) == {"*"}
    assert client.list_multipart_uploads(Bucket="eco2-team").get("Uploads", []) == []


def test_without_remove_it_stays_and_a_second_time_sends_nothing_else(
    shelf: SessionStore, place: ObjectStore, capsys: pytest.CaptureFixture[str]
) -> None:
    session = past(shelf)
    assert run(capsys, "archive", "--older-than", "0", "--to", PLACE, "--yes")["sessions"][0]["archived"]
    assert shelf.session_ids() == [session.id]
    assert run(capsys, "archive", session.id, "--to", PLACE, "--yes")["sessions"][0]["archived"]
    Session(session.folder).append(events.NoteAdded(text="added since"))
    (row,) = run(capsys, "archive", session.id, "--to", PLACE, "--yes", "--remove", code=3)["sessions"]
    assert "another state of this session" in row["trouble"]
    assert shelf.session_ids() == [session.id]


def test_what_was_not_masked_is_never_sent(
    shelf: SessionStore, place: ObjectStore, capsys: pytest.CaptureFixture[str]
) -> None:
    leaky = past(shelf, output=f"one\ntwo\nremote: using {SECRET}\n")
    (row,) = run(capsys, "archive", leaky.id, "--to", PLACE, "--yes", "--remove", code=3)["sessions"]
    assert "output.log, line 3" in row["trouble"]
    assert SECRET not in row["trouble"]
    assert list(place.list_entries()) == []
    assert shelf.session_ids() == [leaky.id]


def test_a_secret_anywhere_in_a_long_output_or_in_the_log_is_found(shelf: SessionStore) -> None:
    lines = [f"aws_instance.api[{n}]: Still creating... [{n}s elapsed]" for n in range(60_000)]
    lines[45_678] = f"token {SECRET}"
    long = past(shelf, output="\n".join(lines))
    with pytest.raises(SessionError, match="line 45679"):
        archive.pack_session(long, io.BytesIO(), {})
    lines[45_678] = "token «secret:0a1b»"
    (long.commands_folder / "120000-apply-abcdef" / "output.log").write_text("\n".join(lines))
    archive.pack_session(long, io.BytesIO(), {})
    log = past(shelf)
    raw = log.events_path.read_bytes()
    log.events_path.write_bytes(raw + b'{"torn": "' + SECRET.encode())
    with pytest.raises(SessionError, match=r"events\.jsonl, line \d"):
        archive.pack_session(log, io.BytesIO(), {})


def test_a_broken_chain_and_running_work_are_not_sent(
    shelf: SessionStore, place: ObjectStore, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    session = past(shelf)
    raw = session.events_path.read_bytes()
    session.events_path.write_bytes(raw.replace("한글".encode(), "영어".encode()))
    (row,) = run(capsys, "archive", session.id, "--to", PLACE, "--yes", code=3)["sessions"]
    assert "broken at line" in row["trouble"]
    session.events_path.write_bytes(raw)
    monkeypatch.setattr("ecotui.cli.sessions.archive.list_running_commands", lambda _: [1])
    (row,) = run(capsys, "archive", session.id, "--to", PLACE, "--yes", code=3)["sessions"]
    assert "still runs" in row["trouble"]
    assert list(place.list_entries()) == []


def test_what_arrived_damaged_is_not_removed_here(
    shelf: SessionStore, place: ObjectStore, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    session = past(shelf)
    download = ObjectStore.download

    def damaged(self: ObjectStore, key: str, limit: int) -> Any:
        data = bytearray(b"".join(download(self, key, limit)))
        data[len(data) // 2] ^= 1
        return iter([bytes(data)])

    monkeypatch.setattr(ObjectStore, "download", damaged)
    (row,) = run(capsys, "archive", session.id, "--to", PLACE, "--yes", "--remove", code=3)["sessions"]
    assert row["trouble"]
    assert shelf.session_ids() == [session.id]


def test_a_file_that_the_archive_does_not_hold_keeps_the_session_here(
    shelf: SessionStore, place: ObjectStore, capsys: pytest.CaptureFixture[str]
) -> None:
    session = past(shelf)
    (session.folder / "notes-of-mine.txt").write_text("keep")
    (row,) = run(capsys, "archive", session.id, "--to", PLACE, "--yes", "--remove", code=3)["sessions"]
    assert "notes-of-mine.txt" in row["trouble"]
    assert (row["archived"], row["removed"]) == (True, False)


def test_links_in_a_session_are_not_followed_when_it_is_packed(shelf: SessionStore, tmp_path: Path) -> None:
    session = past(shelf)
    (tmp_path / "shadow").write_text("root:x")
    for name in ("timeline.csv", "timeline.html"):
        (session.commands_folder / "120000-apply-abcdef" / name).symlink_to(tmp_path / "shadow")
    (session.folder / "commands" / "link").symlink_to(tmp_path)
    target = io.BytesIO()
    packed = archive.pack_session(session, target, {})
    assert not [part.name for part in packed.manifest.files if "timeline" in part.name or "link" in part.name]
    assert "commands/link" in archive.find_unarchived_files(session.folder)


# -- archives that somebody else made ------------------------------------------------------------------------------


def made(
    shelf: SessionStore, change: Callable[[list[tuple[tarfile.TarInfo, bytes]]], None], **manifest: Any
) -> tuple[str, bytes]:
    """The archive of a session, changed: its id and its bytes."""
    session = past(shelf)
    target = io.BytesIO()
    archive.pack_session(session, target, {})
    target.seek(0)
    members = []
    with tarfile.open(fileobj=target, mode="r:gz") as tar:
        for member in tar:
            content = tar.extractfile(member)
            members.append((member, content.read() if content else b""))
    shelf.remove(session.id)
    change(members)
    if manifest:
        plain = {**json.loads(members[0][1]), **manifest}
        members[0] = (members[0][0], json.dumps(plain).encode())
    out = io.BytesIO()
    with gzip.GzipFile(fileobj=out, mode="wb") as plain_out, tarfile.open(fileobj=plain_out, mode="w") as tar:
        for member, body in members:
            if member.isreg():
                member.size = len(body)
            tar.addfile(member, io.BytesIO(body))
    return session.id, out.getvalue()


def named(name: str, body: bytes = b"x") -> Callable[[list[tuple[tarfile.TarInfo, bytes]]], None]:
    """Put a file in, and into the manifest as well."""

    def change(members: list[tuple[tarfile.TarInfo, bytes]]) -> None:
        plain = json.loads(members[0][1])
        part = {"name": name, "size": len(body), "sha256": hashlib.sha256(body).hexdigest()}
        plain["files"].append(part)
        members[0] = (members[0][0], json.dumps(plain).encode())
        members.append((tarfile.TarInfo(name), body))

    return change


def linked(kind: bytes) -> Callable[[list[tuple[tarfile.TarInfo, bytes]]], None]:
    def change(members: list[tuple[tarfile.TarInfo, bytes]]) -> None:
        member = tarfile.TarInfo(members[-1][0].name)
        member.type, member.linkname = kind, "/etc/passwd"
        members[-1] = (member, b"")

    return change


def swapped(members: list[tuple[tarfile.TarInfo, bytes]]) -> None:
    member, body = members[-1]
    members[-1] = (member, body.swapcase())


OTHER = "names files that a session does not have"
MORE = "holds what its manifest does not"
ATTACKS: dict[str, tuple[Callable[[list[tuple[tarfile.TarInfo, bytes]]], None], str]] = {
    "a path upward": (named("../../evil"), OTHER),
    "a path upward behind a known name": (named("commands/../../../events.jsonl"), OTHER),
    "an absolute path": (named("/tmp/ecotui-evil"), OTHER),
    "a name that no session has": (named(".bashrc"), OTHER),
    "a folder with a name that no command has": (named("commands/../x/output.log"), OTHER),
    "a symbolic link": (linked(tarfile.SYMTYPE), MORE),
    "a hard link": (linked(tarfile.LNKTYPE), MORE),
    "a device": (linked(tarfile.CHRTYPE), MORE),
    "a pipe": (linked(tarfile.FIFOTYPE), MORE),
    "a changed file": (swapped, "is not what was packed"),
    "a missing file": (lambda members: members.pop() and None, "missing from the archive"),
    "a file twice": (lambda members: members.append(members[-1]), MORE),
    "a file that the manifest does not name": (
        lambda members: members.append((tarfile.TarInfo("approved-1.json"), b"{}")),
        MORE,
    ),
    "no manifest": (lambda members: members.pop(0) and None, "none of ecotui's"),
    "another log": (lambda members: None, "is not the one that was packed"),
}


@pytest.mark.parametrize("attack", ATTACKS)
def test_an_archive_that_is_not_what_it_says_leaves_nothing_behind(
    attack: str, shelf: SessionStore, tmp_path: Path
) -> None:
    more = {"events": 1} if attack == "another log" else {}
    change, complaint = ATTACKS[attack]
    id, data = made(shelf, change, **more)
    before = sorted(path.as_posix() for path in tmp_path.rglob("*"))

    class There:
        def download(self, key: str, limit: int) -> list[bytes]:
            return [data]

    with pytest.raises(SessionError, match=complaint):
        fetch.download_session(There(), shelf, id)  # type: ignore[arg-type]
    assert sorted(path.as_posix() for path in tmp_path.rglob("*")) == before
    assert not Path("/tmp/ecotui-evil").exists()


def test_an_archive_that_would_fill_the_disk_is_refused_before_it_is_unpacked(
    shelf: SessionStore, tmp_path: Path
) -> None:
    part = {"name": "commands/a/output.log", "size": archive.MAX_UNPACKED_BYTES + 1, "sha256": "0" * 64}
    id, data = made(shelf, lambda members: None, files=[part])
    with pytest.raises(SessionError, match="would unpack to more than"):
        archive.unpack_session([data], tmp_path / "there", id)
    assert list((tmp_path / "there").iterdir()) == []
    # Nor does a member that is longer than it says.
    bomb = gzip.compress(b"\0" * 50_000_000)
    with pytest.raises(SessionError):
        archive.verify_archive([bomb])


@pytest.mark.parametrize("cut", [0, 1, 10, 100, 500, -1, -9])
def test_an_archive_that_was_cut_off_is_refused(cut: int, shelf: SessionStore) -> None:
    _, data = made(shelf, lambda members: None)
    archive.verify_archive([data])
    with pytest.raises(SessionError):
        archive.verify_archive([data[:cut]])


def test_an_archive_of_a_newer_version_is_refused(shelf: SessionStore) -> None:
    _, data = made(shelf, lambda members: None, schema="ecotui.archive/2")
    with pytest.raises(SessionError, match="newer version"):
        archive.verify_archive([data])


def test_a_bucket_and_a_session_are_required(shelf: SessionStore, capsys: pytest.CaptureFixture[str]) -> None:
    past(shelf)
    assert main(["sessions", "archive", "--older-than", "0"]) == 1
    assert "no bucket is named" in capsys.readouterr().err
    assert main(["sessions", "archive", "--to", PLACE]) == 2
    assert main(["sessions", "archive", "--older-than", "0", "--to", PLACE, "--remove"]) == 2


# -- pruning by size -----------------------------------------------------------------------------------------------


def sized(shelf: SessionStore, count: int, size: int) -> list[str]:
    made = []
    for n in range(count):
        session = past(shelf, output="x" * size)
        new = session.folder.with_name(f"2026010{n + 1}-000000-aaaaaa")
        session.folder.rename(new)
        made.append(new.name)
    return made


def test_the_oldest_are_removed_until_the_rest_fits(shelf: SessionStore, capsys: pytest.CaptureFixture[str]) -> None:
    ids = sized(shelf, 4, 1_000_000)
    dry = run(capsys, "prune", "--size", "2.5MB")
    assert [one["id"] for one in dry["sessions"]] == [ids[1], ids[0]]
    assert dry["removed"] is False
    assert 2_000_000 < dry["left_bytes"] < 2_500_000
    assert sorted(shelf.session_ids()) == ids
    assert run(capsys, "prune", "--size", "2.5 mb", "--yes")["removed"] is True
    assert sorted(shelf.session_ids()) == ids[2:]


def test_the_newest_stay_even_when_they_do_not_fit(shelf: SessionStore, capsys: pytest.CaptureFixture[str]) -> None:
    ids = sized(shelf, 3, 100_000)
    assert main(["sessions", "prune", "--size", "0", "--keep", "2"]) == 0
    told = capsys.readouterr().out
    assert ids[0] in told
    assert ids[1] not in told
    assert "protected by --keep" in told
    assert main(["sessions", "prune", "--size", "ten"]) == 2


def test_age_and_size_together_remove_what_either_removes(
    shelf: SessionStore, capsys: pytest.CaptureFixture[str]
) -> None:
    ids = sized(shelf, 3, 100_000)
    told = run(capsys, "prune", "--size", "10GB", "--days", "0", "--keep", "1")
    assert [one["id"] for one in told["sessions"]] == [ids[1], ids[0]]
    assert run(capsys, "prune", "--size", "10GB")["sessions"] == []  # by size alone, age does not matter


def test_a_manifest_round_trips() -> None:
    manifest = archive.ArchiveManifest(
        id="x", events=1, head="h", files=(archive.ArchivedFile("summary.json", 1, "a"),)
    )
    assert msgspec.json.decode(msgspec.json.encode(manifest), type=archive.ArchiveManifest) == manifest

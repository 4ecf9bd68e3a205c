"""The agent of the team's lock: held for as long as somebody here needs it, and never silently lost."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from checks.aws import lease
from checks.aws.lease import AcquiredLease, LeaseRecord
from checks.aws.object_store import ObjectStore, ObjectStoreError
from checks.context import CheckContext
from config import model
from ecotui.session import SessionError, events
from ecotui.session.log import Session
from ecotui.session.private_files import replace_and_lock
from ecotui.session.store import SessionStore
from ecotui.team import lease_client, summaries
from ecotui.team.lease_agent import LeaseAgent
from ecotui.team.lease_client import LeaseClient, LeaseStatus
from ecotui.team.writer_lock import HandoffRequest

ACCOUNT = "123456789012"
TEAM = "s3://eco2-team/ecotui/prod"
ELSEWHERE = LeaseRecord(user="minsu", host="bastion-2", terminal="pts/2", since="2026-11-23 14:03 UTC", seconds=60)
HERE = LeaseRecord(user="hana", host="bastion-1", seconds=60.0)


class Machine:
    """One machine: a state folder, and a agent whose time goes by only when it sleeps."""

    def __init__(self, folder: Path, store: ObjectStore, env: dict[str, str]) -> None:
        self.state = folder / "state"
        self.project = folder / "eco2"
        self.project.mkdir(parents=True)
        self.state.mkdir()
        self.env = env
        self.sessions = SessionStore(self.state)
        settings = model.Settings(
            project="eco2",
            aws=model.AwsSettings(region="ap-northeast-2"),
            sessions=model.SessionsSettings(team=TEAM, lease=60),
        )
        self.context = CheckContext(settings=settings, project=self.project, env=env)
        self.context.__dict__["aws"] = store._aws  # its clients are made already
        self.now = 1000.0
        self.statuses: list[LeaseStatus] = []
        self.client = lease_client.open_lease_client(self.state, self.project, (), env)

    def session(self) -> Session:
        return self.sessions.create(project="eco2", folder=self.project)

    def keep(self, *script: Callable[[LeaseAgent], object]) -> LeaseAgent:
        """Run the agent; before each round, after a beat of its time, the next of these; then its client is closed."""
        steps = list(script)

        def sleep(seconds: float) -> None:
            self.now += 20  # longer than between any two renewals
            found = msgspec.json.decode((self.client.folder / lease_client.STATUS_FILE).read_bytes(), type=LeaseStatus)
            if not self.statuses or self.statuses[-1] != found:
                self.statuses.append(found)
            if steps:
                steps.pop(0)(agent)
            else:
                self.client.release()

        agent = LeaseAgent(self.client.folder, self.context, HERE, clock=lambda: self.now, sleep=sleep)
        agent.run()
        return agent

    def answer(self, *, granted: bool) -> None:
        """Answer who asks, by the last status."""
        status = self.statuses[-1]
        self.client.answer_handoff(HandoffRequest(status.claim, status.question), granted=granted)

    @property
    def states(self) -> list[str]:
        return [one.state for one in self.statuses]


@pytest.fixture
def here(tmp_path: Path, team_store: ObjectStore, aws_env: dict[str, str]) -> Machine:
    return Machine(tmp_path / "here", team_store, aws_env)


def nothing(agent: LeaseAgent) -> None:
    pass


def test_the_lease_is_held_while_a_client_lives_and_released_after(here: Machine, team_store: ObjectStore) -> None:
    seen = []
    here.keep(nothing, lambda _: seen.append(lease.read_lease(team_store, ACCOUNT)))
    assert here.states == ["held"]
    assert seen[0].record.holder_text.startswith("hana@bastion-1")
    assert not seen[0].is_available
    after = lease.read_lease(team_store, ACCOUNT)
    assert after is not None
    assert after.record.free
    assert after.record.renewals >= 1
    assert lease_client.read_lease_status(here.client.folder) is None


def test_a_holder_elsewhere_is_named_and_its_released_lease_is_taken(here: Machine, team_store: ObjectStore) -> None:
    theirs = lease.acquire_lease(team_store, ACCOUNT, ELSEWHERE)
    assert isinstance(theirs, AcquiredLease)
    here.keep(nothing, lambda _: lease.release_lease(team_store, ACCOUNT, theirs), nothing)
    assert here.states == ["taken", "held"]
    assert "minsu@bastion-2 on pts/2, since 2026-11-23 14:03 UTC works in account" in here.statuses[0].refusal_reason()


def test_it_stays_held_while_a_command_of_the_session_runs(
    here: Machine, team_store: ObjectStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = here.session()
    here.client.set_session(session.id)
    work = [True] * 4
    monkeypatch.setattr("ecotui.team.lease_agent.list_running_commands", lambda _: work)
    seen = []

    def left(_: LeaseAgent) -> None:
        here.client.release()

    def look(_: LeaseAgent) -> None:
        found = lease.read_lease(team_store, ACCOUNT)
        seen.append(found is not None and not found.is_available)
        work.pop()

    here.keep(left, look, look, look, look)
    assert seen == [True] * 4
    after = lease.read_lease(team_store, ACCOUNT)
    assert after is not None
    assert after.record.free


def test_a_lost_lease_is_reported_and_logged_and_nothing_is_killed(here: Machine, team_store: ObjectStore) -> None:
    session = here.session()
    here.client.set_session(session.id)

    def stolen(
        _: LeaseAgent,
    ) -> None:  # as after a long sleep of this machine: the lease was over, another took it
        team_store.write(lease.lease_key(ACCOUNT), msgspec.json.encode(msgspec.structs.replace(ELSEWHERE, id="x")))

    here.keep(stolen, nothing, nothing)
    assert here.states[-1] == "lost"
    assert here.statuses[-1].holder.startswith("minsu@bastion-2")
    assert "minsu" in here.statuses[-1].refusal_reason(overridden=True)  # cannot be let pass: somebody works there
    logged = [one.event for one in session.read_records() if isinstance(one.event, events.TeamLockChanged)]
    assert [one.state for one in logged] == ["held", "lost"]
    assert logged[1].holder.startswith("minsu@bastion-2")
    found = lease.read_lease(team_store, ACCOUNT)
    assert found is not None
    assert (found.record.user, found.record.free) == ("minsu", False)  # what is theirs was not let go


def test_an_unreachable_s3_is_reported_and_never_green(here: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    def away(self: ObjectStore, key: str) -> None:
        raise ObjectStoreError("AWS cannot be reached: http://127.0.0.1:9")

    with monkeypatch.context() as patched:
        patched.setattr(ObjectStore, "read", away)
        here.keep(nothing, lambda _: patched.undo(), nothing)
    assert here.states == ["unreachable", "held"]
    assert "could not be checked: AWS cannot be reached" in here.statuses[0].refusal_reason()
    assert "environment.team" in here.statuses[0].refusal_reason()
    assert here.statuses[0].refusal_reason(overridden=True) == ""


def test_a_network_failure_shorter_than_the_lease_changes_nothing(
    here: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    replace = ObjectStore.replace

    def away(self: ObjectStore, key: str, body: bytes, etag: str) -> str:
        raise ObjectStoreError("AWS cannot be reached")

    def cut(_: LeaseAgent) -> None:
        monkeypatch.setattr(ObjectStore, "replace", away)

    def mended(_: LeaseAgent) -> None:
        monkeypatch.setattr(ObjectStore, "replace", replace)

    here.keep(cut, nothing, mended, nothing)
    assert here.states == ["held"]
    here.client = lease_client.open_lease_client(here.state, here.project, (), here.env)
    here.statuses.clear()
    here.keep(cut, nothing, nothing, nothing, nothing, mended, nothing)
    assert here.states == ["held", "lost", "held"]
    assert "could not be renewed in time" in here.statuses[1].message


def test_the_status_of_a_stopped_agent_is_valid_no_longer_than_its_lease(
    here: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[LeaseStatus | None] = []

    def look(_: LeaseAgent) -> None:
        for after in (0.0, 39.0, 61.0):  # it is asleep, or waits for S3
            monkeypatch.setattr(lease_client, "seconds_since_boot", lambda after=after: here.now + after)
            read.append(lease_client.read_lease_status(here.client.folder))

    here.keep(nothing, look, nothing, look)
    assert [one.state for one in read if one] == ["held", "held", "lost"] * 2
    assert read[2] is not None
    assert "was lost: it could not be renewed in time" in read[2].refusal_reason(overridden=True)


def test_the_status_of_a_killed_agent_is_ignored_although_another_one_started(here: Machine) -> None:
    place = here.client.folder
    next_one = os.open(place / lease_client.AGENT_LOCK_FILE, os.O_RDWR | os.O_CREAT)
    fcntl.flock(next_one, fcntl.LOCK_EX)
    word = lease_client.LeaseStatusFile(
        state="held", account=ACCOUNT, claim="x", until=lease_client.seconds_since_boot() + 60
    )
    said = replace_and_lock(place / lease_client.STATUS_FILE, msgspec.json.encode(word))
    assert lease_client.read_lease_status(place) == LeaseStatus(state="held", account=ACCOUNT, claim="x")
    os.close(said)
    assert lease_client.read_lease_status(place) == LeaseStatus()
    os.close(next_one)
    assert lease_client.read_lease_status(place) is None


def test_a_request_from_elsewhere_is_passed_on_and_answered(here: Machine, team_store: ObjectStore) -> None:
    claims = []

    def ask(_: LeaseAgent) -> None:
        found = lease.read_lease(team_store, ACCOUNT)
        assert found is not None
        claims.append(found.record)
        lease.request_lease_handoff(team_store, ACCOUNT, found.record, "minsu@bastion-2")

    def refused(_: LeaseAgent) -> None:
        here.answer(granted=False)

    def asked_again(_: LeaseAgent) -> None:
        found = lease.read_lease_handoff_request(team_store, ACCOUNT, claims[0])
        assert found is not None and found.refused
        ask(_)

    def granted(_: LeaseAgent) -> None:
        here.answer(granted=True)

    here.keep(ask, nothing, refused, nothing, asked_again, nothing, granted, nothing, nothing)
    questions = [one.question for one in here.statuses if one.state == "held"]
    assert questions == ["", "minsu@bastion-2", "", "minsu@bastion-2"]
    assert here.states[-1] == "yielded"  # and is not taken back before the other came
    found = lease.read_lease(team_store, ACCOUNT)
    assert found is not None
    assert found.record.free


def test_a_lease_released_for_a_requester_who_does_not_take_it_is_taken_back(
    here: Machine, team_store: ObjectStore
) -> None:
    def granted(_: LeaseAgent) -> None:
        here.answer(granted=True)

    here.keep(nothing, granted, *[nothing] * 4)
    assert here.states == ["held", "yielded", "held"]


def test_summaries_are_shared_masked_and_listed_elsewhere(
    here: Machine, team_store: ObjectStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GRAFANA_TOKEN", "correct-horse-battery-1")
    before = here.session()  # of a time without a network
    before.end("rebuilt")
    session = here.session()
    here.client.set_session(session.id)

    def noted(_: LeaseAgent) -> None:
        session.append(events.NoteAdded(text="the token is correct-horse-battery-1"))

    here.keep(nothing, noted, nothing)
    listed = {one.summary.id: one for one in summaries.read_team_sessions(team_store)}
    assert set(listed) == {before.id, session.id}
    assert listed[before.id].summary.outcome == "rebuilt"
    assert listed[session.id].host
    (note,) = listed[session.id].summary.notes
    assert "correct-horse" not in note
    for one in team_store.list_entries("sessions/"):
        stored = team_store.read(one.key)
        assert stored is not None
        assert b"correct-horse" not in stored.body


def test_objects_that_are_no_summaries_are_left_out_of_the_list(team_store: ObjectStore) -> None:
    team_store.write("sessions/x.json", b"{}")
    team_store.write("sessions/20260101-000000-aaaaaa.json", b"\xff")
    team_store.write(
        "sessions/20260101-000000-bbbbbb.json",
        b'{"host": "\\u001b[2Jh", "summary": {"id": "20260101-000000-bbbbbb", "by": "a\\u001b]0;x"}}',
    )
    (found,) = summaries.read_team_sessions(team_store)
    assert found.host == "h"
    assert "\x1b" not in found.summary.by


def test_a_client_that_opens_while_the_agent_ends_keeps_it_running_or_reads_no_status(
    here: Machine, team_store: ObjectStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[str] = []
    unlink = Path.unlink
    came: list[LeaseClient] = []

    def after_the_standing(path: Path, missing_ok: bool = False) -> None:
        unlink(path, missing_ok=missing_ok)
        if path.name == lease_client.STATUS_FILE and here.statuses and not came:
            came.append(lease_client.open_lease_client(here.state, here.project, (), here.env))
            found = lease_client.read_lease_status(here.client.folder)
            read.append(found.state if found else "")

    monkeypatch.setattr(Path, "unlink", after_the_standing)

    def leaves(_: LeaseAgent) -> None:
        here.client.release()

    def held_for_them(_: LeaseAgent) -> None:
        found = lease.read_lease(team_store, ACCOUNT)
        read.append("free" if found is None or found.record.free else "held")
        came[0].release()

    here.keep(nothing, leaves, held_for_them, nothing)
    assert read == ["asking", "held"]
    after = lease.read_lease(team_store, ACCOUNT)
    assert after is not None
    assert after.record.free


def test_a_client_file_that_was_removed_as_dead_is_made_again(here: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    flock, swept = lease_client.fcntl.flock, []

    def swept_before(fd: int, how: int) -> None:
        if not swept:
            swept.append(
                next(path for path in (here.client.folder / lease_client.CLIENTS_FOLDER).iterdir() if path != mine)
            )
            swept[0].unlink()
        flock(fd, how)

    mine = here.client._client_file
    monkeypatch.setattr(lease_client.fcntl, "flock", swept_before)
    seat = lease_client.open_lease_client(here.state, here.project, (), here.env)
    assert swept
    assert seat._client_file.exists()


def test_a_second_agent_does_not_disturb_the_first(here: Machine) -> None:
    other = LeaseAgent(here.client.folder, here.context, HERE, clock=lambda: here.now, sleep=lambda _: later())

    def later() -> None:
        here.now += 1

    here.keep(lambda _: other.run(), nothing)
    assert here.states == ["held"]


def test_a_client_folder_that_is_a_link_is_refused(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "state").mkdir()
    (tmp_path / "state" / "locks").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(SessionError, match="link"):
        lease_client.open_lease_client(tmp_path / "state", tmp_path, (), {})

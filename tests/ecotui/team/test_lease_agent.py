"""The keeper of the team's lock: held for as long as somebody here needs it, and never silently lost."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from checks.aws import lease
from checks.aws.lease import Claim, Held
from checks.aws.object_store import ObjectStore, StoreError
from checks.context import World
from config import model
from ecotui.session import SessionError, events
from ecotui.session.log import Session
from ecotui.session.private_files import replace_held
from ecotui.session.store import Store
from ecotui.team import lease_client, summaries
from ecotui.team.lease_agent import Keeper
from ecotui.team.lease_client import Seat, Standing

ACCOUNT = "123456789012"
TEAM = "s3://eco2-team/ecotui/prod"
ELSEWHERE = Claim(user="minsu", host="bastion-2", terminal="pts/2", since="2026-11-23 14:03 UTC", seconds=60)
HERE = Claim(user="hana", host="bastion-1", seconds=60.0)


class Machine:
    """One machine: a state folder, and a keeper whose time goes by only when it sleeps."""

    def __init__(self, folder: Path, store: ObjectStore, env: dict[str, str]) -> None:
        self.state = folder / "state"
        self.project = folder / "eco2"
        self.project.mkdir(parents=True)
        self.state.mkdir()
        self.env = env
        self.shelf = Store(self.state)
        settings = model.Settings(
            project="eco2",
            aws=model.Aws(region="ap-northeast-2"),
            sessions=model.Sessions(team=TEAM, lease=60),
        )
        self.world = World(settings=settings, project=self.project, env=env)
        self.world.__dict__["aws"] = store._aws  # its clients are made already
        self.now = 1000.0
        self.told: list[Standing] = []
        self.seat = lease_client.take_seat(self.state, self.project, (), env)

    def session(self) -> Session:
        return self.shelf.create(project="eco2", folder=self.project)

    def keep(self, *script: Callable[[Keeper], object]) -> Keeper:
        """Run the keeper; before each round, after a beat of its time, the next of these; then its seat is left."""
        steps = list(script)

        def sleep(seconds: float) -> None:
            self.now += 20  # longer than between any two renewals
            found = msgspec.json.decode((self.seat.place / lease_client.STANDING).read_bytes(), type=Standing)
            if not self.told or self.told[-1] != found:
                self.told.append(found)
            if steps:
                steps.pop(0)(keeper)
            else:
                self.seat.leave()

        keeper = Keeper(self.seat.place, self.world, HERE, clock=lambda: self.now, sleep=sleep)
        keeper.run()
        return keeper

    @property
    def states(self) -> list[str]:
        return [one.state for one in self.told]


@pytest.fixture
def here(tmp_path: Path, team_store: ObjectStore, aws_env: dict[str, str]) -> Machine:
    return Machine(tmp_path / "here", team_store, aws_env)


def nothing(keeper: Keeper) -> None:
    pass


def test_it_is_held_while_somebody_has_a_seat_and_let_go_after(
    here: Machine, team_store: ObjectStore
) -> None:
    seen = []
    here.keep(nothing, lambda _: seen.append(lease.look(team_store, ACCOUNT)))
    assert here.states == ["held"]
    assert seen[0].claim.who.startswith("hana@bastion-1")
    assert not seen[0].over
    after = lease.look(team_store, ACCOUNT)
    assert after is not None
    assert after.claim.free
    assert after.claim.renewals >= 1
    assert lease_client.standing(here.seat.place) is None


def test_who_has_it_elsewhere_is_named_and_it_is_ours_when_they_let_go(
    here: Machine, team_store: ObjectStore
) -> None:
    theirs = lease.take(team_store, ACCOUNT, ELSEWHERE)
    assert isinstance(theirs, Held)
    here.keep(nothing, lambda _: lease.release(team_store, ACCOUNT, theirs), nothing)
    assert here.states == ["taken", "held"]
    assert "minsu@bastion-2 on pts/2, since 2026-11-23 14:03 UTC works in account" in here.told[0].refusal()


def test_it_stays_held_while_a_command_of_the_session_runs(
    here: Machine, team_store: ObjectStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = here.session()
    here.seat.about(session.id)
    work = [True] * 4
    monkeypatch.setattr("ecotui.team.lease_agent.running", lambda _: work)
    seen = []

    def left(_: Keeper) -> None:
        here.seat.leave()

    def look(_: Keeper) -> None:
        found = lease.look(team_store, ACCOUNT)
        seen.append(found is not None and not found.over)
        work.pop()

    here.keep(left, look, look, look, look)
    assert seen == [True] * 4
    after = lease.look(team_store, ACCOUNT)
    assert after is not None
    assert after.claim.free


def test_a_lock_that_is_lost_while_work_goes_on_is_told_and_logged_and_nothing_is_killed(
    here: Machine, team_store: ObjectStore
) -> None:
    session = here.session()
    here.seat.about(session.id)

    def stolen(
        _: Keeper,
    ) -> None:  # as after a long sleep of this machine: the lease was over, another took it
        team_store.write(lease.key(ACCOUNT), msgspec.json.encode(msgspec.structs.replace(ELSEWHERE, id="x")))

    here.keep(stolen, nothing, nothing)
    assert here.states[-1] == "lost"
    assert here.told[-1].holder.startswith("minsu@bastion-2")
    assert "minsu" in here.told[-1].refusal(passed=True)  # cannot be let pass: somebody works there
    logged = [one.event for one in session.records() if isinstance(one.event, events.TeamLock)]
    assert [one.state for one in logged] == ["held", "lost"]
    assert logged[1].holder.startswith("minsu@bastion-2")
    found = lease.look(team_store, ACCOUNT)
    assert found is not None
    assert (found.claim.user, found.claim.free) == ("minsu", False)  # what is theirs was not let go


def test_s3_that_cannot_be_reached_is_said_and_never_green(
    here: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(self: ObjectStore, key: str) -> None:
        raise StoreError("AWS cannot be reached: http://127.0.0.1:9")

    with monkeypatch.context() as patched:
        patched.setattr(ObjectStore, "read", away)
        here.keep(nothing, lambda _: patched.undo(), nothing)
    assert here.states == ["unreachable", "held"]
    assert "could not be looked at: AWS cannot be reached" in here.told[0].refusal()
    assert "environment.team" in here.told[0].refusal()
    assert here.told[0].refusal(passed=True) == ""


def test_a_network_that_is_gone_for_shorter_than_the_lease_changes_nothing(
    here: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    replace = ObjectStore.replace

    def away(self: ObjectStore, key: str, body: bytes, etag: str) -> str:
        raise StoreError("AWS cannot be reached")

    def cut(_: Keeper) -> None:
        monkeypatch.setattr(ObjectStore, "replace", away)

    def mended(_: Keeper) -> None:
        monkeypatch.setattr(ObjectStore, "replace", replace)

    here.keep(cut, nothing, mended, nothing)
    assert here.states == ["held"]
    here.seat = lease_client.take_seat(here.state, here.project, (), here.env)
    here.told.clear()
    here.keep(cut, nothing, nothing, nothing, nothing, mended, nothing)
    assert here.states == ["held", "lost", "held"]
    assert "could not be renewed in time" in here.told[1].message


def test_the_word_of_a_keeper_that_is_stopped_holds_no_longer_than_its_lease(
    here: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[Standing | None] = []

    def look(_: Keeper) -> None:
        for after in (0.0, 39.0, 61.0):  # it is asleep, or waits for S3
            monkeypatch.setattr(lease_client, "since_boot", lambda after=after: here.now + after)
            read.append(lease_client.standing(here.seat.place))

    here.keep(nothing, look, nothing, look)
    assert [one.state for one in read if one] == ["held", "held", "lost"] * 2
    assert read[2] is not None
    assert "was lost: it could not be renewed in time" in read[2].refusal(passed=True)


def test_the_word_of_a_keeper_that_was_killed_says_nothing_though_the_next_one_began(here: Machine) -> None:
    place = here.seat.place
    next_one = os.open(place / lease_client.KEEPER, os.O_RDWR | os.O_CREAT)
    fcntl.flock(next_one, fcntl.LOCK_EX)
    word = lease_client.Word(state="held", account=ACCOUNT, claim="x", until=lease_client.since_boot() + 60)
    said = replace_held(place / lease_client.STANDING, msgspec.json.encode(word))
    assert lease_client.standing(place) == Standing(state="held", account=ACCOUNT, claim="x")
    os.close(said)
    assert lease_client.standing(place) == Standing()
    os.close(next_one)
    assert lease_client.standing(place) is None


def test_a_question_from_elsewhere_is_passed_on_and_answered(here: Machine, team_store: ObjectStore) -> None:
    claims = []

    def ask(_: Keeper) -> None:
        found = lease.look(team_store, ACCOUNT)
        assert found is not None
        claims.append(found.claim)
        lease.ask(team_store, ACCOUNT, found.claim, "minsu@bastion-2")

    def refused(_: Keeper) -> None:
        here.seat.answer(here.told[-1], yielding=False)

    def asked_again(_: Keeper) -> None:
        found = lease.question(team_store, ACCOUNT, claims[0])
        assert found is not None and found.refused
        ask(_)

    def granted(_: Keeper) -> None:
        here.seat.answer(here.told[-1], yielding=True)

    here.keep(ask, nothing, refused, nothing, asked_again, nothing, granted, nothing, nothing)
    questions = [one.question for one in here.told if one.state == "held"]
    assert questions == ["", "minsu@bastion-2", "", "minsu@bastion-2"]
    assert here.states[-1] == "yielded"  # and is not taken back before the other came
    found = lease.look(team_store, ACCOUNT)
    assert found is not None
    assert found.claim.free


def test_what_was_let_go_for_one_who_does_not_come_is_taken_back(
    here: Machine, team_store: ObjectStore
) -> None:
    def granted(_: Keeper) -> None:
        here.seat.answer(here.told[-1], yielding=True)

    here.keep(nothing, granted, *[nothing] * 4)
    assert here.states == ["held", "yielded", "held"]


def test_summaries_are_shared_masked_and_listed_elsewhere(
    here: Machine, team_store: ObjectStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GRAFANA_TOKEN", "correct-horse-battery-1")
    before = here.session()  # of a time without a network
    before.end("rebuilt")
    session = here.session()
    here.seat.about(session.id)

    def noted(_: Keeper) -> None:
        session.append(events.Noted(text="the token is correct-horse-battery-1"))

    here.keep(nothing, noted, nothing)
    listed = {one.summary.id: one for one in summaries.read(team_store)}
    assert set(listed) == {before.id, session.id}
    assert listed[before.id].summary.outcome == "rebuilt"
    assert listed[session.id].host
    (note,) = listed[session.id].summary.notes
    assert "correct-horse" not in note
    for one in team_store.listing("sessions/"):
        stored = team_store.read(one.key)
        assert stored is not None
        assert b"correct-horse" not in stored.body


def test_what_is_no_summary_is_left_out_of_the_list(team_store: ObjectStore) -> None:
    team_store.write("sessions/x.json", b"{}")
    team_store.write("sessions/20260101-000000-aaaaaa.json", b"\xff")
    team_store.write(
        "sessions/20260101-000000-bbbbbb.json",
        b'{"host": "\\u001b[2Jh", "summary": {"id": "20260101-000000-bbbbbb", "by": "a\\u001b]0;x"}}',
    )
    (found,) = summaries.read(team_store)
    assert found.host == "h"
    assert "\x1b" not in found.summary.by


def test_whoever_comes_while_it_goes_either_keeps_it_or_reads_nothing_that_ends(
    here: Machine, team_store: ObjectStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[str] = []
    unlink = Path.unlink
    came: list[Seat] = []

    def after_the_standing(path: Path, missing_ok: bool = False) -> None:
        unlink(path, missing_ok=missing_ok)
        if path.name == lease_client.STANDING and here.told and not came:
            came.append(lease_client.take_seat(here.state, here.project, (), here.env))
            found = lease_client.standing(here.seat.place)
            read.append(found.state if found else "")

    monkeypatch.setattr(Path, "unlink", after_the_standing)

    def leaves(_: Keeper) -> None:
        here.seat.leave()

    def held_for_them(_: Keeper) -> None:
        found = lease.look(team_store, ACCOUNT)
        read.append("free" if found is None or found.claim.free else "held")
        came[0].leave()

    here.keep(nothing, leaves, held_for_them, nothing)
    assert read == ["asking", "held"]
    after = lease.look(team_store, ACCOUNT)
    assert after is not None
    assert after.claim.free


def test_a_seat_that_was_taken_for_a_dead_one_is_taken_again(
    here: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    flock, swept = lease_client.fcntl.flock, []

    def swept_before(fd: int, how: int) -> None:
        if not swept:
            swept.append(
                next(path for path in (here.seat.place / lease_client.SEATS).iterdir() if path != mine)
            )
            swept[0].unlink()
        flock(fd, how)

    mine = here.seat._path
    monkeypatch.setattr(lease_client.fcntl, "flock", swept_before)
    seat = lease_client.take_seat(here.state, here.project, (), here.env)
    assert swept
    assert seat._path.exists()


def test_a_second_keeper_leaves_the_first_alone(here: Machine) -> None:
    other = Keeper(here.seat.place, here.world, HERE, clock=lambda: here.now, sleep=lambda _: later())

    def later() -> None:
        here.now += 1

    here.keep(lambda _: other.run(), nothing)
    assert here.states == ["held"]


def test_a_seat_where_the_folder_is_a_link_is_refused(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "state").mkdir()
    (tmp_path / "state" / "locks").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(SessionError, match="link"):
        lease_client.take_seat(tmp_path / "state", tmp_path, (), {})

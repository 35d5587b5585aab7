"""`blindlink refresh` as real processes that are killed, or meet each other; the broker is killed too.

Whatever the moment: the links in force are the old ones or the new ones, whole; the next start goes on; no
container is sent twice; and in the end both agencies' link IDs join, and are those of the week before.
"""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from campaign.reports import Tally
from campaign.size import times
from rigs.live import LiveAgency, LiveBroker, compare, ended, live_broker, started
from rigs.rehearsal import PROFILE, Rehearsal, links_of, rehearsing_agency, write_rehearsal
from rigs.weeks import opens

pytestmark = pytest.mark.long
# What the broker has just answered when a process is killed.
PART = ("PUT", "/v1/uploads/{upload}/parts/{number}")
COMMIT = ("POST", "/v1/uploads/{upload}/commit")
RELEASE = ("GET", "/v1/releases/{release}/file")
OWN_CLAIMS = ("PUT", "/v1/projects/{project}/rounds/{round}/claims/{partner}")
THEIR_CLAIMS = ("GET", "/v1/projects/{project}/rounds/{round}/claims/{partner}")
MOMENTS = (PART, COMMIT, RELEASE, THEIR_CLAIMS, OWN_CLAIMS)
LOOK_S = 0.01
PATIENCE_S = 120
# So few that their encodings are not attacked before each upload, which takes its time.
N_CHILDREN, N_STUDENTS = 120, 450


class Jobs:
    """Two agencies' jobs at one broker, the people in their files, and child welfare's last links."""

    def __init__(
        self,
        broker: LiveBroker,
        people: Rehearsal,
        welfare: LiveAgency,
        schools: LiveAgency,
        frequency: str,
    ) -> None:
        self.broker, self.people, self.welfare, self.schools = broker, people, welfare, schools
        begin = ("--begin",) if frequency == "on-request" else ()
        self.words = ("blindlink", "refresh", *begin)

    def turn(self, *agencies: LiveAgency) -> list[int]:
        """Let jobs run side by side; returns how each ended: done, or waiting for the other agency."""
        if len(agencies) == 1:
            # Nobody kills it, so it needs no process of its own.
            code, *told = ended(agencies[0].folder, *self.words)
            assert code in {0, 7}, told
            return [code]
        processes = [started(one.folder, *self.words) for one in agencies]
        said = [process.communicate(timeout=PATIENCE_S) for process in processes]
        ends = [process.returncode for process in processes]
        assert set(ends) <= {0, 7}, said
        return ends

    def round(self) -> None:
        """Let both jobs run in turn until child welfare has the links of a whole round."""
        assert self.turn(self.welfare) == [7]
        # Their claims close the round, once ours are there.
        assert self.turn(self.schools) == [7]
        assert self.turn(self.welfare) == [0]
        assert self.turn(self.schools) == [7]

    def finish(self) -> None:
        """Let both jobs run in turn until both have the links of one round."""
        for _ in range(4):
            ended = self.turn(self.welfare)
            self.turn(self.schools)
            if ended == [0]:
                return
        raise AssertionError("the jobs do not end")

    def requests(self) -> int:
        """Return how long the broker's log is."""
        return (self.broker.folder / "serve.log").stat().st_size

    def has_answered(self, moment: tuple[str, str], since: int) -> bool:
        """Tell whether the broker has answered such a request after its log was so long."""
        method, route = moment
        with (self.broker.folder / "serve.log").open("rb") as log:
            log.seek(since)
            events = [json.loads(line) for line in log if line.startswith(b"{") and b"\n" in line]
        return any((one.get("method"), one.get("route")) == (method, route) for one in events)

    def disturb(
        self, moment: tuple[str, str], harm: Callable[[subprocess.Popen[str]], None]
    ) -> bool:
        """Start child welfare's job, and do harm right after an answer; false if there was no such answer."""
        since = self.requests()
        process = started(self.welfare.folder, *self.words)
        deadline = time.monotonic() + PATIENCE_S
        while process.poll() is None:
            assert time.monotonic() < deadline
            if self.has_answered(moment, since):
                harm(process)
                process.communicate(timeout=PATIENCE_S)
                return True
            time.sleep(LOOK_S)
        said = process.communicate()
        assert process.returncode in {0, 7}, said
        return False

    def require_same(self, before: dict[str, str]) -> None:
        """Child welfare's file of links is whole, and link IDs are those of the week before.

        A pair that is nearly in doubt may be linked in one round and not in the next.
        """
        now = links_of(self.welfare)
        assert all(len(link) == 32 for link in now.values())
        common = now.keys() & before.keys()
        assert len(common) > 0.9 * len(before)
        assert {record: now[record] for record in common} == {
            record: before[record] for record in common
        }

    def require_joined(self) -> None:
        """Both agencies have the same link ID for the same people, and hardly any is missing."""
        mine, theirs = links_of(self.welfare), links_of(self.schools)
        assert sorted(mine.values()) == sorted(theirs.values())
        student_with = {link: student for student, link in theirs.items()}
        right = [
            client
            for client, link in mine.items()
            if self.people.student_of.get(client) == student_with[link]
        ]
        # Of so few links one may be wrong.
        assert len(right) >= len(mine) - 1 > 0.8 * len(self.people.student_of)


@pytest.fixture
def jobs(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Jobs]:
    people = write_rehearsal(tmp_path, children=N_CHILDREN, students=N_STUDENTS)
    frequency = getattr(request, "param", "on-request")
    with live_broker(tmp_path / "broker", PROFILE, frequency=frequency) as broker:
        welfare, schools = (
            rehearsing_agency(broker, tmp_path / party, party, people.files[party])
            for party in ("welfare", "schools")
        )
        compare(welfare, schools)
        for words in (("secret", "share"), *[("secret", "accept")] * 2, ("round", "--ready")):
            for agency in (welfare, schools):
                agency.type(*words)
        yield Jobs(broker, people, welfare, schools, frequency)


@pytest.mark.campaign("kills-agency", database="sqlite")
def test_a_killed_job_leaves_whole_links_and_goes_on(jobs: Jobs, tally: Tally) -> None:
    moments = MOMENTS[:: times(quick=4, full=1)]
    n_rounds = times(quick=1, full=10)
    jobs.round()
    jobs.require_joined()
    before = links_of(jobs.welfare)
    n_killed = 0
    for _ in range(n_rounds):
        for moment in moments:
            # The schools' part is always done as far as it can be.
            jobs.turn(jobs.schools)
            n_killed += jobs.disturb(moment, lambda process: process.kill())
            jobs.require_same(before)
        jobs.finish()
        jobs.require_same(before)
        jobs.require_joined()
    assert n_killed >= n_rounds * (len(moments) - 1)
    left = {path.name for path in (jobs.welfare.folder / "workspace").iterdir()}
    assert "scratch" not in left
    kept = {
        path.name.split(".")[1] for path in (jobs.welfare.folder / "workspace/outbox").iterdir()
    }
    assert opens(jobs.welfare)[0] == {int(number) for number in kept}
    jobs.welfare.type("receipts")
    tally.tried(n_killed)


@pytest.mark.campaign("kills-agency", database="sqlite")
def test_a_killed_broker_or_worker_loses_nothing(jobs: Jobs, tally: Tally) -> None:
    jobs.turn(jobs.schools)
    for service, moment in (("serve", PART), ("work", COMMIT), ("serve", OWN_CLAIMS)):
        jobs.disturb(moment, lambda _, name=service: jobs.broker.kill(name))
        jobs.turn(jobs.schools)
    jobs.finish()
    jobs.require_joined()
    tally.tried(3)


@pytest.mark.parametrize("jobs", ["daily"], indirect=True)
@pytest.mark.campaign("two-at-once", database="sqlite")
def test_jobs_of_both_agencies_at_the_same_moment_end_with_link_ids_that_join(jobs: Jobs) -> None:
    for _ in range(4):
        if jobs.turn(jobs.welfare, jobs.schools) == [0, 0]:
            break
    else:
        raise AssertionError("the jobs do not end")
    jobs.require_joined()
    # One more time nothing is due.
    assert jobs.turn(jobs.welfare, jobs.schools) == [0, 0]

"""An upgrade while a run is in flight: workers of two versions on one database, as real processes."""

from __future__ import annotations

import json
from itertools import takewhile
from pathlib import Path

import pytest
from rigs.broker_processes import environment
from rigs.broker_twins import released_matches
from rigs.linkage import Linkage
from rigs.next_version import NextVersion, ended, started

import app
from app.clock import utc_now
from app.migrations.steps import require_current
from schemas.documents.problem import Problem

THIS_VERSION = Path(app.__file__).parents[1]


@pytest.fixture
def hand_clock(hand_clock):
    """The time of the processes."""
    hand_clock.now = utc_now()
    return hand_clock


@pytest.fixture
def settings(settings):
    return settings.model_copy(update={"lease_s": 1})


@pytest.mark.long
def test_a_run_goes_on_in_the_version_that_migrated_the_database(
    linkage: Linkage, queued: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.db.TRUST_S", 0)
    state, given = linkage.broker.settings.state_dir, environment(linkage.broker.settings)
    after = NextVersion(tmp_path / "next")
    # As `serve` of this version does when it starts.
    require_current(linkage.broker.database)

    with (
        started(THIS_VERSION, state, "work", "--pausing", **given) as holder,
        started(after.folder, state, "migrate", **given) as migration,
    ):
        assert holder.stdout is not None
        assert holder.stdout.readline() == "stored\n"
        assert ended(migration) == (0, f"migrated to {after.revision}\n")
        code, said = ended(holder)
    assert code == 1
    assert said.endswith(
        "blindlink-broker: error: "
        "the database was migrated for another version of the broker while this one ran\n"
        "hint: start the version that migrated it\n"
    )
    assert Problem.from_json(linkage.get("/readyz").json()).code == "schema-changed"

    linkage.broker.database.hold_to(after.revision)
    with started(after.folder, state, "work", **given) as successor:
        assert successor.stderr is not None
        lines = list(takewhile(lambda line: '"run_completed"' not in line, successor.stderr))
        successor.terminate()
        assert ended(successor)[0] == 0
    # What the version before has stored is not compared again, and the result is that of one version alone.
    before, after_it = (
        [json.loads(line)["block"] for line in lines if '"range_stored"' in line]
        for lines in (said.splitlines(), lines)
    )
    assert len(before) == 1 < len(after_it)
    assert sorted(before + after_it) == list(range(1 + len(after_it)))
    assert {len(found) for found in released_matches(linkage.broker).values()} == {12}
    assert linkage.log_kinds().count("run-finished") == 1

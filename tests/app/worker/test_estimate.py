"""What a run is said to cost before there is one."""

from __future__ import annotations

import json
from itertools import count
from random import Random

import pytest
from click.testing import CliRunner
from rigs.broker_processes import environment
from rigs.linkage import CHILD_WELFARE, Linkage
from samples.matching_profiles import block_profile
from samples.round_files import random_people

from app.cli.main import main
from app.matching.blocks.ranges import Sizes
from app.worker.estimate import RunEstimate, estimate_run

PROFILE = block_profile()
SIZES = Sizes(smaller=1_000, larger=50_000)


def estimated(sizes: Sizes = SIZES, **options: int) -> RunEstimate:
    ticks = count()
    return estimate_run(PROFILE, sizes, clock=lambda: next(ticks), **options)


def test_rows_and_bytes_are_those_of_the_containers(linkage: Linkage) -> None:
    made = linkage.upload_both(30, 12, 8)
    expected = estimate_run(linkage.profile, Sizes(smaller=30, larger=30))
    assert expected.n_rows == sum(one.header.rows for one in made)
    assert expected.upload_bytes == sum(len(one.content) - len(one.parts[0]) for one in made)


def test_what_grows_with_the_files_grows_and_a_sample_is_never_nothing() -> None:
    one, ten = estimated(), estimated(Sizes(smaller=10_000, larger=500_000))
    for name in ("n_rows", "upload_bytes", "most_meetings", "disk_bytes"):
        assert getattr(ten, name) == 10 * getattr(one, name)
    assert one.seconds < ten.seconds
    assert one.memory_bytes < ten.memory_bytes < 1.2 * one.memory_bytes
    # More threads take more memory.
    assert estimated(n_threads=4).memory_bytes > estimated().memory_bytes
    # A sample takes a moment and is never nothing.
    assert 0 < estimate_run(PROFILE, SIZES).seconds < 60


def test_an_upload_that_cannot_fit_is_refused_before_it_is_sent_and_resumed_where_the_rest_fits(
    linkage: Linkage, monkeypatch: pytest.MonkeyPatch
) -> None:
    linkage.open_round()
    made = linkage.container(random_people(Random(1), 30), CHILD_WELFARE)
    with monkeypatch.context() as patched:
        patched.setattr(type(linkage.broker.blobs), "free_bytes", lambda _: 1000)
        answer = linkage.open(made, CHILD_WELFARE)
    assert answer.status_code == 507
    assert "no room for" in answer.json()["detail"]
    assert linkage.open(made, CHILD_WELFARE).status_code == 201
    # An upload of which most is there is resumed where the rest fits.
    upload = linkage.open(made, CHILD_WELFARE).json()["upload"]
    *sent, last = made.parts
    for number, part in enumerate(sent):
        assert linkage.put(upload, number, part, CHILD_WELFARE).status_code == 200
    monkeypatch.setattr(type(linkage.broker.blobs), "free_bytes", lambda _: len(last))
    answer = linkage.open(made, CHILD_WELFARE)
    assert (answer.status_code, answer.json().get("upload")) == (201, upload)


def test_an_operator_is_told_what_a_run_of_the_agreed_files_takes(linkage: Linkage) -> None:
    def said(*options: str) -> str:
        state, project = str(linkage.broker.settings.state_dir), linkage.terms.project
        words = ["--state", state, "project", "estimate", project, *options]
        done = CliRunner().invoke(main, words, env=environment(linkage.broker.settings))
        assert done.exit_code == 0, done.output
        return done.stdout

    (pair,) = json.loads(said("--json", "--records", "50000", "1000"))["pairs"]
    assert pair["sizes"] == {"smaller": 1_000, "larger": 50_000}
    (agreed,) = json.loads(said("--json"))["pairs"]
    most = {file.party: file.most for file in linkage.terms.files}
    assert agreed["sizes"]["larger"] == most[agreed["larger"]]
    assert "at 0.5 an hour" in said("--price", "0.5")
    assert "has no result" not in said("--records", "50000", "1000")
    beyond = said("--records", "60000000", "60000000")
    assert "a run that finds more than 50,000,000 has no result" in beyond

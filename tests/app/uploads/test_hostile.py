"""Containers that no honest agency makes: refused part by part, or at the commit, each by its rule."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from rigs.linkage import CHILD_WELFARE, SCHOOL, Linkage
from rigs.refused_calls import code_of, refused
from samples.round_files import Container, container_of, random_people

from app.matching.blocks.rows import Rows, read_rows
from schemas.rounds.upload import HANDLES_PER_PIECE, serialise_header

pytestmark = pytest.mark.campaign("malformed")

N_PEOPLE = 8


@pytest.fixture
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Parts of few rows, so that small files have several."""
    monkeypatch.setattr("schemas.rounds.upload.ROWS_PER_PIECE", 10)
    monkeypatch.setattr("schemas.rounds.upload.HANDLES_PER_PIECE", 3)


def rows_in(made: Container) -> Rows:
    n_table = made.header.records * 16
    return read_rows(b"".join(made.parts[1:])[n_table:]).copy()


def handles_in(made: Container) -> list[bytes]:
    return sorted(made.handles)


def rebuilt(
    linkage: Linkage, made: Container, rows: Rows, handles: list[bytes] | None = None
) -> Container:
    """Return the container with other rows or handles, of which all digests fit."""
    header = made.header
    name = linkage.name_of(header.party, header.partner, linkage.round())
    table = handles or handles_in(made)
    return container_of(table, rows, made.handles, linkage.profile, name, header.side)


def honest(linkage: Linkage, party: str) -> Container:
    return linkage.container(random_people(linkage.rng, N_PEOPLE), party)


def first_refusal(linkage: Linkage, made: Container, party: str) -> tuple[str, int | None]:
    """Send and commit a container; return the code of the first refusal, and the part it came with."""
    upload = linkage.open(made, party).json()["upload"]
    for number, part in enumerate(made.parts):
        answer = linkage.put(upload, number, part, party)
        if answer.status_code != 200:
            assert 400 <= answer.status_code < 500
            return code_of(answer), number
    answer = linkage.commit(upload, linkage.manifest(made, party), party)
    assert 400 <= answer.status_code < 500, answer.text
    return code_of(answer), None


def swapped(rows: Rows) -> None:
    rows[[3, 4]] = rows[[4, 3]]


def same_row_twice(rows: Rows) -> None:
    rows["token"][1], rows["record"][1] = rows["token"][0], rows["record"][0]


def of_no_record(rows: Rows) -> None:
    rows["record"][5] = N_PEOPLE


def all_of_one_record(rows: Rows) -> None:
    rows["record"] = 0


def one_token_twice(rows: Rows) -> None:
    order = np.argsort(rows["record"][:2])
    rows["token"][1] = rows["token"][0]
    rows[:2] = rows[:2][order]
    if rows["record"][0] == rows["record"][1]:
        rows["record"][1] = (rows["record"][0] + 1) % N_PEOPLE


def moved_parts(rows: Rows) -> None:
    rows[:20] = np.concatenate([rows[10:20], rows[:10]])


def uneven(rows: Rows) -> None:
    rows["record"][int(np.flatnonzero(rows["record"] == 0)[0])] = 1


def one_token_across_a_boundary(rows: Rows) -> None:
    rows["token"][10] = rows["token"][9]
    # The same record twice would break another rule, as would one record with more rows than the others.
    other = int(np.flatnonzero(rows["record"] != rows["record"][9])[-1])
    rows["record"][[10, other]] = rows["record"][[other, 10]]
    rows["record"][[9, 10]] = np.sort(rows["record"][[9, 10]])


def spoilt(linkage: Linkage, party: str, spoil: Callable[[Rows], None]) -> Container:
    """Return an honest container of which the rows were spoilt."""
    made = honest(linkage, party)
    rows = rows_in(made)
    spoil(rows)
    return rebuilt(linkage, made, rows)


def test_rows_that_break_a_rule_are_refused_as_they_come(linkage: Linkage) -> None:
    for spoil, code in (
        (swapped, "row-order"),
        # The smaller file may have one token twice, but not for one record.
        (same_row_twice, "row-order"),
        (of_no_record, "record-number"),
        (all_of_one_record, "row-count"),
    ):
        made = spoilt(linkage, CHILD_WELFARE, spoil)
        assert first_refusal(linkage, made, CHILD_WELFARE) == (code, 2), spoil
    code, number = first_refusal(linkage, spoilt(linkage, SCHOOL, one_token_twice), SCHOOL)
    assert (code in {"repeated-token", "row-order"}, number) == (True, 2)
    # More rows than the profile gives are refused before they come.
    made = honest(linkage, CHILD_WELFARE)
    rows = rows_in(made)
    longer = rebuilt(linkage, made, np.concatenate([rows, rows[-1:]]))
    assert code_of(linkage.open(longer, CHILD_WELFARE)) == "container-size"
    handles = handles_in(made)
    for wrong in ([handles[1], *handles[1:]], [handles[1], handles[0], *handles[2:]]):
        bent = rebuilt(linkage, made, rows, wrong)
        assert first_refusal(linkage, bent, CHILD_WELFARE) == ("record-order", 1)
    # A root that is not of the pieces.
    made = linkage.container(random_people(linkage.rng, N_PEOPLE), CHILD_WELFARE, root="0" * 64)
    assert first_refusal(linkage, made, CHILD_WELFARE) == ("container-root", None)
    assert linkage.log_entries()[-1]["body"] == {"rule": "container-root"}


@pytest.mark.usefixtures("small_parts")
def test_rows_and_handles_that_break_a_rule_over_several_parts_are_refused_at_the_commit(
    linkage: Linkage,
) -> None:
    for party, spoil, code in (
        (CHILD_WELFARE, moved_parts, "row-order"),
        (CHILD_WELFARE, uneven, "row-count"),
        (SCHOOL, one_token_across_a_boundary, "repeated-token"),
    ):
        made = spoilt(linkage, party, spoil)
        assert first_refusal(linkage, made, party) == (code, None), spoil
    assert HANDLES_PER_PIECE > 3
    made = honest(linkage, CHILD_WELFARE)
    handles = handles_in(made)
    moved = rebuilt(linkage, made, rows_in(made), [*handles[3:6], *handles[:3], *handles[6:]])
    assert first_refusal(linkage, moved, CHILD_WELFARE) == ("record-order", None)


def test_a_head_that_says_otherwise_than_the_request_is_refused(linkage: Linkage) -> None:
    true = honest(linkage, CHILD_WELFARE)
    names = ("epoch", "round", "partner", "profile", "key_id")
    stated = {name: true.request()[name] for name in names}
    lies: tuple[dict[str, Any], ...] = (
        *({"party": SCHOOL}, {"partner": "another"}, {"round": 2}, {"epoch": 2}),
        *({"side": "larger"}, {"project": "another"}, {"key_id": "f" * 16}, {"profile": "0" * 64}),
    )
    for changes in lies:
        header = true.header.model_copy(update=changes)
        head = serialise_header(header)
        made = dataclasses.replace(true, header=header, parts=(head, *true.parts[1:]))
        upload = linkage.open(made, CHILD_WELFARE, **stated).json()["upload"]
        answer = linkage.put(upload, 0, made.parts[0], CHILD_WELFARE)
        assert refused(answer) == (422, "header-differs"), changes
    upload = linkage.open(true, CHILD_WELFARE, container_sha256="0" * 64).json()["upload"]
    answer = linkage.put(upload, 0, true.parts[0], CHILD_WELFARE)
    assert refused(answer) == (422, "container-digest")


def test_who_commits_second_states_the_root_of_what_was_there(linkage: Linkage) -> None:
    _, first = linkage.upload(random_people(linkage.rng, N_PEOPLE), CHILD_WELFARE)
    made = honest(linkage, SCHOOL)
    upload = linkage.send(made, SCHOOL)
    for root in (None, "0" * 64, made.header.root):
        manifest = linkage.manifest(made, SCHOOL, partner_root=root)
        assert refused(linkage.commit(upload, manifest, SCHOOL)) == (409, "partner-root"), root
    manifest = linkage.manifest(made, SCHOOL)
    assert manifest.partner_root == first.header.root
    assert linkage.commit(upload, manifest, SCHOOL).status_code == 200


def test_a_container_is_committed_once_in_a_round_and_not_replaced_once_destroyed(
    linkage: Linkage,
) -> None:
    first, second = honest(linkage, CHILD_WELFARE), honest(linkage, CHILD_WELFARE)
    upload = linkage.send(first, CHILD_WELFARE)
    manifest = linkage.manifest(first, CHILD_WELFARE)
    assert linkage.commit(upload, manifest, CHILD_WELFARE).status_code == 200
    for made in (first, second):
        assert refused(linkage.open(made, CHILD_WELFARE)) == (409, "already-uploaded")
    answer = linkage.post_as(f"/v1/uploads/{upload}/destruction", CHILD_WELFARE)
    assert answer.status_code == 200
    assert code_of(linkage.open(second, CHILD_WELFARE)) == "already-uploaded"

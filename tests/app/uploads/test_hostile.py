"""Containers that no honest agency makes: refused part by part, or at the commit, each by its rule."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest
from rigs.linkage import CHILD_WELFARE, SCHOOL, Linkage
from samples.round_files import Container, container_of, random_people

from app.matching.blocks.rows import Rows, read_rows
from schemas.problem import MEDIA_TYPE
from schemas.upload import HANDLES_PER_PIECE, serialise_header

pytestmark = pytest.mark.campaign("malformed")

N_PEOPLE = 8


def code_of(answer: Any) -> str:
    assert answer.headers["content-type"] == MEDIA_TYPE
    return str(answer.json()["type"]).rsplit(":", 1)[1]


@pytest.fixture
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Parts of few rows, so that small files have several."""
    monkeypatch.setattr("schemas.upload.ROWS_PER_PIECE", 10)
    monkeypatch.setattr("schemas.upload.HANDLES_PER_PIECE", 3)


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


def swapped(rows: Rows, one: int, other: int) -> Rows:
    rows[[one, other]] = rows[[other, one]]
    return rows


def test_rows_out_of_order_are_refused_as_they_come(linkage: Linkage) -> None:
    made = honest(linkage, CHILD_WELFARE)
    spoilt = rebuilt(linkage, made, swapped(rows_in(made), 3, 4))
    assert first_refusal(linkage, spoilt, CHILD_WELFARE) == ("row-order", 2)


@pytest.mark.usefixtures("small_parts")
def test_parts_out_of_order_are_refused_at_the_commit(linkage: Linkage) -> None:
    made = honest(linkage, CHILD_WELFARE)
    rows = rows_in(made)
    moved = np.concatenate([rows[10:20], rows[:10], rows[20:]])
    spoilt = rebuilt(linkage, made, moved)
    assert first_refusal(linkage, spoilt, CHILD_WELFARE) == ("row-order", None)


def test_two_rows_of_the_larger_file_with_one_token_are_refused(linkage: Linkage) -> None:
    made = honest(linkage, SCHOOL)
    rows = rows_in(made)
    order = np.argsort(rows["record"][:2])
    rows["token"][1] = rows["token"][0]
    rows[:2] = rows[:2][order]
    if rows["record"][0] == rows["record"][1]:
        rows["record"][1] = (rows["record"][0] + 1) % N_PEOPLE
    spoilt = rebuilt(linkage, made, rows)
    code, number = first_refusal(linkage, spoilt, SCHOOL)
    assert (code in {"repeated-token", "row-order"}, number) == (True, 2)


@pytest.mark.usefixtures("small_parts")
def test_a_token_on_both_sides_of_a_boundary_is_refused_at_the_commit(linkage: Linkage) -> None:
    made = honest(linkage, SCHOOL)
    rows = rows_in(made)
    rows["token"][10] = rows["token"][9]
    # The same record twice would break another rule, as would one record with more rows than the others.
    other = int(np.flatnonzero(rows["record"] != rows["record"][9])[-1])
    rows["record"][[10, other]] = rows["record"][[other, 10]]
    rows["record"][[9, 10]] = np.sort(rows["record"][[9, 10]])
    spoilt = rebuilt(linkage, made, rows)
    assert first_refusal(linkage, spoilt, SCHOOL) == ("repeated-token", None)


def test_the_smaller_file_may_have_one_token_twice_but_not_for_one_record(
    linkage: Linkage,
) -> None:
    made = honest(linkage, CHILD_WELFARE)
    rows = rows_in(made)
    rows["token"][1], rows["record"][1] = rows["token"][0], rows["record"][0]
    spoilt = rebuilt(linkage, made, rows)
    assert first_refusal(linkage, spoilt, CHILD_WELFARE) == ("row-order", 2)


def test_a_row_of_no_record_is_refused(linkage: Linkage) -> None:
    made = honest(linkage, CHILD_WELFARE)
    rows = rows_in(made)
    rows["record"][5] = N_PEOPLE
    assert first_refusal(linkage, rebuilt(linkage, made, rows), CHILD_WELFARE) == (
        "record-number", 2
    )  # fmt: skip


def test_a_record_with_more_rows_than_agreed_is_refused(linkage: Linkage) -> None:
    made = honest(linkage, CHILD_WELFARE)
    rows = rows_in(made)
    rows["record"] = 0
    assert first_refusal(linkage, rebuilt(linkage, made, rows), CHILD_WELFARE) == ("row-count", 2)


@pytest.mark.usefixtures("small_parts")
def test_rows_that_are_uneven_over_all_parts_are_refused_at_the_commit(linkage: Linkage) -> None:
    made = honest(linkage, CHILD_WELFARE)
    rows = rows_in(made)
    at = int(np.flatnonzero(rows["record"] == 0)[0])
    rows["record"][at] = 1
    code, number = first_refusal(linkage, rebuilt(linkage, made, rows), CHILD_WELFARE)
    assert (code, number) == ("row-count", None)


def test_more_rows_than_the_profile_gives_are_refused_before_they_come(linkage: Linkage) -> None:
    made = honest(linkage, CHILD_WELFARE)
    rows = rows_in(made)
    longer = rebuilt(linkage, made, np.concatenate([rows, rows[-1:]]))
    assert code_of(linkage.open(longer, CHILD_WELFARE)) == "container-size"


def test_handles_that_do_not_increase_are_refused(linkage: Linkage) -> None:
    made = honest(linkage, CHILD_WELFARE)
    handles = handles_in(made)
    for wrong in ([handles[1], *handles[1:]], [handles[1], handles[0], *handles[2:]]):
        spoilt = rebuilt(linkage, made, rows_in(made), wrong)
        assert first_refusal(linkage, spoilt, CHILD_WELFARE) == ("record-order", 1)


@pytest.mark.usefixtures("small_parts")
def test_handles_that_do_not_increase_from_part_to_part_are_refused_at_the_commit(
    linkage: Linkage,
) -> None:
    assert HANDLES_PER_PIECE > 3
    made = honest(linkage, CHILD_WELFARE)
    handles = handles_in(made)
    moved = [*handles[3:6], *handles[:3], *handles[6:]]
    spoilt = rebuilt(linkage, made, rows_in(made), moved)
    assert first_refusal(linkage, spoilt, CHILD_WELFARE) == ("record-order", None)


@pytest.mark.parametrize(
    "changes",
    [
        {"party": SCHOOL},
        {"partner": "another"},
        {"round": 2},
        {"epoch": 2},
        {"side": "larger"},
        {"project": "another"},
        {"key_id": "f" * 16},
        {"profile": "0" * 64},
    ],
)
def test_a_head_that_says_otherwise_than_the_request_is_refused(
    linkage: Linkage, changes: dict[str, Any]
) -> None:
    people = random_people(linkage.rng, N_PEOPLE)
    true = linkage.container(people, CHILD_WELFARE)
    header = true.header.model_copy(update=changes)
    head = serialise_header(header)
    made = dataclasses.replace(true, header=header, parts=(head, *true.parts[1:]))
    names = ("epoch", "round", "partner", "profile", "key_id")
    stated = {name: true.request()[name] for name in names}
    upload = linkage.open(made, CHILD_WELFARE, **stated).json()["upload"]
    answer = linkage.put(upload, 0, made.parts[0], CHILD_WELFARE)
    assert (answer.status_code, code_of(answer)) == (422, "header-differs")


def test_a_head_with_another_digest_or_no_head_at_all_is_refused(linkage: Linkage) -> None:
    made = honest(linkage, CHILD_WELFARE)
    upload = linkage.open(made, CHILD_WELFARE, container_sha256="0" * 64).json()["upload"]
    answer = linkage.put(upload, 0, made.parts[0], CHILD_WELFARE)
    assert (answer.status_code, code_of(answer)) == (422, "container-digest")


def test_a_root_that_is_not_of_the_pieces_is_refused(linkage: Linkage) -> None:
    made = linkage.container(random_people(linkage.rng, N_PEOPLE), CHILD_WELFARE, root="0" * 64)
    assert first_refusal(linkage, made, CHILD_WELFARE) == ("container-root", None)
    assert linkage.log_entries()[-1]["body"] == {"rule": "container-root"}
    assert len(linkage.log_kinds()) == len(linkage.log_entries())


def test_whoever_commits_second_states_the_root_of_what_was_there(linkage: Linkage) -> None:
    _, first = linkage.upload(random_people(linkage.rng, N_PEOPLE), CHILD_WELFARE)
    made = honest(linkage, SCHOOL)
    upload = linkage.send(made, SCHOOL)
    for root in (None, "0" * 64, made.header.root):
        manifest = linkage.manifest(made, SCHOOL, partner_root=root)
        answer = linkage.commit(upload, manifest, SCHOOL)
        assert (answer.status_code, code_of(answer)) == (409, "partner-root")
    manifest = linkage.manifest(made, SCHOOL)
    assert manifest.partner_root == first.header.root
    assert linkage.commit(upload, manifest, SCHOOL).status_code == 200


def test_a_container_is_committed_once_in_a_round_and_never_replaced(linkage: Linkage) -> None:
    first, second = honest(linkage, CHILD_WELFARE), honest(linkage, CHILD_WELFARE)
    upload = linkage.send(first, CHILD_WELFARE)
    manifest = linkage.manifest(first, CHILD_WELFARE)
    assert linkage.commit(upload, manifest, CHILD_WELFARE).status_code == 200
    for made in (first, second):
        answer = linkage.open(made, CHILD_WELFARE)
        assert (answer.status_code, code_of(answer)) == (409, "already-uploaded")


def test_a_destroyed_container_is_not_replaced_either(linkage: Linkage) -> None:
    receipt, _ = linkage.upload(random_people(linkage.rng, N_PEOPLE), CHILD_WELFARE)
    answer = linkage.post_as(f"/v1/uploads/{receipt.subject}/destruction", CHILD_WELFARE)
    assert answer.status_code == 200
    assert code_of(linkage.open(honest(linkage, CHILD_WELFARE), CHILD_WELFARE)) == (
        "already-uploaded"
    )

"""Link IDs within one run, and from run to run in a lasting ID space."""

from __future__ import annotations

import hashlib
import hmac
import random
from collections import defaultdict

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.links.link_ids import carry_over, new_link_id
from app.links.space import (
    DamagedSpaceError,
    Holding,
    LinkSpace,
    Member,
    space_from_bytes,
    space_to_bytes,
)
from schemas.ids import Handle, LinkId

KEY = bytes(range(32))


def member(party: str, number: int) -> Member:
    return party, Handle(number.to_bytes(16, "big"))


A = [member("alpha", n) for n in range(6)]
B = [member("beta", n) for n in range(6)]
EVERYONE = [*A, *B]

Groups = list[tuple[Member, ...]]


def run(space: LinkSpace, groups: Groups, key: bytes, absent: tuple[Member, ...] = ()):
    return carry_over(space, groups, lambda found: found not in absent, key)


def key(number: int) -> bytes:
    return hashlib.sha256(number.to_bytes(4, "big")).digest()


@given(st.binary(min_size=32, max_size=32), st.integers(0, 2**63))
def test_a_new_link_id_is_a_keyed_hash_of_the_groups_number(secret: bytes, group: int) -> None:
    expected = hmac.new(secret, group.to_bytes(8, "big"), hashlib.sha256).digest()[:16]
    assert new_link_id(secret, group) == expected


def test_a_group_that_stays_keeps_its_link_id() -> None:
    first, space = run(LinkSpace(), [(A[0], B[0]), (A[1], B[1])], key(1))
    second, _ = run(space, [(A[0], B[0]), (A[1], B[1])], key(2))
    assert second == first


def test_a_group_keeps_its_link_id_when_its_number_changes() -> None:
    first, space = run(LinkSpace(), [(A[1], B[1])], key(1))
    second, _ = run(space, [(A[0], B[0]), (A[1], B[1])], key(2))
    assert second[1] == first[0] != second[0]


def test_on_a_split_the_link_id_stays_with_the_oldest_handle() -> None:
    _, space = run(LinkSpace(), [(A[0], B[0])], key(1))
    joined, space = run(space, [(A[0], A[1], B[0])], key(2))
    split, _ = run(space, [(A[0], B[1]), (A[1], B[0])], key(3))
    # A[0] and B[0] are of the same age: the name of the party decides.
    assert split[0] == joined[0] != split[1]


def test_on_a_merge_the_group_gets_the_link_id_of_the_oldest_handle() -> None:
    first, space = run(LinkSpace(), [(A[1], B[1])], key(1))
    second, space = run(space, [(A[0], B[0]), (A[1], B[1])], key(2))
    merged, _ = run(space, [(A[0], A[1], B[0], B[1])], key(3))
    assert merged == first
    assert merged[0] == second[1]


def test_a_handle_that_has_left_the_files_does_not_take_the_link_id_along() -> None:
    first, space = run(LinkSpace(), [(A[0], A[1], B[0])], key(1))
    second, _ = run(space, [(A[1], B[0])], key(2), absent=(A[0],))
    assert second == first


def test_a_handle_that_is_there_but_unmatched_keeps_its_link_id_to_itself() -> None:
    first, space = run(LinkSpace(), [(A[0], B[0])], key(1))
    second, space = run(space, [(A[1], B[0])], key(2))
    assert second != first
    third, _ = run(space, [(A[0], B[1])], key(3))
    assert third == first


def test_a_link_id_comes_back_with_its_handle() -> None:
    first, space = run(LinkSpace(), [(A[0], B[0])], key(1))
    _, space = run(space, [], key(2), absent=(A[0], B[0]))
    third, _ = run(space, [(A[0], B[1])], key(3))
    assert third == first


def test_the_same_inputs_give_the_same_link_ids() -> None:
    _, space = run(LinkSpace(), [(A[0], B[0])], key(1))
    assert run(space, [(A[0], B[1])], key(2)) == run(space, [(A[0], B[1])], key(2))


@st.composite
def histories(draw: st.DrawFn) -> list[tuple[Groups, tuple[Member, ...]]]:
    """A few runs, each with disjoint groups over the handles that are there."""
    runs = []
    for _ in range(draw(st.integers(1, 5))):
        absent = tuple(draw(st.sets(st.sampled_from(EVERYONE), max_size=4)))
        labels = draw(st.lists(st.integers(0, 7), min_size=len(EVERYONE), max_size=len(EVERYONE)))
        groups = defaultdict(list)
        for found, label in zip(EVERYONE, labels, strict=True):
            if found not in absent and label < 6:
                groups[label].append(found)
        runs.append((sorted(tuple(g) for g in groups.values() if len(g) > 1), absent))
    return runs


class SlowSpace:
    """The rule in plain words, over a list of what ever happened: (run, member, link ID)."""

    def __init__(self) -> None:
        self.events: list[tuple[int, Member, LinkId]] = []

    def link_of(self, found: Member) -> LinkId | None:
        links = [link for _, other, link in self.events if other == found]
        return links[-1] if links else None

    def age(self, found: Member) -> tuple[int, Member]:
        return min(number for number, other, _ in self.events if other == found), found

    def holder(self, link: LinkId, absent: tuple[Member, ...]) -> Member | None:
        there = [m for m in EVERYONE if m not in absent and self.link_of(m) == link]
        return min(there, key=self.age) if there else None

    def run(self, number: int, groups: Groups, absent: tuple[Member, ...], secret: bytes):
        given_ids = []
        for index, group in enumerate(groups):
            held = [
                (self.age(m), link)
                for m in group
                if (link := self.link_of(m)) is not None and self.holder(link, absent) == m
            ]
            given_ids.append(min(held)[1] if held else new_link_id(secret, index))
        for group, link in zip(groups, given_ids, strict=True):
            self.events += [(number, found, link) for found in group]
        return given_ids


@given(histories())
def test_every_history_goes_as_the_rule_says(history: list) -> None:
    space, slow = LinkSpace(), SlowSpace()
    for number, (groups, absent) in enumerate(history, start=1):
        link_ids, space = run(space, groups, key(number), absent)
        assert link_ids == slow.run(number, groups, absent, key(number))


@given(histories())
def test_no_two_groups_of_a_run_ever_share_a_link_id(history: list) -> None:
    space = LinkSpace()
    for number, (groups, absent) in enumerate(history, start=1):
        link_ids, space = run(space, groups, key(number), absent)
        assert len(set(link_ids)) == len(groups)


@given(histories())
def test_a_space_survives_its_bytes(history: list) -> None:
    space = LinkSpace()
    for number, (groups, absent) in enumerate(history, start=1):
        _, space = run(space, groups, key(number), absent)
    assert space_from_bytes(space_to_bytes(space)) == space


def some_space() -> LinkSpace:
    rng = random.Random(7)
    held = {found: Holding(LinkId(rng.randbytes(16)), rng.randint(1, 9)) for found in EVERYONE}
    return LinkSpace(9, held)


@pytest.mark.parametrize("cut", [1, 17, 37, 39])
def test_a_space_that_is_cut_short_is_refused(cut: int) -> None:
    with pytest.raises(DamagedSpaceError):
        space_from_bytes(space_to_bytes(some_space())[:-cut])


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\n",
        b"{}\n",
        b"x",
        b'{"parties":1,"revision":1,"version":"blindlink/link-space/1"}\n',
        b'{"parties":[],"revision":1,"version":"blindlink/link-space/2"}\n',
    ],
)
def test_what_is_no_space_is_refused(content: bytes) -> None:
    with pytest.raises(DamagedSpaceError):
        space_from_bytes(content)


def test_neither_handles_nor_link_ids_show_in_a_repr() -> None:
    space = some_space()
    text = repr(space) + repr(next(iter(space.holdings.values())))
    for (_, handle), held in space.holdings.items():
        assert handle.hex() not in text
        assert repr(held.link_id)[2:-1] not in text

"""Chains and grants are those of the twin, whatever is stated, and anyone who computes them in whatever
order.
"""

from __future__ import annotations

from itertools import combinations
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from twins import ledger as ledger_twin

from encoding.ledger.chains import Chains, join_chains
from encoding.ledger.grants import SpaceName, grant_ids
from encoding.ledger.values import Member, Standing, Turn
from schemas.documents.ids import LinkId, MatchId
from schemas.rounds.chain_statement import StatedMatch

PARTIES = ("alpha", "beta", "delta", "gamma")
PAIRS = tuple(combinations(PARTIES, 2))
SPACE = SpaceName("foster-pupils", "research")
LINKS = [LinkId(bytes([n]) * 16) for n in range(1, 6)]
ROUND = 9


@st.composite
def worlds(draw: st.DrawFn) -> dict[str, Any]:
    """Records of up to four parties, some of which may be no recipients, their matches, vetoes and grants."""
    recipients = draw(st.sampled_from([PARTIES, PARTIES, PARTIES[:3], PARTIES[:2]]))
    records = []
    for party in recipients:
        links = draw(st.permutations([*LINKS, None, None]))
        for number in range(draw(st.integers(0, 3))):
            link = links[number]
            since = 0 if link is None else draw(st.integers(1, 4))
            marks = draw(st.sets(st.sampled_from(LINKS), max_size=2)) - {link}
            records.append([party, link, since, [], sorted(marks)])
    n_matches = 0
    for pair in PAIRS:
        sides = [[r for r in records if r[0] == party] for party in pair]
        shuffled = [draw(st.permutations(side)) for side in sides]
        n_joined = min(max(map(len, sides), default=0), draw(st.integers(0, 4)))
        for place in range(n_joined):
            # Match IDs of different pairs may be alike.
            match = StatedMatch(MatchId(bytes([n_matches % 5]) * 15 + bytes([place])), pair)
            n_matches += 1
            ends = [side[place] for side in shuffled if place < len(side)]
            if len(ends) == 2 and draw(st.integers(0, 9)) == 0:
                ends.pop()
            for end in ends:
                end[3].append(match)
    records = [r for r in records if r[3]]
    for record in records:
        record[3].sort()
    return {
        "records": draw(st.permutations(records)),
        "recipients": set(recipients),
        "vetoes": draw(
            st.sets(st.tuples(st.sampled_from(LINKS), st.sampled_from(PARTIES)), max_size=2)
        ),
        "granted": draw(
            st.dictionaries(
                st.sampled_from(LINKS[:2]),
                st.sampled_from([*PAIRS, PARTIES[:3], PARTIES]),
                max_size=draw(st.sampled_from([0, 0, 2])),
            )
        ),
    }


def solved(world: dict[str, Any], records: list[Any]) -> tuple[dict[int, bytes], Chains]:
    members = [Member(r[0], r[1], r[2], tuple(r[3]), tuple(r[4])) for r in records]
    standing = {Standing(*veto) for veto in world["vetoes"]}
    chains = join_chains(
        members, world["recipients"], ROUND, standing=standing, granted=world["granted"]
    )
    unavailable = {*(veto.link for veto in standing), *world["granted"]}
    links = grant_ids(members, chains.groups, SPACE, Turn(ROUND, 2), unavailable=unavailable)
    found = {
        place: link
        for group, link in zip(chains.groups, links, strict=True)
        for place in group.members
    }
    return found, chains


@settings(max_examples=400)
@given(worlds(), st.randoms(use_true_random=False))
def test_groups_and_link_ids_are_those_of_the_twin_in_whatever_order_things_are_stated(
    world: dict[str, Any], random: Any
) -> None:
    records = world["records"]
    links, chains = solved(world, records)
    expected, left_out = ledger_twin.link_ids(
        records,
        world["recipients"],
        SPACE.project,
        SPACE.space,
        (ROUND, 2),
        world["vetoes"],
        world["granted"],
    )
    assert links == expected
    assert list(chains.unstated) == left_out["unstated"]
    assert list(chains.cut) == left_out["cut"]
    assert list(chains.vetoed) == left_out["vetoed"]
    # No group has two records of a party, and no two groups one link ID.
    for group in chains.groups:
        parties = [records[place][0] for place in group.members]
        assert len(set(parties)) == len(parties)
        assert len({links[place] for place in group.members}) == 1
    of_groups = [links[group.members[0]] for group in chains.groups]
    assert len(set(of_groups)) == len(of_groups)
    assert {link for link, _ in world["vetoes"]}.isdisjoint(set(of_groups) - set(world["granted"]))
    shuffled = [*records]
    random.shuffle(shuffled)
    again, other = solved(world, shuffled)
    here = {(tuple(records[p][3]), records[p][0]): k for p, k in links.items()}
    there = {(tuple(shuffled[p][3]), shuffled[p][0]): k for p, k in again.items()}
    assert here == there
    assert (chains.cut, chains.vetoed) == (other.cut, other.vetoed)


def test_of_two_link_ids_that_as_many_records_have_the_one_with_the_oldest_round_is_granted() -> (
    None
):
    one, two, match = LINKS[1], LINKS[0], MatchId(bytes(16))
    stated = [("alpha", one, 1), ("beta", one, 5), ("delta", two, 2), ("gamma", two, 3)]
    ends = [("alpha", "beta"), ("beta", "delta"), ("delta", "gamma")]
    matches = {p: [StatedMatch(match, e) for e in ends if p in e] for p in PARTIES}
    records = [[party, link, since, matches[party], []] for party, link, since in stated]
    world = {"records": records, "recipients": set(PARTIES), "vetoes": set(), "granted": {}}
    links, _ = solved(world, records)
    assert links == dict.fromkeys(range(4), one)
    expected, _ = ledger_twin.link_ids(
        records, set(PARTIES), SPACE.project, SPACE.space, (ROUND, 2), set(), {}
    )
    assert links == expected


def test_of_two_link_ids_that_an_earlier_release_gave_the_smaller_one_stays() -> None:
    match = MatchId(bytes(16))
    pair = ("alpha", "gamma")
    records = [
        [party, link, 5, [StatedMatch(match, pair)], []]
        for party, link in (("alpha", LINKS[1]), ("gamma", LINKS[0]))
    ]
    granted = {LINKS[1]: ("alpha", "beta"), LINKS[0]: ("delta", "gamma")}
    world = {"recipients": set(PARTIES), "vetoes": set(), "granted": granted}
    smaller = min(LINKS[:2])
    for stated in (records, records[::-1]):
        links, _ = solved(world, stated)
        assert links == dict.fromkeys(range(2), smaller)

"""A ledger over the rounds: what it keeps, what it lets go, vetoes, lost and restored workspaces."""

from __future__ import annotations

from contextlib import nullcontext

import pytest
from ledger_simulator.duo import ONE, PAIR, SPACE, TWO, Duo, Office, duo, match_id
from samples.refusals import raises
from vectors.file import read_vectors

from encoding.ledger.additions import apply_release
from encoding.ledger.book import Ledger
from encoding.ledger.claim_checks import refuse_excess
from encoding.ledger.claims import own_members
from encoding.ledger.errors import ClaimsContradictError, OutOfTurnError, UnlinkError
from encoding.ledger.events import Event
from encoding.ledger.grants import SpaceName, new_link_id
from encoding.ledger.inputs import inputs_alone, inputs_of_claims
from encoding.ledger.ledger_file import held_as_of, parse_ledger, serialise_ledger
from encoding.ledger.values import Held, Turn
from schemas.documents.errors import DocumentError
from schemas.documents.ids import LinkId, MatchId
from schemas.rounds.chain_statement import StatedMatch
from schemas.rounds.claims import parse_claims, serialise_claims
from schemas.rounds.space_message import Veto

LINK_IDS = read_vectors("claims")["link_ids"]


def restored(side: Office, content: bytes) -> None:
    side.ledger, side.recalls = parse_ledger(content, SPACE, side.party), True


@pytest.fixture
def pair() -> Duo:
    return duo()


def test_new_link_ids_are_those_of_the_vectors_and_separate_spaces_have_none_in_common() -> None:
    for vector in LINK_IDS:
        one, another = vector["pair"]
        match = StatedMatch(MatchId(bytes.fromhex(vector["match"])), (one, another))
        turn = Turn(vector["round"], vector["release"])
        found = new_link_id(SpaceName(vector["project"], vector["space"]), turn, match)
        assert found.hex() == vector["link"], turn
    match = StatedMatch(match_id(1), PAIR)
    spaces = [SPACE, SpaceName("foster-pupils", "other"), SpaceName("others", "research")]
    assert len({new_link_id(space, Turn(1, 1), match) for space in spaces}) == 3


def test_a_match_that_repeats_or_pauses_keeps_link_id_and_round(pair: Duo) -> None:
    pair.hold((1, 1), [("a1", "b1")])
    link = LinkId(pair.link_of("a1"))
    assert [side.changes() for side in pair.sides()] == [
        [("a1", "held", "first-match")],
        [("b1", "held", "first-match")],
    ]
    pair.hold((2, 1), [("a1", "b1")])
    assert [side.changes() for side in pair.sides()] == [[], []]
    pair.hold((3, 1), [("a2", "b2")])
    pair.hold((4, 1), [("a1", "b1")])
    assert pair.one.ledger.held("a1") == pair.two.ledger.held("b1") == Held(link, 1)


def test_a_wrong_link_of_one_round_heals_in_the_next(pair: Duo) -> None:
    pair.hold((1, 1), [("a1", "b1"), ("a2", "b2")])
    links = pair.link_of("a1"), pair.link_of("a2")
    pair.hold((2, 1), [("a1", "b2"), ("a2", "b1")])
    found = {(kind, why) for side in pair.sides() for _, kind, why in side.changes()}
    assert ("held", "kept-by-another-group") in found
    pair.hold((3, 1), [("a1", "b1"), ("a2", "b2")])
    assert (pair.link_of("a1"), pair.link_of("a2")) == links
    assert (pair.link_of("b1"), pair.link_of("b2")) == links


def test_a_link_id_ends_at_its_former_record_when_another_gets_it(pair: Duo) -> None:
    pair.hold((1, 1), [("a1", "b1")])
    link = pair.link_of("b1")
    pair.hold((2, 1), [("a9", "b1")])
    assert pair.one.changes() == [
        ("a1", "ended", "given-to-another-record"),
        ("a9", "held", "known-to-others"),
    ]
    assert pair.one.ledger.held("a1") is None
    assert pair.one.ledger.held("a9") == Held(LinkId(link), 2)
    assert pair.two.ledger.held("b1") == Held(LinkId(link), 1)


def test_of_two_link_ids_of_one_person_the_older_stays(pair: Duo) -> None:
    pair.hold((1, 1), [("a1", "b1")])
    link = pair.link_of("a1")
    pair.hold((2, 1), [("a2", "b2")])
    pair.hold((3, 1), [("a1", "b2")])
    assert pair.link_of("b2") == link
    assert pair.two.changes() == [
        ("b1", "ended", "given-to-another-record"),
        ("b2", "held", "older-link-id"),
    ]


def test_a_supplement_takes_no_link_id_that_the_round_gave(pair: Duo) -> None:
    pair.hold((1, 1), [("a1", "b1")])
    old = pair.link_of("a1")
    pair.hold((2, 1), [("a9", "b1")])
    pair.one.ledger, backup = duo().one.ledger, pair.one.ledger
    pair.one.ledger = backup
    pair.hold((2, 2), [("a1", "b3")])
    assert pair.link_of("a1") == pair.link_of("b3") != old
    assert [(record, kind) for record, kind, _ in pair.one.changes()] == [("a1", "held")]


def test_a_supplement_is_applied_by_both_or_by_none(pair: Duo) -> None:
    pair.hold((1, 1), [("a1", "b1")])
    before = serialise_ledger(pair.two.ledger)
    pair.hold((2, 1), [("a1", "b1")])
    restored(pair.two, before)
    releases = [pair.one.release(Turn(2, 2), []), pair.two.release(Turn(2, 2), [])]
    pair.check(*releases)
    for side in pair.sides():
        other = pair.claims[releases[0].other(side.party)]
        inputs = inputs_of_claims(pair.claims[side.party], other, ())
        assert not apply_release(side.ledger, inputs, {})


def test_releases_are_applied_once_and_in_their_order(pair: Duo) -> None:
    pair.hold((2, 1), [("a1", "b1")])
    for turn in ((2, 1), (1, 1), (1, 9)):
        with raises(OutOfTurnError):
            pair.one.claim(pair.one.release(Turn(*turn), []))
    with raises(OutOfTurnError):
        apply_release(pair.one.ledger, inputs_alone(Turn(1, 1), [pair.one.ledger], []), {})


def test_a_lost_workspace_gets_its_link_ids_back_from_the_other_side(pair: Duo) -> None:
    pair.hold((1, 1), [("a1", "b1"), ("a2", "b2")])
    links = pair.link_of("a1"), pair.link_of("a2")
    pair.one = duo().one
    pair.hold((2, 1), [("a1", "b1"), ("a2", "b2")])
    assert [pair.one.ledger.held(record) for record in ("a1", "a2")] == [
        Held(LinkId(link), 2) for link in links
    ]
    assert pair.two.ledger.held("b1") == Held(LinkId(links[0]), 1)
    # It comes new, and has nothing to compare.
    assert (pair.checked[TWO].other_ledger, pair.checked[ONE].other_ledger) == ("new", "ahead")


def test_a_restored_workspace_without_a_container_is_unproven_and_no_alarm(pair: Duo) -> None:
    pair.hold((1, 1), [("a1", "b1")])
    backup = serialise_ledger(pair.one.ledger)
    pair.hold((2, 1), [("a1", "b1"), ("a2", "b2")])
    link = pair.link_of("b2")
    restored(pair.one, backup)
    pair.one.has_container = False
    pair.hold((3, 1), [("a1", "b1"), ("a2", "b2")])
    checked = pair.checked[TWO]
    assert checked.n_unproven == 2
    assert (checked.other_ledger, pair.checked[ONE].other_ledger) == ("behind", "ahead")
    assert pair.link_of("a2") == link
    pair.one.has_container = True
    pair.hold((4, 1), [("a1", "b1"), ("a2", "b2")])
    assert (pair.checked[ONE].other_ledger, pair.checked[ONE].n_unproven) == ("same", 0)


def test_a_vetoed_match_is_dropped_for_both_and_told(pair: Duo) -> None:
    pair.hold((1, 1), [("a1", "b1"), ("a2", "b2")], vetoed=frozenset([match_id(1100)]))
    assert pair.link_of("a1") is pair.link_of("b1") is None
    assert pair.link_of("a2") == pair.link_of("b2") is not None
    assert pair.two.ledger.left_out == {"b1": "vetoed"}
    assert parse_ledger(serialise_ledger(pair.two.ledger), SPACE, TWO).left_out == {"b1": "vetoed"}
    # What a supplement of the round links after all is left out no more.
    pair.hold((1, 2), [("a1", "b1")])
    assert pair.two.ledger.left_out == {}


def test_what_was_unlinked_does_not_come_back_until_it_is_linked_again(pair: Duo) -> None:
    pair.hold((1, 1), [("a1", "b1"), ("a2", "b2")])
    link = pair.one.ledger.unlink("a1")
    assert pair.one.ledger.held("a1") is None
    pair.hold((2, 1), [("a1", "b1"), ("a2", "b2")])
    assert pair.two.changes() == [("b1", "ended", "unlinked")]
    assert pair.one.ledger.left_out == {"a1": "vetoed"}
    pair.hold((3, 1), [("a1", "b1"), ("a2", "b2")])
    assert pair.link_of("a1") is pair.link_of("b1") is None
    pair.one.ledger.relink(link)
    assert pair.one.ledger.held("a1") == Held(link, 1)
    pair.hold((4, 1), [("a1", "b1"), ("a2", "b2")])
    assert pair.link_of("b1") == link
    assert pair.one.ledger.marks("a1") == pair.two.ledger.marks("b1") == ()


def test_after_an_unlink_both_records_may_be_linked_to_others_by_other_link_ids(pair: Duo) -> None:
    pair.hold((1, 1), [("a1", "b1")])
    link = pair.two.ledger.unlink("b1")
    pair.hold((2, 1), [("a1", "b2"), ("a2", "b1")])
    assert pair.link_of("a1") == pair.link_of("b2") not in (None, link)
    assert pair.link_of("a2") == pair.link_of("b1") not in (None, link)
    assert pair.one.ledger.marks("a1") == (link,)


def test_only_the_maker_lifts_a_veto_and_only_once(pair: Duo) -> None:
    pair.hold((1, 1), [("a1", "b1")])
    with raises(UnlinkError):
        pair.one.ledger.unlink("a9")
    link = pair.one.ledger.unlink("a1")
    pair.hold((2, 1), [("a1", "b1")])
    with raises(UnlinkError):
        pair.two.ledger.relink(link)
    pair.one.ledger.relink(link)
    with raises(UnlinkError):
        pair.one.ledger.relink(link)
    assert [veto.sequence for veto in pair.one.ledger.vetoes()] == [2]


def test_a_maker_whose_workspace_was_restored_hears_of_its_own_veto(pair: Duo) -> None:
    pair.hold((1, 1), [("a1", "b1")])
    backup = serialise_ledger(pair.one.ledger)
    link = pair.one.ledger.unlink("a1")
    pair.hold((2, 1), [("a1", "b1")])
    restored(pair.one, backup)
    pair.hold((3, 1), [("a1", "b1")])
    assert pair.link_of("a1") is pair.link_of("b1") is None
    assert pair.one.ledger.marks("a1") == (link,)


def test_an_unlink_between_claims_and_closing_holds_here_at_once(pair: Duo) -> None:
    pair.hold((1, 1), [("a1", "b1")])
    releases = [
        side.release(Turn(2, 1), [(r, 7, "a1b1")])
        for side, r in zip(pair.sides(), ("a1", "b1"), strict=True)
    ]
    pair.check(*releases)
    pair.one.ledger.unlink("a1")
    for side, release in zip(pair.sides(), releases, strict=True):
        other = pair.claims[release.other(side.party)]
        vetoed = pair.checked[side.party].vetoed
        inputs = inputs_of_claims(pair.claims[side.party], other, vetoed)
        apply_release(side.ledger, inputs, release.records())
    assert pair.one.ledger.held("a1") is None
    pair.hold((3, 1), [("a1", "b1")])
    assert pair.link_of("b1") is None


def test_a_match_that_this_agency_alone_knows_of_counts_last(pair: Duo) -> None:
    pair.hold((1, 1), [("a1", "b1"), ("a2", "b2")])
    shared, own = pair.link_of("a1"), pair.link_of("a2")
    releases = [
        side.release(Turn(2, 1), [(r, 7, "a9b1")])
        for side, r in zip(pair.sides(), ("a9", "b1"), strict=True)
    ]
    pair.check(*releases)
    alone = {
        StatedMatch(match_id(20 + n), (ONE, "zoo")): record
        for n, record in enumerate(("a1", "a2", "a3", "a9"))
    }
    for side, release in zip(pair.sides(), releases, strict=True):
        inputs = inputs_of_claims(
            pair.claims[side.party],
            pair.claims[release.other(side.party)],
            pair.checked[side.party].vetoed,
        )
        mine = alone if side is pair.one else {}
        assert apply_release(side.ledger, inputs, release.records() | mine, alone=mine)
        assert not side.ledger.left_out
    # What a shared match granted is the same on both sides, and taken.
    assert pair.link_of("a9") == pair.link_of("b1") == shared
    assert pair.link_of("a2") == own
    assert len({pair.link_of(record) for record in ("a1", "a2", "a3", "a9")} - {None}) == 4
    assert pair.one.ledger.digest(Turn(2, 1), PAIR) == pair.two.ledger.digest(Turn(2, 1), PAIR)


def test_matches_whose_claims_are_missing_are_pending_and_old_link_ids_stand(pair: Duo) -> None:
    pair.hold((1, 1), [("a1", "b1")])
    link = pair.link_of("a1")
    own = {StatedMatch(match_id(30), PAIR): "a1", StatedMatch(match_id(31), (ONE, "zoo")): "a5"}
    inputs = inputs_alone(
        Turn(2, 1), [pair.one.ledger], own_members(pair.one.ledger, own, [*own][1:])
    )
    assert apply_release(pair.one.ledger, inputs, own, pending=[*own][:1])
    assert pair.one.ledger.left_out == {"a1": "pending"}
    assert pair.link_of("a1") == link
    assert pair.link_of("a5") not in (None, link)


def test_a_view_of_a_round_is_the_same_to_the_byte_whatever_came_later(pair: Duo) -> None:
    pair.hold((1, 1), [("a1", "b1"), ("a2", "b2")])
    pair.hold((2, 1), [("a1", "b1"), ("a3", "b2")])
    views = [held_as_of(pair.one.ledger, Turn(n, 1)) for n in (1, 2)]
    assert views[0] != views[1]
    pair.one.ledger.unlink("a1")
    pair.hold((3, 1), [("a1", "b1"), ("a2", "b2")])
    ledger = parse_ledger(serialise_ledger(pair.one.ledger), SPACE, ONE)
    assert [held_as_of(ledger, Turn(n, 1)) for n in (1, 2)] == views
    now = held_as_of(ledger, Turn(3, 1))
    assert now == dict(ledger.everyone())
    for turn in (Turn(4, 1), Turn(1, 2)):
        with raises(OutOfTurnError):
            held_as_of(ledger, turn)


def test_a_single_recipient_keeps_link_ids_by_the_same_rules() -> None:
    ledger = Ledger(SPACE, ONE)
    links = []
    for round_, records in ((1, ["a1", "a2"]), (2, ["a2", "a3"]), (3, ["a1", "a2", "a3"])):
        own = {
            StatedMatch(match_id(100 * round_ + n), PAIR): record
            for n, record in enumerate(records)
        }
        inputs = inputs_alone(Turn(round_, 1), [ledger], own_members(ledger, own, own))
        assert apply_release(ledger, inputs, own)
        links.append({record: ledger.held(record) for record in records})
    assert links[2]["a1"] == links[0]["a1"]
    assert links[2]["a2"] == links[1]["a2"] == links[0]["a2"]
    assert links[2]["a3"] == links[1]["a3"] == Held(links[1]["a3"].link, 2)
    ledger.unlink("a1")
    own = {StatedMatch(match_id(999), PAIR): "a1"}
    apply_release(ledger, inputs_alone(Turn(4, 1), [ledger], own_members(ledger, own, own)), own)
    assert ledger.held("a1") not in (None, links[0]["a1"])


def test_under_blind_one_recipient_keeps_a_ledger_of_each_agencys_pseudonyms() -> None:
    ledgers = [Ledger(SPACE, party) for party in PAIR]
    links = []
    for round_, matches in enumerate(([("x1", "y1")], [("x1", "y2")], [("x1", "y1")]), start=1):
        members, records = [], []
        for side, ledger in enumerate(ledgers):
            own = {
                StatedMatch(match_id(10 * round_ + n), PAIR): both[side]
                for n, both in enumerate(matches)
            }
            records.append(own)
            members += own_members(ledger, own, own)
        inputs = inputs_alone(Turn(round_, 1), ledgers, members)
        for ledger, own in zip(ledgers, records, strict=True):
            assert apply_release(ledger, inputs, own)
        links.append((ledgers[0].held("x1"), ledgers[1].holder(ledgers[0].held("x1").link)))
    assert {held for held, _ in links} == {links[0][0]}
    assert [there for _, there in links] == ["y1", "y2", "y1"]


def test_a_lift_counts_only_from_the_maker(pair: Duo) -> None:
    pair.hold((1, 1), [("a1", "b1")])
    link = pair.one.ledger.unlink("a1")
    pair.hold((2, 1), [("a1", "b1")])
    pair.two.ledger.apply([Event("lift", Turn(3, 0), link, 9, ONE)])
    pair.hold((3, 1), [("a1", "b1")])
    assert pair.link_of("a1") is pair.link_of("b1") is None
    assert pair.one.ledger.vetoes()[0].is_standing


def test_nobody_says_that_another_agency_has_unlinked_something(pair: Duo) -> None:
    pair.hold((1, 1), [("a1", "b1"), ("a2", "b2")])
    held = pair.one.ledger.held("a1")
    assert held is not None
    before = serialise_ledger(pair.one.ledger)
    pair.two.ledger.apply([Event("veto", Turn(2, 0), held.link, 9_999_999, ONE)])
    with raises(ClaimsContradictError, match="k12 says that this agency has unlinked 1 link ID"):
        pair.hold((2, 1), [("a1", "b1"), ("a2", "b2")])
    assert serialise_ledger(pair.one.ledger) == before


def test_what_a_restored_agency_hears_of_its_own_unlinks_is_counted(pair: Duo) -> None:
    pair.hold((1, 1), [("a1", "b1")])
    backup = serialise_ledger(pair.one.ledger)
    pair.one.ledger.unlink("a1")
    pair.hold((2, 1), [("a1", "b1")])
    assert [checked.n_recalled for checked in pair.checked.values()] == [0, 0]
    restored(pair.one, backup)
    pair.hold((3, 1), [("a1", "b1")])
    assert pair.checked[ONE].n_recalled == 1
    # Once it has applied a release again, it knows them all.
    pair.two.ledger.apply([Event("veto", Turn(4, 0), bytes(16), 1, ONE)])
    with raises(ClaimsContradictError):
        pair.hold((4, 1), [("a1", "b1")])


def test_what_was_never_restored_lacks_no_unlink_of_its_own(pair: Duo) -> None:
    """However far the other side says that it is: a partner would use up what this agency can unlink."""
    pair.hold((1, 1), [("a1", "b1"), ("a2", "b2")])
    backup = serialise_ledger(pair.one.ledger)
    # The other side has applied what this one could not read.
    pair.hold((2, 1), [("a1", "b1"), ("a2", "b2")])
    pair.one.ledger = parse_ledger(backup, SPACE, ONE)
    links = [n.to_bytes(16, "big") for n in range(1, 4097)]
    pair.two.ledger.apply(Event("veto", Turn(3, 0), link, 9_999_999, ONE) for link in links)
    with raises(ClaimsContradictError, match="has unlinked 4,096 link IDs, which it has not"):
        pair.hold((3, 1), [("a1", "b1"), ("a2", "b2")])
    pair.one.ledger.unlink("a1")


def test_an_unlink_is_of_a_party_that_an_agreement_names(pair: Duo) -> None:
    pair.hold((1, 1), [("a1", "b1")])
    pair.two.ledger.apply([Event("veto", Turn(2, 0), bytes(16), 1, "nobody")])
    with raises(ClaimsContradictError, match="by parties that no agreement"):
        pair.hold((2, 1), [("a1", "b1")])
    assert pair.one.ledger.vetoes() == ()


def test_no_more_unlinks_are_stored_than_a_message_passes_on(pair: Duo) -> None:
    for n_makers, n_of_each, is_fit in (
        *((63, 1, True), (64, 1, False), (15, 4096, True), (15, 4097, False), (16, 4096, False)),
    ):
        told = [
            Veto(LinkId(n.to_bytes(16, "big")), f"party-{maker}", 1, True)
            for maker in range(n_makers)
            for n in range(n_of_each)
        ]
        with nullcontext() if is_fit else raises(ClaimsContradictError):
            refuse_excess(pair.one.ledger, told, "k12")


def test_a_forged_number_of_one_veto_is_not_carried_to_others(pair: Duo) -> None:
    pair.hold((1, 1), [("a1", "b1"), ("a2", "b2")])
    link = pair.one.ledger.unlink("a1")
    pair.one.ledger.apply([Event("veto", Turn(2, 0), link, 9_999_999, ONE)])
    other = pair.one.ledger.unlink("a2")
    assert {veto.link: veto.sequence for veto in pair.one.ledger.vetoes()} == {
        link: 9_999_999,
        other: 1,
    }
    with raises(UnlinkError, match="too often"):
        pair.one.ledger.relink(link)


def test_no_party_fills_what_the_others_can_say(pair: Duo) -> None:
    def unlink(*numbers: int) -> None:
        events = (Event("veto", Turn(2, 0), n.to_bytes(16, "big"), 1, TWO) for n in numbers)
        pair.two.ledger.apply(events)

    pair.hold((1, 1), [("a1", "b1")])
    unlink(*range(1, 4097))
    pair.hold((2, 1), [("a1", "b1")])
    # What one message takes, and in the next round others.
    unlink(4097)
    with raises(ClaimsContradictError, match="k12 tells more unlinks than"):
        pair.hold((3, 1), [("a1", "b1")])
    assert len(pair.one.ledger.vetoes()) == 4096
    own, theirs = (pair.claims[party] for party in PAIR)
    assert parse_claims(serialise_claims(own)).vetoes == own.vetoes
    with raises(DocumentError, match="too many vetoes of one party"):
        parse_claims(serialise_claims(theirs))
    with raises(UnlinkError, match="4,096 link IDs at most"):
        pair.two.ledger.unlink("b1")

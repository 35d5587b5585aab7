"""What a dishonest broker may try with matches and messages: nothing is stored, and each has its own error."""

from __future__ import annotations

import hashlib
from collections.abc import Callable

import pytest
from ledger_simulator.duo import ONE, PAIR, SPACE, TWO, Duo, Office, duo, match_id, receive, send
from samples.refusals import raises

from encoding.ledger import errors
from encoding.ledger.claim_checks import Believed, check_claims
from encoding.ledger.errors import (
    ClaimsContradictError,
    ForgedMatchError,
    LedgersDifferError,
    LinkAlarmError,
    MessageReplayedError,
    MessageUnreadableError,
    MessageUntrustedError,
    MessageWithheldError,
    ReleasedRowsError,
    ReleasesDifferError,
    ReplayedMatchError,
    RollbackError,
    TranscriptError,
)
from encoding.ledger.events import Event
from encoding.ledger.ledger_file import held_as_of, parse_ledger, serialise_ledger
from encoding.ledger.messages import Listed, claims_stream, closed_messages, open_claims
from encoding.ledger.values import MessagePlace, Turn
from schemas.documents.ids import LinkId, MatchId
from schemas.rounds.claims import Claims, Transcript, parse_claims, serialise_claims, sign_claims
from schemas.shared.error_rows import Refusal

SECOND = Turn(2, 1)


@pytest.fixture
def pair() -> Duo:
    made = duo()
    made.hold((1, 1), [("a1", "b1"), ("a2", "b2")])
    return made


def both_refuse(
    pair: Duo, error: type[LinkAlarmError], act: Callable[[], object]
) -> LinkAlarmError:
    before = [serialise_ledger(side.ledger) for side in pair.sides()]
    with raises(error) as caught:
        act()
    assert [serialise_ledger(side.ledger) for side in pair.sides()] == before
    assert caught.value.exit_code == 9
    for secret in ("a1", "b1", match_id(7).hex()):
        assert secret not in str(caught.value)
    return caught.value


def test_a_match_of_two_records_that_share_no_row_is_an_alarm(pair: Duo) -> None:
    first = pair.one.release(SECOND, [("a1", 7, "a1b1"), ("a2", 8, "a2b2")])
    second = pair.two.release(SECOND, [("b2", 7, "a2b2"), ("b1", 8, "a1b1")])
    caught = both_refuse(pair, ForgedMatchError, lambda: pair.link(first, second))
    assert caught.n_concerned == 2


def test_one_forged_match_among_honest_ones_stops_all(pair: Duo) -> None:
    first = pair.one.release(SECOND, [("a1", 7, "a1b1"), ("a2", 8, "lone")])
    second = pair.two.release(SECOND, [("b1", 7, "a1b1"), ("b2", 8, "other")])
    caught = both_refuse(pair, ForgedMatchError, lambda: pair.link(first, second))
    assert caught.n_concerned == 1


def test_the_proof_of_an_earlier_round_or_match_proves_nothing(pair: Duo) -> None:
    first = pair.one.release(SECOND, [("a1", 7, "a1b1")])
    second = pair.two.release(SECOND, [("b1", 7, "a1b1")])
    own, other = pair.one.claim(first), pair.two.claim(second)
    assert own.claims[0].mac == other.claims[0].mac
    later = pair.one.release(Turn(3, 1), [("a1", 7, "a1b1")])
    another = pair.one.release(SECOND, [("a1", 8, "a1b1")])
    assert own.claims[0].mac != pair.one.claim(later).claims[0].mac
    assert own.claims[0].mac != pair.one.claim(another).claims[0].mac


def test_a_match_id_of_an_earlier_round_is_refused(pair: Duo) -> None:
    replayed = pair.one.release(SECOND, [("a1", 1100, "a1b1")])
    caught = both_refuse(pair, ReplayedMatchError, lambda: pair.one.claim(replayed))
    assert caught.n_concerned == 1


def test_match_ids_are_remembered_for_eight_releases(pair: Duo) -> None:
    for round_ in range(2, 9):
        pair.hold((round_, 1), [])
    with raises(ReplayedMatchError):
        pair.one.claim(pair.one.release(Turn(9, 1), [("a1", 1100, "a1b1")]))
    pair.hold((9, 1), [])
    pair.one.claim(pair.one.release(Turn(10, 1), [("a1", 1100, "a1b1")]))


def test_containers_that_are_swapped_or_replaced_are_noticed_by_both(pair: Duo) -> None:
    first = pair.one.release(SECOND, [("a1", 7, "a1b1")])
    second = pair.two.release(SECOND, [("b1", 7, "a1b1")])
    for roots in (("22", "11"), ("33", "22")):
        pair.one.roots = Transcript(earlier=roots[0] * 32, later=roots[1] * 32)
        both_refuse(pair, TranscriptError, lambda: pair.link(first, second))


def test_sides_that_were_given_different_releases_notice_it(pair: Duo) -> None:
    first = pair.one.release(SECOND, [("a1", 7, "a1b1"), ("a2", 8, "a2b2")])
    for given in ([("b1", 7, "a1b1")], [("b1", 7, "a1b1"), ("b2", 9, "a2b2")], []):
        second = pair.two.release(SECOND, given)
        both_refuse(pair, ReleasesDifferError, lambda release=second: pair.link(first, release))


def test_a_release_that_names_a_record_or_match_twice_is_refused(pair: Duo) -> None:
    for matches in ([("a1", 7, "a1b1"), ("a1", 8, "a1b1")], [("a1", 7, "a1b1"), ("a2", 7, "a2b2")]):
        with raises(ReleasedRowsError):
            pair.one.claim(pair.one.release(SECOND, matches))


def test_a_message_is_held_to_its_place_in_the_log_and_to_the_one_before_it(pair: Duo) -> None:
    one, two = pair.sides()
    send(one, two, one.claim(one.release(SECOND, [])))
    # Of the second one it does not matter whether the first was ever read.
    claims = one.claim(one.release(Turn(3, 1), []))
    raw, listed = send(one, two, claims)
    assert receive(one, two, raw, listed) == claims
    (first, second), stranger = one.logged, MessagePlace(1, "ab" * 32)
    for other in (
        Listed(second, None),
        Listed(second, stranger),
        Listed(second, MessagePlace(2, first.sha256)),
        # What the broker hands out is another message.
        Listed(first, None),
        Listed(stranger, first),
    ):
        both_refuse(pair, MessageWithheldError, lambda said=other: receive(one, two, raw, said))


def test_a_message_that_the_closing_lists_and_that_never_came_is_withheld(pair: Duo) -> None:
    one, two = pair.sides()
    claims = one.claim(one.release(SECOND, []))
    _, sent = send(one, two, claims)
    own, other = claims_stream(ONE, TWO), claims_stream(TWO, ONE)
    here = {sent.place.sha256: claims}
    listed = {own: sent.place.sha256, other: "ab" * 32}
    with raises(MessageWithheldError):
        closed_messages(listed, [own, other], here)
    del listed[other]
    assert closed_messages(listed, [own, other], here) is None
    assert closed_messages(listed, [own], here) == (claims,)


def test_claims_of_another_round_are_refused(pair: Duo) -> None:
    first = pair.one.claim(pair.one.release(SECOND, []))
    old = pair.two.claim(pair.two.release(Turn(3, 1), []))
    believed = Believed(PAIR)
    both_refuse(
        pair, MessageReplayedError, lambda: check_claims(pair.one.ledger, first, old, believed)
    )
    both_refuse(
        pair, MessageUntrustedError, lambda: check_claims(pair.one.ledger, first, first, believed)
    )


def test_a_message_of_somebody_else_or_for_somebody_else_cannot_be_read(pair: Duo) -> None:
    one, two = pair.sides()
    raw, listed = send(one, two, one.claim(one.release(SECOND, [])))
    known = {one.identity.public.person: one.identity.public}
    stranger = duo().one.identity
    impostor = stranger.public.model_copy(update={"person": one.identity.public.person})
    for keys, senders in (
        ([two.identity], {}),
        ([two.identity], {impostor.person: impostor}),
        ([one.identity], known),
        ([stranger], known),
        ([], known),
    ):
        with pytest.raises(MessageUnreadableError) as caught:
            open_claims(raw, keys, senders, listed)
        assert caught.value.exit_code == 9
    assert open_claims(raw, [stranger, two.identity], known, listed).head.sender == ONE
    broken = raw[:-1] + bytes([raw[-1] ^ 1])
    place = MessagePlace(1, hashlib.sha256(broken).hexdigest())
    with pytest.raises(MessageUnreadableError):
        open_claims(broken, [two.identity], known, Listed(place, None))


def test_ledgers_that_differ_stop_the_round(pair: Duo) -> None:
    pair.two.ledger.apply([Event("digest", Turn(1, 1), bytes(32), 0, "child-welfare k12")])
    first = pair.one.release(SECOND, [("a1", 7, "a1b1")])
    second = pair.two.release(SECOND, [("b1", 7, "a1b1")])
    both_refuse(pair, LedgersDifferError, lambda: pair.link(first, second))


def test_every_alarm_has_a_code_of_its_own() -> None:
    rows = [row for row in vars(errors).values() if isinstance(row, Refusal)]
    codes = [row.code for row in rows if row.base is LinkAlarmError]
    assert len(set(codes)) == len(codes) == 10


def test_no_match_is_remembered_of_a_round_that_was_refused(pair: Duo) -> None:
    first = pair.one.release(SECOND, [("a1", 7, "a1b1")])
    second = pair.two.release(SECOND, [("b1", 7, "other")])
    both_refuse(pair, ForgedMatchError, lambda: pair.link(first, second))
    assert not pair.one.ledger.known_matches([match_id(7), MatchId(bytes(16))])


def dated(side: Office, record: str, since: int) -> None:
    """Let a side say that its record has its link ID since another round."""
    held = side.ledger.held(record)
    assert held is not None
    side.ledger.apply([Event("held", Turn(3, 0), held.link, since, record)])


@pytest.mark.parametrize("since", [1, 3])
def test_claims_that_date_a_link_id_otherwise_than_before_are_an_alarm(
    pair: Duo, since: int
) -> None:
    # Since round 2 on both sides, which the digest of that round says.
    pair.hold((2, 1), [("a1", "b1"), ("a2", "b2"), ("a3", "b3")])
    dated(pair.two, "b3", since)
    first = pair.one.release(Turn(3, 1), [("a3", 7, "a3b3")])
    second = pair.two.release(Turn(3, 1), [("b3", 7, "a3b3")])
    before = serialise_ledger(pair.one.ledger)
    own, other = pair.one.claim(first), pair.two.claim(second)
    with raises(ClaimsContradictError) as caught:
        check_claims(pair.one.ledger, own, other, Believed(PAIR))
    assert caught.value.n_concerned == 1
    assert caught.value.exit_code == 9
    assert serialise_ledger(pair.one.ledger) == before


def test_a_link_id_is_not_older_than_the_match_that_made_it(pair: Duo) -> None:
    # However old the ledger that is stated: this one was restored to before the link ID was made.
    backup = serialise_ledger(pair.two.ledger)
    pair.hold((2, 1), [("a1", "b1"), ("a2", "b2"), ("a3", "b3")])
    held = pair.two.ledger.held("b3")
    assert held is not None
    pair.two.ledger = parse_ledger(backup, SPACE, TWO)
    first = pair.one.release(Turn(3, 1), [("a3", 7, "a3b3")])
    second = pair.two.release(Turn(3, 1), [("b3", 7, "a3b3")])
    pair.link(first, second)
    pair.two.ledger = parse_ledger(backup, SPACE, TWO)
    pair.two.ledger.apply([Event("held", Turn(2, 1), held.link, 1, "b3")])
    first = pair.one.release(Turn(4, 1), [("a3", 8, "a3b3")])
    second = pair.two.release(Turn(4, 1), [("b3", 8, "a3b3")])
    own, other = pair.one.claim(first), pair.two.claim(second)
    with raises(ClaimsContradictError):
        check_claims(pair.one.ledger, own, other, Believed(PAIR))


def redated(side: Office, claims: Claims, link: bytes, since: int) -> Claims:
    """Return claims with one link ID since another round, signed by the same person."""
    head = claims.head
    fields = {name: getattr(head, name) for name in HEAD_FIELDS}
    new = [one._replace(since=since) if one.link == link else one for one in claims.claims]
    key = side.identity.keys.signing_key
    signed = sign_claims(new, [], [], key, ledger=None, **fields)
    return parse_claims(serialise_claims(signed))


HEAD_FIELDS = (
    "project", "space", "round", "release", "sender", "person", "sequence", "previous", "checkpoint",
    "created", "pair", "transcript", "applied",
)  # fmt: skip


@pytest.mark.parametrize("reason", ["kept-by-another-group", "link-id-retired"])
def test_a_link_id_is_not_older_than_the_round_that_made_it_whatever_the_reason(
    pair: Duo, reason: str
) -> None:
    if reason == "link-id-retired":
        pair.one.ledger.unlink("a1")
    pair.hold((5, 1), [("a1", "b8"), ("a8", "b1")])
    pair.hold((6, 1), [("a3", "b3")])
    victim, event = next(
        (side, event)
        for side in pair.sides()
        for event in side.ledger.events
        if (event.kind, event.turn.round, event.why) == ("held", 5, reason)
    )
    liar = pair.one if victim is pair.two else pair.two
    assert victim.ledger.made_in({LinkId(event.raw)}) == {event.raw: 5}
    bearer = liar.ledger.holder(LinkId(event.raw))
    assert bearer is not None
    own = victim.claim(victim.release(Turn(8, 1), [(event.text, 80, "met")]))
    theirs = liar.claim(liar.release(Turn(8, 1), [(bearer, 80, "met")]))
    check_claims(victim.ledger, own, theirs, Believed(PAIR))
    for since in (1, 4):
        lie = redated(liar, theirs, event.raw, since)
        with raises(ClaimsContradictError):
            check_claims(victim.ledger, own, lie, Believed(PAIR))


def test_who_relinks_or_was_restored_contradicts_nothing(pair: Duo) -> None:
    pair.hold((2, 1), [("a1", "b1"), ("a2", "b2")])
    pair.two.ledger.relink(pair.two.ledger.unlink("b1"))
    pair.one.ledger = parse_ledger(serialise_ledger(pair.one.ledger), SPACE, ONE)
    pair.hold((3, 1), [("a1", "b1"), ("a2", "b2")])
    assert [side.changes() for side in pair.sides()] == [[], []]


def test_of_two_vetoes_with_one_number_the_one_that_retires_counts_for_both(pair: Duo) -> None:
    link = pair.one.ledger.unlink("a1")
    backup = serialise_ledger(pair.one.ledger)
    pair.one.ledger.relink(link)
    pair.one.ledger.unlink("a1")
    pair.hold((2, 1), [("a1", "b1"), ("a2", "b2")])
    # Restored, the maker counts once more from where the backup stood, and may come to another word.
    pair.one.ledger, pair.one.recalls = parse_ledger(backup, SPACE, ONE), True
    pair.one.ledger.apply([Event("lift", Turn(3, 0), link, 3, ONE)])
    assert (link, ONE, 3, False) in pair.one.ledger.vetoes()
    pair.hold((3, 1), [("a1", "b1"), ("a2", "b2")])
    assert (link, ONE, 3, True) in pair.one.ledger.vetoes()
    assert pair.one.ledger.vetoes() == pair.two.ledger.vetoes()
    assert pair.one.ledger.held("a1") is pair.two.ledger.held("b1") is None
    pair.one.ledger.relink(link)
    pair.hold((4, 1), [("a1", "b1"), ("a2", "b2")])
    assert pair.one.ledger.held("a1") is not None
    assert pair.link_of("b1") == pair.link_of("a1")


def rolled_back(side: Office, to: Turn, subject: str = "44" * 32) -> None:
    held = held_as_of(side.ledger, to)
    side.ledger.roll_back(to, held, sha256=subject, signed="{}")


def test_after_a_rollback_of_both_sides_the_ledgers_say_again_what_they_said(pair: Duo) -> None:
    pair.hold((2, 1), [("a1", "b1"), ("a2", "b2"), ("a3", "b3")])
    views = [held_as_of(side.ledger, SECOND) for side in pair.sides()]
    digest = pair.one.ledger.newest_digest(PAIR)
    pair.hold((3, 1), [("a1", "b2"), ("a2", "b1"), ("a3", "b4"), ("a4", "b3")])
    pair.hold((4, 1), [("a1", "b2"), ("a2", "b1"), ("a3", "b4"), ("a4", "b3")])
    for side in pair.sides():
        rolled_back(side, SECOND)
        side.ledger = parse_ledger(serialise_ledger(side.ledger), SPACE, side.party)
        assert side.ledger.newest_digest(PAIR) == digest
        assert side.ledger.last == Turn(4, 1)
    pair.hold((5, 1), [("a1", "b1"), ("a2", "b2"), ("a3", "b3")])
    assert [side.changes() for side in pair.sides()] == [[], []]
    for side, view in zip(pair.sides(), views, strict=True):
        assert held_as_of(side.ledger, Turn(5, 1)) == view
        assert held_as_of(side.ledger, SECOND) == view
        # What the rounds between said, they said.
        assert held_as_of(side.ledger, Turn(4, 1)) != view
        assert side.ledger.rolled_back is None
    assert pair.one.ledger.newest_digest(PAIR) == pair.two.ledger.newest_digest(PAIR)


def test_a_rollback_of_one_side_alone_stores_nothing_and_is_no_alarm(pair: Duo) -> None:
    pair.hold((2, 1), [("a1", "b2"), ("a2", "b1")])
    for rolled, other in ((pair.one, None), (pair.two, "55" * 32)):
        rolled_back(rolled, Turn(1, 1), *filter(None, [other]))
        first = pair.one.release(Turn(3, 1), [("a1", 7, "a1b1")])
        second = pair.two.release(Turn(3, 1), [("b1", 7, "a1b1")])
        with raises(RollbackError) as caught:
            pair.link(first, second)
        assert caught.value.exit_code == 1
    rolled_back(pair.two, Turn(1, 1))
    pair.hold((3, 1), [("a1", "b1"), ("a2", "b2")])
    assert pair.one.ledger.held("a1") == pair.two.ledger.held("b1")


def test_a_rollback_gives_back_nothing_that_somebody_has_unlinked(pair: Duo) -> None:
    link = pair.one.ledger.unlink("a1")
    pair.hold((2, 1), [("a1", "b1"), ("a2", "b3")])
    for side in pair.sides():
        rolled_back(side, Turn(1, 1))
    assert pair.one.ledger.held("a1") is pair.two.ledger.held("b1") is None
    pair.hold((3, 1), [("a1", "b1"), ("a2", "b2")])
    assert link not in {held.link for held in pair.two.ledger.everyone().values()}
    assert pair.link_of("a2") == pair.link_of("b2") is not None

"""Chains over three agencies: one person, one link ID; what is missing stops all; size."""

from __future__ import annotations

import hashlib
from itertools import combinations

import pytest
from ledger_simulator.duo import SPACE, Office, match_id, office
from samples.refusals import raises

from encoding.ledger.additions import apply_release
from encoding.ledger.claim_checks import Believed, check_claims, check_statement
from encoding.ledger.claims import PairRelease, Posting, ReleasedMatch, make_claims, make_statement
from encoding.ledger.errors import ClaimsContradictError, MessageReplayedError
from encoding.ledger.inputs import inputs_alone, inputs_of_statements
from encoding.ledger.ledger_file import parse_ledger, serialise_ledger
from encoding.ledger.messages import Listed, open_statement, seal_statement
from encoding.ledger.values import MessagePlace, Turn
from schemas.rounds.chain_statement import (
    ChainStatement,
    parse_statement,
    serialise_statement,
    sign_statement,
)

PARTIES = ("health", "k12", "welfare")
PAIRS = tuple(combinations(PARTIES, 2))
Matched = dict[tuple[str, str], list[tuple[str, str]]]


class Trio:
    """Three agencies, of which some are recipients; every step by hand."""

    def __init__(self, recipients: tuple[str, ...] = PARTIES) -> None:
        self.offices = {party: office(party) for party in recipients}

    def releases(
        self, turn: Turn, matched: Matched
    ) -> dict[tuple[str, tuple[str, str]], PairRelease]:
        made = {}
        for pair, joined in matched.items():
            for side, party in enumerate(pair):
                if party in self.offices:
                    own = self.offices[party]
                    rows = [
                        ReleasedMatch(
                            both[side],
                            match_id(10**6 * turn.round + 10**5 * turn.release + n),
                            own.row("".join(both)),
                        )
                        for n, both in enumerate(joined)
                    ]
                    made[party, pair] = PairRelease(turn, pair, tuple(rows))
        return made

    def posting(self, own: Office) -> Posting:
        return own.posting()

    def state(
        self, turn: Turn, releases: dict[tuple[str, tuple[str, str]], PairRelease]
    ) -> list[ChainStatement]:
        claims = {
            key: make_claims(
                self.offices[key[0]].ledger,
                release,
                self.offices[key[0]].proof(turn.round),
                self.posting(self.offices[key[0]]),
            )
            for key, release in releases.items()
        }
        made = []
        for party, own in self.offices.items():
            mine = [release for (p, _), release in releases.items() if p == party]
            checked = [
                check_claims(
                    own.ledger,
                    claims[party, r.pair],
                    claims[r.other(party), r.pair],
                    Believed(PARTIES, own.recalls),
                )
                for r in mine
                if r.other(party) in self.offices
            ]
            if mine:
                made.append(make_statement(own.ledger, turn, mine, checked, self.posting(own)))
        return made

    def hold(self, turn: tuple[int, int], matched: Matched, away: str = "") -> None:
        releases = self.releases(Turn(*turn), matched)
        statements = self.state(Turn(*turn), releases)
        for party, own in self.offices.items():
            if party == away:
                continue
            for other in statements:
                if other.head.sender != party:
                    believed = Believed(PARTIES, own.recalls)
                    check_statement(own.ledger, statements[0].head, other, believed)
            inputs = inputs_of_statements(statements, self.offices)
            records = {
                match: record
                for (p, _), release in releases.items()
                if p == party
                for match, record in release.records().items()
            }
            apply_release(own.ledger, inputs, records)

    def links(self, *records: str) -> set[bytes | None]:
        found = set()
        for record in records:
            held = [o.ledger.held(record) for o in self.offices.values() if o.party[0] == record[0]]
            found.add(None if held == [None] else held[0].link)  # type: ignore[union-attr]
        return found


HK, HW, KW = PAIRS
EVERYONE: Matched = {HK: [("h1", "k1")], HW: [("h1", "w1")], KW: [("k1", "w1")]}


def test_a_chain_of_three_agencies_has_one_link_id_that_lasts() -> None:
    trio = Trio()
    trio.hold((1, 1), EVERYONE)
    links = trio.links("h1", "k1", "w1")
    assert len(links) == 1
    for round_, missing in enumerate(PAIRS, start=2):
        trio.hold((round_, 1), {p: m if p != missing else [] for p, m in EVERYONE.items()})
        assert trio.links("h1", "k1", "w1") == links
    trio.hold((5, 1), {HK: [("h1", "k1")]})
    assert trio.links("h1", "k1", "w1") == links


@pytest.mark.parametrize("goes_on_alone", [False, True])
def test_who_was_restored_hears_of_its_own_unlink_however_the_others_took_turns(
    goes_on_alone: bool,
) -> None:
    trio = Trio()
    health, k12 = trio.offices["health"], trio.offices["k12"]
    trio.hold((4, 1), EVERYONE)
    backup = serialise_ledger(health.ledger)
    health.ledger.unlink("h1")
    trio.hold((5, 1), {HK: EVERYONE[HK]}, away="welfare")
    health.ledger, health.recalls = parse_ledger(backup, SPACE, "health"), True
    trio.hold((6, 1), {HW: EVERYONE[HW]}, away="k12")
    assert health.ledger.vetoes() == ()
    if goes_on_alone:
        # As with matches that a party got from an agency that receives nothing.
        apply_release(k12.ledger, inputs_alone(Turn(6, 1), [k12.ledger], ()), {})
    trio.hold((7, 1), EVERYONE)
    assert [veto.maker for veto in health.ledger.vetoes()] == ["health"]


def test_a_chain_that_joins_two_records_of_one_agency_is_cut_at_the_newest_pair() -> None:
    trio = Trio()
    trio.hold((1, 1), {HK: [("h1", "k1")], HW: [("h2", "w1")], KW: []})
    one, two = trio.links("h1", "k1"), trio.links("h2", "w1")
    trio.hold((2, 1), {HK: [("h1", "k1")], HW: [("h2", "w1")], KW: [("k1", "w1")]})
    assert (trio.links("h1", "k1"), trio.links("h2", "w1")) == (one, two)
    assert one.isdisjoint(two)
    # Both records keep what their other match gives them, so that neither is without a link.
    assert [office.ledger.left_out for office in trio.offices.values()] == [{}, {}, {}]


def test_a_supplement_joins_a_third_record_to_the_group_of_its_round() -> None:
    trio = Trio()
    trio.hold((1, 1), {HK: [("h1", "k1")], HW: [], KW: []})
    trio.hold((1, 2), {HW: [("h1", "w1")]})
    assert len(trio.links("h1", "k1", "w1")) == 1
    trio.hold((1, 3), {KW: [("k1", "w2")]})
    assert trio.links("w2") == {None}


def test_an_unlinked_record_stays_out_of_the_chain_and_the_others_stay_together() -> None:
    trio = Trio()
    trio.hold((1, 1), EVERYONE)
    (link,) = trio.links("w1")
    trio.offices["welfare"].ledger.unlink("w1")
    trio.hold((2, 1), EVERYONE)
    assert trio.links("h1") == trio.links("k1") != {link}
    assert trio.links("w1") == {None}
    trio.hold((3, 1), {HK: [], HW: EVERYONE[HW], KW: EVERYONE[KW]})
    assert trio.links("w1") == {None}


def test_two_recipients_of_three_agencies_agree_without_the_third() -> None:
    trio = Trio(("health", "k12"))
    trio.hold((1, 1), EVERYONE)
    links = trio.links("h1", "k1")
    assert len(links) == 1
    trio.hold((2, 1), {HW: [("h1", "w7")], KW: [("k1", "w8")], HK: []})
    # Who meets nobody that speaks for it claims alone: both claim the ID, and one of them keeps it.
    assert len(trio.links("h1", "k1")) == 2
    trio.hold((3, 1), EVERYONE)
    assert trio.links("h1", "k1") == links


def test_a_statement_is_sealed_once_to_all_and_is_of_its_release() -> None:
    trio = Trio()
    turn = Turn(1, 1)
    statements = trio.state(turn, trio.releases(turn, EVERYONE))
    sender, *others = trio.offices.values()
    sealed = seal_statement(statements[0], [other.identity.public for other in others])
    known = {sender.identity.public.person: sender.identity.public}
    listed = Listed(MessagePlace(1, hashlib.sha256(sealed).hexdigest()), None)
    for other, own in zip(others, statements[1:], strict=True):
        received = open_statement(sealed, [other.identity], known, listed)
        assert received == statements[0]
        check_statement(other.ledger, own.head, received, Believed(PARTIES))
    later = trio.state(Turn(2, 1), trio.releases(Turn(2, 1), EVERYONE))
    with raises(MessageReplayedError):
        check_statement(others[0].ledger, later[1].head, statements[0], Believed(PARTIES))


@pytest.mark.parametrize("is_claimed", [False, True])
def test_a_statement_that_dates_a_link_id_back_is_an_alarm(is_claimed: bool) -> None:
    """Before it was made, or otherwise than the same party's claims."""
    trio = Trio()
    trio.hold((1, 1), {HK: [("h0", "k0")], HW: [], KW: []})
    trio.hold((5, 1), EVERYONE)
    # Later another record of health's is matched, so that its link ID is older than since when it has it.
    trio.hold((6, 1), {HK: [("h2", "k1")], HW: [("h2", "w1")], KW: [("k1", "w1")]})
    turn, matched = Turn(7, 1), {HK: [("h2", "k1")], HW: [("h2", "w1")], KW: [("k1", "w1")]}
    releases = trio.releases(turn, matched)
    statements = {one.head.sender: one for one in trio.state(turn, releases)}
    health, welfare = trio.offices["health"], trio.offices["welfare"]
    claims = make_claims(
        health.ledger, releases["health", HW], health.proof(turn.round), trio.posting(health)
    )
    own, honest = statements["welfare"].head, statements["health"]
    believed, told = Believed(PARTIES), claims if is_claimed else None
    check_statement(welfare.ledger, own, honest, believed, told)
    assert [record.since for record in honest.records] == [6]
    for since in (4, 5):
        lie = restated(health, honest, since)
        # Nobody but the party itself could know that it has the link ID since round 6.
        if since == 5 and not is_claimed:
            check_statement(welfare.ledger, own, lie, believed, told)
            continue
        with raises(ClaimsContradictError):
            check_statement(welfare.ledger, own, lie, believed, told)
    # Between claims and statement the party may unlink a record.
    health.ledger.unlink("h2")
    (later,) = (one for one in trio.state(turn, releases) if one.head.sender == "health")
    assert later.records[0].link is None
    check_statement(welfare.ledger, own, later, believed, told)


def restated(side: Office, statement: ChainStatement, since: int) -> ChainStatement:
    """Return a statement with all link IDs since another round, signed by the same person."""
    head = statement.head
    names = (
        "project", "space", "round", "release", "sender", "person", "sequence", "previous",
        "checkpoint", "applied", "created",
    )  # fmt: skip
    records = [one._replace(since=since) for one in statement.records]
    fields = {name: getattr(head, name) for name in names}
    key = side.identity.keys.signing_key
    return parse_statement(
        serialise_statement(sign_statement(records, (), head.pairs, key, **fields))
    )


@pytest.mark.long
def test_many_matches_of_three_agencies_are_carried_on() -> None:
    n = 10_000
    matched: Matched = {(a, b): [(f"{a[0]}{i}", f"{b[0]}{i}") for i in range(n)] for a, b in PAIRS}
    trio = Trio()
    for own in trio.offices.values():
        own.rows = _Rows()  # type: ignore[assignment]
    for round_ in (1, 2):
        trio.hold((round_, 1), matched)
    assert len(trio.offices["k12"].ledger) == n


class _Rows(dict):
    """Rows by name, since a list would be searched from its start for each."""

    def __contains__(self, _: object) -> bool:
        return True

    def index(self, name: bytes) -> int:
        self[len(self)] = name
        return len(self) - 1

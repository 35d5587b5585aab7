"""Agencies that keep ledgers in a world: they exchange what they should, and are watched.

A *divergence*: two recipients that applied one release differ in what it gave. A *change*: a true pair whose
two records are what they were has another link ID than when it was last matched; counted for both agencies. It
is explained by what happened to one of the two link IDs: it was unlinked, it stood at records of two persons (a
wrong link), it ended at a record because another one of the same agency got it, a restored workspace had
forgotten it, or an agency could not apply what gave or ended it; or by what happened to a record of the person,
also at a third agency: it was in a wrong match, or in one of a person who has two records at one agency. That
counts if it was after the person's records, all that ever had a link ID, last stood at one together, until the
pair was last matched: it may have taken them apart, and what brings them together again changes one of the two.
"""

from __future__ import annotations

import hashlib
import hmac
from collections import Counter, defaultdict
from random import Random

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from ledger_simulator.world import Match, Rates, Round, World

from encoding.ledger.additions import apply_release
from encoding.ledger.book import Ledger
from encoding.ledger.claim_checks import Believed, check_claims, check_statement, refuse_excess
from encoding.ledger.claims import (
    PairRelease,
    Posting,
    Proof,
    ReleasedMatch,
    make_claims,
    make_statement,
)
from encoding.ledger.grants import SpaceName
from encoding.ledger.inputs import Inputs, inputs_of_claims, inputs_of_statements
from encoding.ledger.ledger_file import parse_ledger, serialise_ledger
from encoding.ledger.values import Turn
from schemas.rounds.chain_statement import ChainStatement
from schemas.rounds.claims import Claims, Transcript
from schemas.rounds.space_message import MessageHead

SPACE = SpaceName("foster-pupils", "research")
KEY = Ed25519PrivateKey.from_private_bytes(bytes(32))
TRANSCRIPT = Transcript(earlier="11" * 32, later="22" * 32)
KEPT_BACKUPS = 5
NEVER = Turn(0, 0)


def posting() -> Posting:
    return Posting(f"per-{'0' * 32}", KEY, "checkpoint\n", "2026-09-01T06:00:00Z")


class Offices:
    """The agencies of a world, all of them recipients of one space, and what became of their link IDs."""

    def __init__(self, seed: int, parties: tuple[str, ...], n: int, rates: Rates | None = None):
        self.world = World(Random(seed), parties, rates or Rates())
        self.world.populate(n)
        self.ledgers = {party: Ledger(SPACE, party) for party in parties}
        self.backups: dict[str, list[bytes]] = {party: [] for party in parties}
        # In which round each was restored last.
        self.restored: dict[str, int] = {}
        self.counts: Counter[str] = Counter()
        # Of each link ID, the persons and the records at which it ever stood; those unlinked, and forgotten.
        self.persons: dict[bytes, set[int]] = defaultdict(set)
        self.records: dict[tuple[bytes, str], set[str]] = defaultdict(set)
        self.moved: set[bytes] = set()
        self.unlinked: set[bytes] = set()
        self.forgotten: set[bytes] = set()
        # Which records ever had a link ID.
        self.linked: set[tuple[str, str]] = set()
        # With each pair's link ID, when its person's records last stood at one together.
        self.last_id: dict[tuple[str, str, str, str], tuple[Turn, bytes]] = {}
        self.together: dict[int, Turn] = {}
        # When a person's record was last in a wrong match, and matched while an agency had two of them.
        self.wronged: dict[int | None, Turn] = {}
        self.doubled: dict[int | None, Turn] = {}

    def live_through(self, n_rounds: int) -> Counter[str]:
        for number in range(1, n_rounds + 1):
            self.world.live()
            self.hold(self.world.hold_round(number))
        return self.counts

    def hold(self, held: Round) -> None:
        for party, ledger in self.ledgers.items():
            backups = self.backups[party]
            backups.append(serialise_ledger(ledger))
            del backups[:-KEPT_BACKUPS]
            if party in held.restored:
                self.counts["restored"] += 1
                self.restored[party] = held.number
                back = backups[max(0, len(backups) - 1 - held.restored[party])]
                self.ledgers[party] = parse_ledger(back, SPACE, party)
                now = self.ledgers[party].everyone()
                self.forgotten |= {
                    h.link for r, h in ledger.everyone().items() if r not in now or h != now[r]
                }
        first, later = held.releases
        if any(first.values()):
            self.link(Turn(held.number, 1), first, held)
        # What was sent to review is released for each pair apart, and only its parties hear of it.
        for number, (pair, matches) in enumerate(sorted(later.items()), start=2):
            if matches:
                self.link(Turn(held.number, number), {pair: matches}, held)
        self.unlink_some()

    def link(self, turn: Turn, matched: dict[tuple[str, str], list[Match]], held: Round) -> None:
        """Exchange messages about one release, close it, and apply it where it can be."""
        releases = {
            (party, pair): released(turn, pair, matches, party)
            for pair, matches in matched.items()
            for party in pair
        }
        claims = {
            (party, pair): make_claims(
                self.ledgers[party], release, proof(release, party, held), posting()
            )
            for (party, pair), release in releases.items()
        }
        checked = {
            (party, pair): check_claims(
                self.ledgers[party],
                own,
                claims[other_of(party, pair), pair],
                self.believed(party, claims[other_of(party, pair), pair].head),
            )
            for (party, pair), own in claims.items()
        }
        self.counts["unproven"] += sum(c.n_unproven for c in checked.values())
        absent = held.absent[min(turn.release, 2)]
        taking_part = {party for pair in matched for party in pair}
        if absent in taking_part:
            self.counts["closed without one"] += 1
            return
        inputs = self.stated(turn, releases, claims, checked)
        n_applied = 0
        lost = held.unread[min(turn.release, 2)]
        for party in inputs:
            if party == lost:
                continue
            own = {pair: r for (p, pair), r in releases.items() if p == party}
            records = {m: r for release in own.values() for m, r in release.records().items()}
            refuse_excess(self.ledgers[party], inputs[party].vetoes, "what came together")
            n_applied += apply_release(self.ledgers[party], inputs[party], records)
        assert turn.release == 1 or n_applied in (0, 2) or lost in inputs, (
            "one of a pair acts alone"
        )
        self.counts["applied"] += n_applied
        if n_applied:
            if lost in inputs:
                self.counts["not applied by one"] += 1
                self.forget(turn)
            self.watch(turn, {pair: m for pair, m in matched.items() if lost not in pair})

    def forget(self, turn: Turn) -> None:
        """Note which link IDs came and went by a release that one of the agencies has not applied."""
        for ledger in self.ledgers.values():
            self.forgotten |= {
                event.raw
                for event in ledger.events
                if event.turn == turn and event.kind in ("held", "ended")
            }

    def believed(self, party: str, received: MessageHead) -> Believed:
        """Restored, an agency may lack vetoes of its own until it has applied a release with each other one.

        It may lack them, too, where the sender was restored since, to a day that this agency has forgotten.
        """
        others = [other for other in self.world.parties if other != party]
        newest = {
            other: self.ledgers[party].newest_digest(tuple(sorted((party, other))))
            for other in others
        }
        heard = {other: one[0].round if one else 0 for other, one in newest.items()}
        restored, sender = self.restored.get(party, 0), received.sender
        came_back = received.applied is not None and (
            self.restored.get(sender, 0) > heard[sender] and restored > received.applied.round
        )
        recalls = came_back or any(number < restored for number in heard.values())
        return Believed(self.world.parties, recalls)

    def stated(
        self,
        turn: Turn,
        releases: dict[tuple[str, tuple[str, str]], PairRelease],
        claims: dict[tuple[str, tuple[str, str]], Claims],
        checked: dict,
    ) -> dict[str, Inputs]:
        parties = self.world.parties
        if len(parties) == 2 or turn.release > 1:
            ((_, pair), *_) = releases
            return {
                party: inputs_of_claims(
                    claims[party, pair],
                    claims[other_of(party, pair), pair],
                    checked[party, pair].vetoed,
                )
                for party in pair
            }
        statements: list[ChainStatement] = []
        for party in sorted({party for party, _ in releases}):
            own = [r for (p, _), r in releases.items() if p == party]
            done = [c for (p, _), c in checked.items() if p == party]
            statements.append(make_statement(self.ledgers[party], turn, own, done, posting()))
        for party in parties:
            for statement in statements:
                if statement.head.sender != party:
                    believed = self.believed(party, statement.head)
                    ledger, own = self.ledgers[party], statements[0].head
                    check_statement(ledger, own, statement, believed)
        return {party: inputs_of_statements(statements, parties) for party in parties}

    def watch(self, turn: Turn, matched: dict[tuple[str, str], list[Match]]) -> None:
        standing: dict[int, set[bytes]] = defaultdict(set)
        for party, ledger in self.ledgers.items():
            for record, held in ledger.everyone().items():
                person = self.world.files[party].get(record)
                self.linked.add((party, record))
                self.records[held.link, party].add(record)
                if len(self.records[held.link, party]) > 1:
                    self.moved.add(held.link)
                if person is not None:
                    self.persons[held.link].add(person)
                    standing[person].add(held.link)
        apart = {
            self.world.files[party].get(record)
            for party, record in self.linked
            if self.ledgers[party].held(record) is None
        }
        self.together |= {
            person: turn
            for person, links in standing.items()
            if len(links) == 1 and person not in apart
        }
        for pair, matches in matched.items():
            one, another = (self.ledgers[party] for party in pair)
            self.counts["divergences"] += one.digest(turn, pair) != another.digest(turn, pair)
            doubles = self.world.doubles()
            for _, a, b in matches:
                person = self.world.files[pair[0]].get(a)
                if person in doubles:
                    self.doubled[person] = turn
                self.watch_match(turn, pair, a, b)

    def watch_match(self, turn: Turn, pair: tuple[str, str], a: str, b: str) -> None:
        here, there = (
            ledger.held(record)
            for ledger, record in zip((self.ledgers[p] for p in pair), (a, b), strict=True)
        )
        if not self.world.is_true(pair, a, b):
            self.counts["wrong matches"] += 1
            for party, record in zip(pair, (a, b), strict=True):
                self.wronged[self.world.files[party].get(record)] = turn
            return
        if here is None or there is None or here.link != there.link:
            # Cut, or kept apart by a veto.
            self.counts["true matches left out"] += 1
            return
        self.counts["true matches"] += 1
        key, link, person = (*pair, a, b), here.link, self.world.files[pair[0]][a]
        since, former = self.last_id.get(key, (turn, link))
        self.last_id[key] = self.together.get(person, NEVER), link
        if former != link:
            self.counts["changes"] += 2
            self.counts[self.explain(since, person, {former, link})] += 2

    def explain(self, since: Turn, person: int, links: set[bytes]) -> str:
        def since_then(when: dict[int | None, Turn]) -> bool:
            return when.get(person, since) > since

        if links & self.unlinked:
            return "changes after an unlink"
        if any(len(self.persons[link]) > 1 for link in links) or since_then(self.wronged):
            return "changes after a wrong link"
        if links & self.moved or since_then(self.doubled):
            return "changes after an end"
        if links & self.forgotten:
            return "changes after a release that one has not applied, or a restore"
        return "unexplained changes"

    def unlink_some(self) -> None:
        """Let agencies notice some of the wrong links that they have."""
        for party, ledger in self.ledgers.items():
            others = {p: at for p, at in self.ledgers.items() if p != party}
            for record, held in sorted(ledger.everyone().items()):
                person = self.world.files[party].get(record)
                holders = ((p, at.holder(held.link)) for p, at in others.items())
                there = {self.world.files[p].get(r) for p, r in holders if r is not None}
                # In a chain, anyone who unlinks takes its record from all the others: it is for the odd one
                # out.
                is_wrong = person is not None and there - {None} and person not in there
                if is_wrong and self.world.happens(self.world.rates.unlink):
                    self.unlinked.add(ledger.unlink(record))
                    self.counts["unlinked"] += 1


def other_of(party: str, pair: tuple[str, str]) -> str:
    return pair[1] if pair[0] == party else pair[0]


def released(turn: Turn, pair: tuple[str, str], matches: list[Match], party: str) -> PairRelease:
    side = 1 + pair.index(party)
    rows = [(m[0], m[side], number) for number, m in enumerate(matches)]
    return PairRelease(turn, pair, tuple(ReleasedMatch(r, m, n) for m, r, n in rows))


def proof(release: PairRelease, party: str, held: Round) -> Proof:
    """The row of a match has the same number and token on both sides, as if both were sorted alike."""
    name = f"{release.pair} {release.turn}".encode()

    def token_of(row: int) -> bytes | None:
        if party in held.without_container:
            return None
        return hmac.digest(name, row.to_bytes(4, "big"), "sha256")[:16]

    return Proof(hashlib.sha256(name).digest(), token_of, TRANSCRIPT)

"""A release becomes part of the ledger: groups, link IDs, what changes, and the digest that others compare.

Every recipient computes this from the same messages, those that the log entry `round-closed` lists.
"""

from __future__ import annotations

import hashlib
from binascii import unhexlify
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Final, Literal

from encoding.ledger.book import Ledger, newer_vetoes, retired_of, standing_of
from encoding.ledger.chains import Chains, Group, join_chains
from encoding.ledger.claims import own_members
from encoding.ledger.compact import Grants, pack_rounds, unpack_rounds
from encoding.ledger.events import Event
from encoding.ledger.grants import grant_ids
from encoding.ledger.inputs import Inputs
from encoding.ledger.values import Grant, Member, Pair, Reason, Turn
from schemas.documents.ids import LinkId
from schemas.rounds.chain_statement import StatedMatch
from schemas.rounds.space_message import Veto

Kind = Literal["new", "ended", "split", "merged", "id-changed"]
Why = Literal[
    "first-match",
    "known-to-others",
    "given-to-another-record",
    "unlinked",
    "older-link-id",
    "kept-by-another-group",
    "link-id-retired",
    "linked-again",
    "rolled-back",
    "new-in-each-round",
]

SENTENCES: dict[Why, str] = {
    "first-match": "matched for the first time",
    "known-to-others": "matched with a record that had this link ID at another agency",
    "given-to-another-record": "a different record of this agency has this link ID now",
    "unlinked": "an agency unlinked it",
    "older-link-id": "matched with a record that has had its link ID longer",
    "kept-by-another-group": "records that shared the link ID were matched apart, and others keep it",
    "link-id-retired": "an agency unlinked the link ID that it had",
    "linked-again": "the agency that unlinked it has linked it again",
    "rolled-back": "all agencies have gone back to the link IDs of an earlier round",
    "new-in-each-round": "link IDs of this link-ID set are new in each round",
}


def reasons_to_change(
    ledger: Ledger,
    granted: Mapping[LinkId, bool],
    given: Mapping[str, LinkId],
    retired: Collection[LinkId],
) -> dict[str, Why]:
    """Return why each record gets another link ID by a release, before it does."""
    found: dict[str, Why] = {}
    for record, link in given.items():
        held = ledger.held(record)
        if held is None:
            found[record] = "known-to-others" if granted[link] else "first-match"
        elif held.link in retired:
            found[record] = "link-id-retired"
        elif held.link != link:
            is_kept = held.link in granted
            found[record] = "kept-by-another-group" if is_kept else "older-link-id"
    return found


def reasons_left_out(chains: Chains) -> dict[StatedMatch, Reason]:
    """Return why matches joined nothing; that a veto keeps records apart is not said."""
    reasons: dict[StatedMatch, Reason] = dict.fromkeys(chains.cut, "cut")
    reasons.update(dict.fromkeys(chains.unstated, "not-stated"))
    return reasons


_DIGEST_LABEL: Final = b"blindlink/v1/ledger-digest\n"


def apply_release(
    ledger: Ledger,
    inputs: Inputs,
    records: Mapping[StatedMatch, str],
    *,
    alone: Collection[StatedMatch] = (),
    pending: Collection[StatedMatch] = (),
) -> bool:
    """Change the ledger by a release that is closed; return whether it could be applied.

    Args:
        records: the own record of each own match of the release, also of those that do not stand.
        alone: own matches with parties that do not receive in the space, of which no input tells. They come
            after the others and take no link ID that was granted, so that these are the same everywhere.
        pending: own matches of pairs whose claims are missing: they give nothing, and old link IDs stand.
    Raises:
        OutOfTurnError: it has been applied, or its turn is over.
    """
    turn = inputs.turn
    ledger.refuse_out_of_turn(turn)
    if not inputs.is_applicable:
        return False
    is_supplement = ledger.last is not None and ledger.last.round == turn.round
    granted = dict(ledger.granted.items()) if is_supplement else {}
    # What a supplement gave another pair counts for that pair alone, as not all here know of it.
    before = ledger.granted_to(inputs.recipients) if is_supplement else {}
    unavailable = {*retired_of(inputs.vetoes), *before}
    # This agency may have unlinked something since it made its claims, which the others learn next time.
    retired = retired_of((*ledger.vetoes(), *inputs.vetoes))
    made = _Made(ledger, turn, records)
    for members in inputs.parts:
        chains = join_chains(
            members,
            inputs.recipients,
            turn.round,
            standing=standing_of(inputs.vetoes),
            granted=before,
        )
        links = grant_ids(members, chains.groups, ledger.space, turn, unavailable=unavailable)
        made.add(members, chains, links, inputs.recipients, before)
    rest = {match for match in alone if records[match] not in made.given}
    taken = {*unavailable, *(grant.link for grant in granted), *retired, *made.claimed}
    members = own_members(ledger, records, rest)
    chains = join_chains(members, {ledger.party}, turn.round)
    links = grant_ids(members, chains.groups, ledger.space, turn, unavailable=taken)
    made.add_alone(members, chains, links)
    given = {record: link for record, link in made.given.items() if link not in retired}
    lifted = [v.link for v in newer_vetoes(ledger.vetoes(), inputs.vetoes) if not v.is_standing]
    # Evaluated before any is taken: each looks at the ledger as it was.
    changed = {
        record: link
        for record, link in given.items()
        if (held := ledger.held(record)) is None or held.link != link
    }
    why = reasons_to_change(ledger, made.claimed, changed, retired)
    why |= {record: "linked-again" for record, link in changed.items() if link in lifted}
    new = (link for link, is_claimed in made.claimed.items() if not is_claimed)
    ledger.apply(
        [Event("made", turn, link) for link in sorted({*new}.intersection(changed.values()))]
    )
    ledger.apply([*_events(ledger, turn, changed, inputs.vetoes, why)])
    ledger.apply(ledger.revivals(turn, lifted))
    ledger.apply(_digests(turn, made.sides, ledger))
    ledger.apply([Event("applied", turn)])
    known_to = tuple(sorted(inputs.recipients))
    ledger.others = _others(ledger, made.sides, ledger.others if is_supplement else {})
    later = ((Grant(link, known_to), who) for who, links in made.parties.items() for link in links)
    ledger.granted = Grants.of((granted | dict(later)).items() if granted else later)
    ledger.note_matches(turn, (match.match for match in records))
    left_out = {
        records[match]: made.reasons.get(match, "vetoed")
        for match in sorted(made.left_over.difference(alone, pending))
    }
    earlier = ledger.left_out if is_supplement else {}
    # Of a record with several matches the last one counts here: where one waits, the old link ID stands.
    waiting: dict[str, Reason] = {records[match]: "pending" for match in pending}
    found = earlier | left_out | waiting
    ledger.left_out = {record: why for record, why in found.items() if record not in given}
    return True


_Sides = dict[Pair, list[bytes]]
"""Lines of the digest: a link ID of the pair, and since when each party's record has it."""


class _Made:
    """What a release has given so far, part by part.

    Attributes:
        given: the link ID of each own record that a group has.
        claimed: of each link ID, whether a record of its group had it before.
        parties: the link IDs that were given to records of the same parties in the round.
        sides: the lines of each own pair of two recipients.
        left_over: own matches that have joined nothing.
        reasons: why, where a part says so.
    """

    def __init__(self, ledger: Ledger, turn: Turn, records: Mapping[StatedMatch, str]) -> None:
        self._ledger, self._turn, self._records = ledger, turn, records
        self.given: dict[str, LinkId] = {}
        self.claimed: dict[LinkId, bool] = {}
        self.parties: dict[tuple[str, ...], list[LinkId]] = {}
        self.sides: _Sides = {}
        self.left_over = {*records}
        self.reasons: dict[StatedMatch, Reason] = {}

    def add(
        self,
        members: Sequence[Member],
        chains: Chains,
        links: Sequence[LinkId],
        recipients: frozenset[str],
        before: Mapping[LinkId, Collection[str]],
    ) -> None:
        """Add what a part has given."""
        self.add_alone(members, chains, links)
        self.reasons |= reasons_left_out(chains)
        for member in members:
            for match in member.matches:
                if self._ledger.party in match.pair and recipients.issuperset(match.pair):
                    self.sides.setdefault(match.pair, [])
        for group, link in zip(chains.groups, links, strict=True):
            self.left_over.difference_update(group.matches)
            who = {*before.get(link, ()), *(members[place].party for place in group.members)}
            self.parties.setdefault(tuple(sorted(who)), []).append(link)
            self._add_sides(group, [members[place] for place in group.members], link)

    def add_alone(self, members: Sequence[Member], chains: Chains, links: Sequence[LinkId]) -> None:
        """Add link IDs of which no other party is told."""
        for group, link in zip(chains.groups, links, strict=True):
            self.claimed[link] = any(members[place].link == link for place in group.members)
            for place in group.members:
                if members[place].party == self._ledger.party:
                    self.given[self._records[members[place].matches[0]]] = link

    def _add_sides(self, group: Group, members: Sequence[Member], link: LinkId) -> None:
        since = {
            (match, member.party): member.since if member.link == link else self._turn.round
            for member in members
            for match in member.matches
        }
        for match in group.matches:
            if match.pair in self.sides:
                one, another = (since[match, party] for party in match.pair)
                line = f"{link.hex()} {one} {another}\n".encode("ascii")
                self.sides[match.pair].append(line)


def _events(
    ledger: Ledger,
    turn: Turn,
    changed: Mapping[str, LinkId],
    told: Iterable[Veto],
    why: Mapping[str, Why],
) -> Iterable[Event]:
    """Yield what happens to the ledger: others' vetoes, link IDs that leave a record, and that come to one."""
    news = newer_vetoes(ledger.vetoes(), told)
    for veto in news:
        kind = "veto" if veto.is_standing else "lift"
        yield Event(kind, turn, veto.link, veto.sequence, veto.maker)  # type: ignore[arg-type]
    unlinked = {veto.link for veto in news if veto.is_standing}
    holders = ledger.holders(unlinked.union(changed.values()))
    for link in sorted(unlinked & holders.keys()):
        since = ledger.everyone()[holders[link]].since
        yield Event("mark", turn, link, since, holders[link])
        yield Event("ended", turn, link, since, holders[link], "unlinked")
    in_order = sorted(changed.items())
    for _, link in in_order:
        if link in holders:
            former = holders[link]
            since = ledger.everyone()[former].since
            yield Event("ended", turn, link, since, former, "given-to-another-record")
    for record, link in in_order:
        yield Event("held", turn, link, turn.round, record, why[record])


def _digests(turn: Turn, sides: _Sides, ledger: Ledger) -> Iterable[Event]:
    """Yield the digest of each pair."""
    space = ledger.space
    for pair, found in sorted(sides.items()):
        head = f"{space.project} {space.space} {pair[0]} {pair[1]} {turn.round} {turn.release}\n"
        digest = hashlib.sha256(_DIGEST_LABEL + head.encode("ascii"))
        for line in sorted(found):
            digest.update(line)
        yield Event("digest", turn, digest.digest(), 0, " ".join(pair))


def _others(ledger: Ledger, sides: _Sides, before: Mapping[Pair, bytes]) -> dict[Pair, bytes]:
    """Return since when the other party's records have the link IDs of the newest round's pairs."""
    found: dict[Pair, bytes] = {**before}
    for pair, lines in sides.items():
        other = 2 if pair[0] == ledger.party else 1
        parts = (line.split() for line in lines)
        now = ((LinkId(unhexlify(one[0])), int(one[other])) for one in parts)
        earlier = unpack_rounds(before.get(pair, b""))
        found[pair] = pack_rounds((earlier | dict(now)).items() if earlier else now)
    return found

"""A release becomes part of the ledger: groups, link IDs, what changes, and the digest that others compare.

Every recipient computes this from the same messages, those that the log entry `round-closed` lists.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from encoding.ledger.book import Ledger, newer_vetoes, retired_of, standing_of
from encoding.ledger.chains import Chains, join_chains
from encoding.ledger.changes import Why, reasons_left_out, reasons_to_change
from encoding.ledger.claims import own_members
from encoding.ledger.events import Event
from encoding.ledger.grants import grant_ids
from encoding.ledger.inputs import Inputs
from encoding.ledger.values import Grant, Member, Pair, Reason, Turn
from schemas.chain_statement import StatedMatch
from schemas.ids import LinkId
from schemas.space_message import Veto

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
    granted = ledger.granted if is_supplement else {}
    # What a supplement gave another pair counts for that pair alone, as not all here know of it.
    before = ledger.granted_to(inputs.recipients) if is_supplement else {}
    chains = join_chains(
        inputs.members,
        inputs.recipients,
        turn.round,
        standing=standing_of(inputs.vetoes),
        granted=before,
    )
    unavailable = {*retired_of(inputs.vetoes), *before}
    links = grant_ids(inputs.members, chains.groups, ledger.space, turn, unavailable=unavailable)
    # This agency may have unlinked something since it made its claims, which the others learn next time.
    retired = retired_of((*ledger.vetoes(), *inputs.vetoes))
    given = _given(ledger.party, inputs.members, chains, links, records)
    was_claimed = _was_claimed(inputs.members, chains, links)
    rest = {match for match in alone if records[match] not in given}
    taken = {*unavailable, *(grant.link for grant in granted), *retired, *links}
    own = _Alone.of(ledger, records, rest, turn, taken)
    given |= _given(ledger.party, own.members, own.chains, own.links, records)
    given = {record: link for record, link in given.items() if link not in retired}
    was_claimed |= _was_claimed(own.members, own.chains, own.links)
    lifted = [v.link for v in newer_vetoes(ledger.vetoes(), inputs.vetoes) if not v.is_standing]
    # Evaluated before any is taken: each looks at the ledger as it was.
    why = reasons_to_change(ledger, was_claimed, given, retired)
    why |= {record: "linked-again" for record, link in given.items() if link in lifted}
    ledger.apply([*_events(ledger, turn, given, inputs.vetoes, why)])
    ledger.apply(ledger.revivals(turn, lifted))
    sides = _sides(turn, inputs, chains, links, ledger)
    ledger.apply(_digests(turn, sides, ledger))
    ledger.apply([Event("applied", turn)])
    known_to = tuple(sorted(inputs.recipients))
    parties = _parties(inputs.members, chains, links, before)
    ledger.others = _others(ledger, sides, ledger.others if is_supplement else {})
    ledger.granted = granted | {Grant(link, known_to): found for link, found in parties.items()}
    ledger.note_matches(turn, (match.match for match in records))
    shared = {one: record for one, record in records.items() if one not in {*alone, *pending}}
    earlier = ledger.left_out if is_supplement else {}
    # Of a record with several matches the last one counts here: where one waits, the old link ID stands.
    waiting: dict[str, Reason] = {records[match]: "pending" for match in pending}
    found = earlier | reasons_left_out(shared, chains) | waiting
    ledger.left_out = {record: why for record, why in found.items() if record not in given}
    return True


@dataclass(frozen=True, slots=True)
class _Alone:
    """Own records that this agency alone knows to have a match: each is a group by itself."""

    members: tuple[Member, ...]
    chains: Chains
    links: tuple[LinkId, ...]

    @classmethod
    def of(
        cls,
        ledger: Ledger,
        records: Mapping[StatedMatch, str],
        matches: Collection[StatedMatch],
        turn: Turn,
        unavailable: Collection[LinkId],
    ) -> _Alone:
        members = tuple(own_members(ledger, records, matches))
        chains = join_chains(members, {ledger.party}, turn.round)
        links = grant_ids(members, chains.groups, ledger.space, turn, unavailable=unavailable)
        return cls(members, chains, links)


def _given(
    party: str,
    members: Sequence[Member],
    chains: Chains,
    links: Sequence[LinkId],
    records: Mapping[StatedMatch, str],
) -> dict[str, LinkId]:
    """Return the link ID of each own record that a group has."""
    return {
        records[members[place].matches[0]]: link
        for group, link in zip(chains.groups, links, strict=True)
        for place in group.members
        if members[place].party == party
    }


def _was_claimed(
    members: Sequence[Member], chains: Chains, links: Sequence[LinkId]
) -> dict[LinkId, bool]:
    return {
        link: any(members[place].link == link for place in group.members)
        for group, link in zip(chains.groups, links, strict=True)
    }


def _events(
    ledger: Ledger,
    turn: Turn,
    given: Mapping[str, LinkId],
    told: Iterable[Veto],
    why: Mapping[str, Why],
) -> Iterable[Event]:
    """Yield what happens to the ledger: others' vetoes, link IDs that leave a record, and that come to one."""
    news = newer_vetoes(ledger.vetoes(), told)
    for veto in news:
        kind = "veto" if veto.is_standing else "lift"
        yield Event(kind, turn, veto.link, veto.sequence, veto.maker)  # type: ignore[arg-type]
    for link in sorted({veto.link for veto in news if veto.is_standing}):
        holder = ledger.holder(link)
        if holder is not None:
            since = ledger.everyone()[holder].since
            yield Event("mark", turn, link, since, holder)
            yield Event("ended", turn, link, since, holder, "unlinked")
    for record, link in sorted(given.items()):
        former = ledger.holder(link)
        if former is not None and former != record:
            since = ledger.everyone()[former].since
            yield Event("ended", turn, link, since, former, "given-to-another-record")
    for record, link in sorted(given.items()):
        held = ledger.held(record)
        if held is None or held.link != link:
            yield Event("held", turn, link, turn.round, record, why[record])


_Sides = dict[Pair, list[tuple[LinkId, int, int]]]


def _sides(
    turn: Turn, inputs: Inputs, chains: Chains, links: Sequence[LinkId], ledger: Ledger
) -> _Sides:
    """Return the link IDs of each own pair of two recipients, and since when each party's record has them."""
    since: dict[tuple[StatedMatch, str], int] = {}
    found: _Sides = {
        match.pair: []
        for member in inputs.members
        for match in member.matches
        if ledger.party in match.pair and inputs.recipients.issuperset(match.pair)
    }
    for group, link in zip(chains.groups, links, strict=True):
        for place in group.members:
            member = inputs.members[place]
            for match in member.matches:
                is_old = member.link == link
                since[match, member.party] = member.since if is_old else turn.round
        for match in group.matches:
            if match.pair in found:
                one, another = (since[match, party] for party in match.pair)
                found[match.pair].append((link, one, another))
    return found


def _digests(turn: Turn, sides: _Sides, ledger: Ledger) -> Iterable[Event]:
    """Yield the digest of each pair."""
    space = ledger.space
    for pair, found in sorted(sides.items()):
        head = f"{space.project} {space.space} {pair[0]} {pair[1]} {turn.round} {turn.release}\n"
        lines = sorted(f"{link.hex()} {one} {another}\n" for link, one, another in found)
        raw = _DIGEST_LABEL + (head + "".join(lines)).encode("ascii")
        yield Event("digest", turn, hashlib.sha256(raw).digest(), 0, " ".join(pair))


def _others(
    ledger: Ledger, sides: _Sides, before: Mapping[Pair, Mapping[LinkId, int]]
) -> dict[Pair, dict[LinkId, int]]:
    """Return since when the other party's records have the link IDs of the newest round's pairs."""
    return {
        pair: {
            **before.get(pair, {}),
            **{
                link: two if pair[0] == ledger.party else one
                for link, one, two in sides.get(pair, ())
            },
        }
        for pair in {*before, *sides}
    }


def _parties(
    members: Sequence[Member],
    chains: Chains,
    links: Sequence[LinkId],
    before: Mapping[LinkId, Collection[str]],
) -> dict[LinkId, tuple[str, ...]]:
    return {
        link: tuple(sorted({*before.get(link, ()), *(members[p].party for p in group.members)}))
        for group, link in zip(chains.groups, links, strict=True)
    }

"""The ledger of one recipient in one link-ID set: which of its records has which link ID, since which round.

An object without I/O. It changes by events alone, in this order: what the agency does itself (`unlink`,
`relink`), and releases by their turns; `encoding.ledger.additions` makes the events of a release. Under the
mode `blind` pseudonyms stand in the place of record IDs.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Final, Literal

from encoding.ledger.compact import Events, Grants, HeldLinks, cut
from encoding.ledger.errors import OutOfTurnError, UnlinkError
from encoding.ledger.events import Event, made_rounds
from encoding.ledger.grants import SpaceName
from encoding.ledger.values import Held, Pair, Reason, Standing, Turn
from schemas.documents.ids import LinkId
from schemas.rounds.space_message import MAX_VETO_SEQUENCE, MAX_VETOES_OF_MAKER, Veto

MAX_RECENT_ROUNDS: Final = 8
MATCH_PREFIX_BYTES: Final = 8


class Ledger:
    """The ledger; two with the same events are equal in everything they answer."""

    def __init__(self, space: SpaceName, party: str) -> None:
        self.space = space
        self.party = party
        self.events = Events()
        # To records of which parties the newest round gave link IDs, for its supplementary releases.
        self.granted = Grants()
        # First bytes of the IDs of the matches of the newest rounds, in order, end to end.
        self.recent: dict[Turn, bytes] = {}
        self.last: Turn | None = None
        # Of the pairs of the newest release: since when the other party's record has each link ID, packed.
        self.others: dict[Pair, bytes] = {}
        # Records that the newest round matched and gave nothing, and why.
        self.left_out: dict[str, Reason] = {}
        self._held = HeldLinks()
        self._marks: dict[str, dict[LinkId, int]] = {}
        self._vetoes: dict[Standing, Veto] = {}
        # What the ledger was rolled back by since the newest release.
        self.rolled_back: str | None = None
        self._digests: dict[tuple[Turn, Pair], str] = {}

    def __len__(self) -> int:
        """Return how many records have a link ID."""
        return len(self._held)

    def held(self, record: str) -> Held | None:
        """Return the link ID of a record and since when; None if it has none."""
        return self._held.get(record)

    def holder(self, link: LinkId) -> str | None:
        """Return the record that has a link ID; None if none has."""
        return self.holders({link}).get(link)

    def holders(self, links: Collection[LinkId]) -> dict[LinkId, str]:
        """Return the records that have these link IDs, by link ID."""
        return self._held.holders(links)

    def everyone(self) -> Mapping[str, Held]:
        """Return all records that have a link ID."""
        return self._held

    def marks(self, record: str) -> tuple[LinkId, ...]:
        """Return the retired link IDs that a record bore, in order."""
        return tuple(sorted(self._marks.get(record, ())))

    def bearers(self, link: LinkId) -> tuple[str, ...]:
        """Return the records that bear a mark of a link ID."""
        return tuple(sorted(record for record, marks in self._marks.items() if link in marks))

    def marked_since(self, record: str, link: LinkId) -> int:
        """Return since which round a record had had the link ID that it bears a mark of."""
        return self._marks[record][link]

    def vetoes(self) -> tuple[Veto, ...]:
        """Return what is known of all parties' vetoes, lifted ones too, in order."""
        return tuple(self._vetoes[key] for key in sorted(self._vetoes))

    def made_in(self, links: Collection[LinkId]) -> dict[LinkId, int]:
        """Return the round of each of these link IDs that was made when a record of this ledger got it."""
        return {
            LinkId(raw): number
            for chunk in self.events.chunks()
            for raw, number in made_rounds(chunk)
            if raw in links
        }

    def digest(self, turn: Turn, pair: Pair) -> str | None:
        """Return the digest of what an applied release gave a pair; None if it gave it nothing."""
        return self._digests.get((turn, pair))

    def newest_digest(self, pair: Pair) -> tuple[Turn, str] | None:
        """Return the newest release that was applied for a pair, with its digest; None if there is none."""
        turn = max((turn for turn, other in self._digests if other == pair), default=None)
        return None if turn is None else (turn, self._digests[turn, pair])

    def granted_to(self, recipients: Collection[str]) -> dict[LinkId, tuple[str, ...]]:
        """Return the link IDs that the newest round gave, as far as all of these know: to records of whom."""
        found: dict[LinkId, tuple[str, ...]] = {}
        for grant, parties in self.granted.items():
            if set(recipients).issubset(grant.known_to):
                before = found.get(grant.link, ())
                found[grant.link] = tuple(sorted({*before, *parties}))
        return found

    def known_matches(self, matches: Iterable[bytes], number: int | None = None) -> set[bytes]:
        """Return the first bytes of those of these IDs that a match of one of the newest rounds had.

        Args:
            number: a match of this round; None: of any.
        """
        asked = {match[:MATCH_PREFIX_BYTES] for match in matches}
        return {
            prefix
            for turn, known in self.recent.items()
            if number in (None, turn.round)
            for prefix in cut(known, MATCH_PREFIX_BYTES)
            if prefix in asked
        }

    def note_matches(self, turn: Turn, matches: Iterable[bytes]) -> None:
        """Remember the IDs of a release's matches, and forget those of the oldest round that is kept.

        Rounds count, not releases: of these, who delivers again and again makes many in one round.
        """
        self.recent[turn] = b"".join(sorted({match[:MATCH_PREFIX_BYTES] for match in matches}))
        kept = sorted({one.round for one in self.recent})[-MAX_RECENT_ROUNDS:]
        for old in [one for one in self.recent if one.round not in kept]:
            del self.recent[old]

    def apply(self, events: Iterable[Event]) -> None:
        """Add events, in their order."""
        for event in events:
            self._take_one(event)
            self.events.append(event)

    def read(self, lines: bytes) -> None:
        """Add the events of whole lines, as they were kept."""
        for event in self.events.read(lines):
            self._take_one(event)

    def unlink(self, record: str, note: str = "") -> LinkId:
        """Retire the link ID of a record and keep this record from those that bear it; return the ID.

        Only this agency's `relink` lifts that. It counts for the others from their next release on.

        Args:
            note: the text of an `UnlinkNote`, kept beside it; empty: none.
        """
        held = self._held.get(record)
        if held is None:
            raise UnlinkError("this record has no link ID")
        turn, link = self._own_turn(), held.link
        self.apply(
            [
                *self._own_word("veto", link, note),
                Event("mark", turn, link, held.since, record),
                Event("ended", turn, link, held.since, record, "unlinked"),
            ]
        )
        return link

    def relink(self, link: LinkId, note: str = "") -> None:
        """Lift this agency's veto; who bore the link ID and has no other has it again, since when it had it."""
        veto = self._vetoes.get(Standing(link, self.party))
        if veto is None or not veto.is_standing:
            raise UnlinkError("this agency has not unlinked this link ID")
        self.apply(self._own_word("lift", link, note))
        self.apply(self.revivals(self._own_turn(), [link]))

    def end_all(self) -> None:
        """End all link IDs, as before a round of a link-ID set whose link IDs are new in each one."""
        turn = self._own_turn()
        self.apply(
            [
                Event("ended", turn, held.link, held.since, record, "new-in-each-round")
                for record, held in sorted(self._held.items())
            ]
        )

    def roll_back(self, turn: Turn, held: Mapping[str, Held], *, sha256: str, signed: str) -> None:
        """Give each record what it had after an earlier release, as all recipients have signed.

        What stands retired stays so: a rollback undoes rounds, not what someone disputes. It counts from the
        next round on, and marks are as they are.

        Args:
            turn: the release.
            held: what the ledger said then.
            sha256: the digest of what all have signed.
            signed: what all have signed; kept as evidence.
        """
        own_turn, retired = self._own_turn(), retired_of(self.vetoes())
        wanted = {record: was for record, was in held.items() if was.link not in retired}
        now = dict(self._held)
        changed = {r for r in {*now, *wanted} if now.get(r) != wanted.get(r)}
        self.apply(
            [
                *(
                    Event("ended", own_turn, now[r].link, now[r].since, r, "rolled-back")
                    for r in sorted(changed & now.keys())
                ),
                *(
                    Event("held", own_turn, wanted[r].link, wanted[r].since, r, "rolled-back")
                    for r in sorted(changed & wanted.keys())
                ),
                Event(
                    "rolled-back",
                    own_turn,
                    bytes.fromhex(sha256),
                    turn.round,
                    f"{turn.release} {signed}",
                ),
            ]
        )
        self.granted, self.others = Grants(), {}

    def revivals(self, turn: Turn, links: Iterable[LinkId]) -> list[Event]:
        """Return the events by which bearers of link IDs that no veto stands against have them again."""
        events, retired = [], retired_of(self.vetoes())
        wanted = {*links}
        held = self.holders(wanted)
        for link in sorted(wanted):
            for record in () if link in retired else self.bearers(link):
                since = self.marked_since(record, link)
                events.append(Event("unmark", turn, link, since, record))
                if record not in self._held and link not in held:
                    events.append(Event("held", turn, link, since, record, "linked-again"))
        return events

    def refuse_out_of_turn(self, turn: Turn) -> None:
        """Refuse a release that was applied already, or comes before one that was."""
        if self.last is not None and turn <= self.last:
            raise OutOfTurnError(
                f"release {turn.release} of round {turn.round} has been applied, or its turn is over"
            )

    def _own_word(self, kind: Literal["veto", "lift"], link: LinkId, note: str) -> list[Event]:
        turn, sequence = self._own_turn(), self._next_sequence(link)
        said = Event(kind, turn, link, sequence, self.party)
        return [said, Event("noted", turn, link, sequence, note)] if note else [said]

    def _own_turn(self) -> Turn:
        return Turn(1 if self.last is None else self.last.round + 1, 0)

    def _next_sequence(self, link: LinkId) -> int:
        """Return the number of this agency's next word on a link ID: what it said of others counts apart."""
        said = self._vetoes.get(Standing(link, self.party))
        n_own = sum(veto.maker == self.party for veto in self._vetoes.values())
        if said is None and n_own >= MAX_VETOES_OF_MAKER:
            raise UnlinkError(f"an agency can unlink {MAX_VETOES_OF_MAKER:,} link IDs at most")
        if said is not None and said.sequence >= MAX_VETO_SEQUENCE:
            raise UnlinkError("this link ID was unlinked and linked again too often")
        return 1 if said is None else said.sequence + 1

    def _take_one(self, event: Event) -> None:
        link, record = LinkId(event.raw), event.text
        if event.kind == "held":
            self._held.give(record, Held(link, event.number))
        elif event.kind == "ended":
            self._held.end(record)
        elif event.kind == "mark":
            self._marks.setdefault(record, {})[link] = event.number
        elif event.kind == "unmark":
            self._marks.get(record, {}).pop(link, None)
        elif event.kind in ("veto", "lift"):
            veto = Veto(link, event.text, event.number, event.kind == "veto")
            self._vetoes[Standing(link, event.text)] = veto
        elif event.kind == "applied":
            self.last, self.rolled_back = event.turn, None
        elif event.kind == "rolled-back":
            turn = Turn(event.number, int(event.text.partition(" ")[0]))
            self._digests = {key: one for key, one in self._digests.items() if key[0] <= turn}
            self.rolled_back = event.raw.hex()
        elif event.kind == "digest":
            one, another = event.text.split(" ")
            self._digests[event.turn, (one, another)] = event.raw.hex()


def standing_of(vetoes: Iterable[Veto]) -> frozenset[Standing]:
    """Return the vetoes that stand: of each link ID and maker, what the highest sequence number says.

    Of two with one number the link ID is retired: a maker whose workspace was restored may have counted twice.
    """
    newest: dict[Standing, Veto] = {}
    for veto in vetoes:
        key = Standing(veto.link, veto.maker)
        if key not in newest or veto[2:] > newest[key][2:]:
            newest[key] = veto
    return frozenset(key for key, veto in newest.items() if veto.is_standing)


def retired_of(vetoes: Iterable[Veto]) -> frozenset[LinkId]:
    """Return the link IDs that a veto which stands has retired."""
    return frozenset(standing.link for standing in standing_of(vetoes))


def newer_vetoes(known: Collection[Veto], told: Iterable[Veto]) -> list[Veto]:
    """Return what of the vetoes that others tell is news, in order."""
    newest = {(veto.link, veto.maker): veto[2:] for veto in known}
    news: dict[tuple[LinkId, str], Veto] = {}
    for veto in told:
        key = (veto.link, veto.maker)
        if veto[2:] > newest.get(key, (0, False)):
            newest[key], news[key] = veto[2:], veto
    return [news[key] for key in sorted(news)]

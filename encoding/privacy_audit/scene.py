"""Two files and what a broker has of them: this agency's, a rehearsed partner's, and the cells they share."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from random import Random
from typing import Final

import numpy as np
from numpy.typing import NDArray

from encoding.blocks.values import Lines, ValueTables
from encoding.privacy_audit.cells import FileKeys, file_keys, in_blocks, join, meet, meet_within
from encoding.privacy_audit.files import ClearFile, Numbers
from encoding.privacy_audit.graph import Edges, edges_of
from encoding.privacy_audit.labels import Labels
from encoding.privacy_audit.likeness import Likeness
from encoding.privacy_audit.partner import Copyist
from encoding.privacy_audit.refinement import SharedCells
from encoding.privacy_audit.reidentification import Chosen, Register, Target
from encoding.synth.rehearsal import AS_OF, SCHOOL_AGES
from schemas.linkage.fields import MEMORY_COLUMNS
from schemas.linkage.profile import EncodingProfile, Side, memory_columns

_IN_BOTH: Final = 0.6
_TOO_YOUNG: Final = 0.75
_YOUNG, _OLD = (0.0, 5.0), (19.0, 21.0)
# For each pupil of 5 to 18 so many younger and older people of the ages of children in care.
_PRESCHOOL, _SCHOOL_LEFT = 5 / 14, 2 / 14
_REGISTER_MOVED: Final = 0.2
# A seed alone would draw the partner's strangers once more, who are in the larger file.
_NOBODY: Final = 11


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Pair:
    """Two files in the clear, and who each record is.

    Attributes:
        smaller: the smaller file.
        larger: the larger file.
        who_smaller: person of each record of the smaller file.
        who_larger: person of each record of the larger file; the same number for the same person.
        groups: ethnic group of each record of the smaller file; None where it is not known.
    """

    smaller: ClearFile
    larger: ClearFile
    who_smaller: Numbers
    who_larger: Numbers
    groups: Sequence[str] | None = None


def rehearse_partner(
    file: ClearFile,
    side: Side,
    n_partner: int,
    seed: int,
    *,
    sampled: float = 1.0,
) -> Pair:
    """Return this file with a partner's: three in five of the smaller file's people are in both.

    Args:
        file: this agency's.
        side: whether it is the larger or the smaller file of the pair.
        n_partner: records of the partner's file.
        seed: draws the partner's people and mistakes.
        sampled: which part of the larger file this is; of the people in both, so many are in it.
    """
    draw = np.random.default_rng(seed)
    n_both = round(_IN_BOTH * sampled * min(n_partner, file.n_records))
    order = draw.permutation(file.n_records).astype(np.int64)
    if side == "smaller":
        # As in the larger file below: who is in both is of its ages, as far as there are such people.
        order = order[np.argsort(~_of_school_age(file)[order], kind="stable")]
    chosen = order[:n_both]
    rng = Random(seed)  # noqa: S311 - mistakes, reproducible on purpose
    partner = Copyist(rng).copy(file, chosen)
    n_young = n_old = 0
    if side == "larger":
        # Children in care who are not in the larger file are mostly too young for it.
        n_outside = round((1 - _IN_BOTH) * n_partner)
        n_young = round(_TOO_YOUNG * n_outside)
        n_old = n_outside - n_young
    like = Likeness(file, seed)
    bands = ((n_partner - n_both - n_young - n_old, SCHOOL_AGES), (n_young, _YOUNG), (n_old, _OLD))
    for place, (n, ages) in enumerate(bands):
        if n:
            partner = partner.plus(like.strangers(n, seed + place, ages))
    ours = np.arange(file.n_records, dtype=np.int64)
    new = np.arange(partner.n_records - n_both, dtype=np.int64) + file.n_records
    theirs = np.concatenate([chosen, new])
    if side == "larger":
        return Pair(partner, file, theirs, ours)
    return Pair(file, partner, ours, theirs)


def _of_school_age(file: ClearFile) -> NDArray[np.bool_]:
    """Return which records have the birth date of a pupil, on the day of the rehearsal."""
    born = [file.columns["birth_date"][at] for at in file.main.tolist()]
    youngest, oldest = (f"{AS_OF.year - int(age)}{AS_OF:%m%d}" for age in SCHOOL_AGES)
    return np.array([oldest <= one <= youngest for one in born])


# People of a list in the clear, who they are, and who is held for one of the larger file.
People = tuple[ClearFile, Numbers, NDArray[np.bool_]]


class Scene:
    """What is worked out once of a pair of files, under keys that are thrown away."""

    def __init__(self, profile: EncodingProfile, pair: Pair, seed: int = 1) -> None:
        self.profile, self.pair = profile, _remembering(profile, pair)
        pair = self.pair
        self.draw = np.random.default_rng(seed)
        self._tables = ValueTables(profile)
        self.lines_smaller = pair.smaller.lines(self._tables)
        self.lines_larger = pair.larger.lines(self._tables)
        self.labels = Labels(profile, self._tables)
        self.keys_smaller = file_keys(profile, pair.smaller, "smaller")
        self.keys_larger = file_keys(profile, pair.larger, "larger")
        self._like = Likeness(pair.larger, seed)
        self._people: People | None = None

    def shared_cells(self, *, exact: bool = False) -> SharedCells:
        """Return the graph of one round; `exact`: as if distances had no error."""
        met = meet(self.keys_smaller, self.keys_larger, self.profile.block_cap, self.draw)
        ours, theirs = self.lines_smaller, self.lines_larger
        between = edges_of(met, ours, theirs, self.labels, self.draw, exact=exact)
        met = meet_within(self.keys_smaller)
        within = edges_of(met, ours, ours, self.labels, self.draw, exact=exact)
        return SharedCells(self.pair.smaller.n_records, self.pair.larger.n_records, between, within)

    def next_round(self, changed: float, seed: int) -> SharedCells:
        """Return the graph of the next round, before which a part of the records of each file has changed."""
        ours = self._changed(self.pair.smaller, self.keys_smaller, changed, seed)
        theirs = self._changed(self.pair.larger, self.keys_larger, changed, seed + 1)
        left = np.concatenate([self.lines_smaller, ours[0].lines(self._tables)])
        right = np.concatenate([self.lines_larger, theirs[0].lines(self._tables)])
        met = meet(ours[1], theirs[1], self.profile.block_cap, self.draw)
        between = edges_of(met, left, right, self.labels, self.draw)
        met = meet_within(ours[1])
        within = edges_of(met, left, left, self.labels, self.draw)
        return SharedCells(self.pair.smaller.n_records, self.pair.larger.n_records, between, within)

    def _changed(
        self, file: ClearFile, keys: FileKeys, share: float, seed: int
    ) -> tuple[ClearFile, FileKeys]:
        """Return new lines of some records, which come after the others, and all keys."""
        chosen = self.draw.permutation(file.n_records)[: round(share * file.n_records)]
        rng = Random(seed)  # noqa: S311 - mistakes, reproducible on purpose
        more = Copyist(rng).copy(file, chosen.astype(np.int64), moved=1.0)
        new = file_keys(self.profile, more, "larger")
        is_same = np.ones(file.n_records, dtype=bool)
        is_same[chosen] = False
        kept = keys.take(is_same)
        return more, FileKeys(
            np.concatenate([kept.cell, new.cell]),
            np.concatenate([kept.line, new.line + len(file.record)]),
            np.concatenate([kept.record, chosen[new.record]]),
        )

    def target(self, graph: SharedCells) -> Target:
        """Return what is to be named."""
        return Target(graph.between, self.pair.who_smaller, self.pair.who_larger)

    def perfect_register(self) -> Register:
        """Return the register of someone who has everybody, and the larger file, to the letter."""
        return self._register(self._everybody)

    def partial_register(
        self, *, complete: float, with_strangers: float, mistaken: bool, seed: int
    ) -> Register:
        """Return a register that lacks people, has others, and may be written down by another clerk."""
        return self._register(
            lambda: self._partial(complete, with_strangers, mistaken=mistaken, seed=seed)
        )

    def _partial(
        self, complete: float, with_strangers: float, *, mistaken: bool, seed: int
    ) -> People:
        """Return its people, who they are, and who is held for one of the larger file."""
        everybody, who, is_in_larger = self._everybody()
        n = everybody.n_records
        chosen = np.sort(self.draw.permutation(n)[: round(complete * n)]).astype(np.int64)
        if mistaken:
            rng = Random(seed)  # noqa: S311 - mistakes, reproducible on purpose
            listed = Copyist(rng).copy(everybody, chosen, moved=_REGISTER_MOVED)
        else:
            listed = everybody.take(chosen)
        n_more = round(with_strangers * self.pair.larger.n_records)
        listed = listed.plus(self._like.strangers(n_more, seed))
        n_new = listed.n_records - len(chosen)
        nobody = -(10**9) - np.arange(n_new, dtype=np.int64)
        believed = np.concatenate([is_in_larger[chosen], np.ones(n_new, dtype=bool)])
        return listed, np.concatenate([who[chosen], nobody]), believed

    def _everybody(self) -> People:
        """Return all people of the state, who they are, and whether they are in the larger file.

        Those of the larger file stand in it as that file has them; children in care whom it lacks, as theirs
        does; and so many more as there are people of their ages.
        """
        if self._people is None:
            pair = self.pair
            unlinked = np.flatnonzero(~np.isin(pair.who_smaller, pair.who_larger))
            people = pair.larger.plus(pair.smaller.take(unlinked))
            who = [pair.who_larger, pair.who_smaller[unlinked]]
            for seed, (share, ages) in enumerate(((_PRESCHOOL, _YOUNG), (_SCHOOL_LEFT, _OLD))):
                n = round(share * pair.larger.n_records)
                people = people.plus(self._like.strangers(n, seed, ages))
            n_more = people.n_records - pair.larger.n_records - len(unlinked)
            who.append(-1 - np.arange(n_more, dtype=np.int64))
            is_in_larger = np.arange(people.n_records) < pair.larger.n_records
            # Who is linked the attacker does not know: so each person is held for one who is.
            numbers = np.concatenate(who)
            people = _linked(self.profile, people, numbers, np.ones(len(numbers), dtype=bool))
            self._people = people, numbers, is_in_larger
        return self._people

    def _register(self, listed: Callable[[], People]) -> Register:
        """Return whom everybody on a list would meet, by what the list has of the larger file."""
        keys, lines, who, is_in_larger = self._rows(*listed())
        larger = keys.take(is_in_larger).first(self.profile.rows("larger"))
        blocks = in_blocks(larger, keys.cell, self.profile.block_cap, self.draw)
        del larger

        def edges(some: Chosen, of_larger: Chosen) -> Edges:
            met = join(keys.take(some), blocks.take(of_larger))
            return edges_of(met, lines, lines, self.labels)

        return Register(edges, who, len(who))

    def _rows(
        self, people: ClearFile, who: Numbers, is_in_larger: NDArray[np.bool_]
    ) -> tuple[FileKeys, Lines, Numbers, NDArray[np.bool_]]:
        """Return keys and lines in place of the list's columns, which take gigabytes of a nation."""
        keys = file_keys(self.profile, people, "smaller")
        return keys, people.lines(self._tables), who, is_in_larger


def _remembering(profile: EncodingProfile, pair: Pair) -> Pair:
    """Return the pair as it is after many rounds: who is in both files is linked, and both remember it."""
    is_both = [
        np.isin(one, other)
        for one, other in (
            (pair.who_smaller, pair.who_larger),
            (pair.who_larger, pair.who_smaller),
        )
    ]
    return replace(
        pair,
        smaller=_linked(profile, pair.smaller, pair.who_smaller, is_both[0]),
        larger=_linked(profile, pair.larger, pair.who_larger, is_both[1]),
    )


def _linked(
    profile: EncodingProfile, file: ClearFile, who: Numbers, is_linked: NDArray[np.bool_]
) -> ClearFile:
    """Return a file in which some records have a link ID, the same for the same person."""
    kept = {*memory_columns(profile)} & {*MEMORY_COLUMNS["linked-before"]}
    of_record = [
        f"{one:x}" if linked else "" for one, linked in zip(who.tolist(), is_linked, strict=True)
    ]
    links = [of_record[number] for number in file.record.tolist()]
    return replace(file, columns={**file.columns, **dict.fromkeys(kept, links)})

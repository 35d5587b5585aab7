"""Two files and what a broker has of them: this agency's, a rehearsed partner's, and the cells they share."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random
from typing import Final

import numpy as np

from encoding.blocks.values import Lines, ValueTables
from encoding.privacy_audit.cells import FileKeys, file_keys, meet, meet_within
from encoding.privacy_audit.files import ClearFile, Numbers
from encoding.privacy_audit.graph import Edges, edges_of
from encoding.privacy_audit.labels import Labels
from encoding.privacy_audit.naming import Register, Target
from encoding.privacy_audit.partner import Copyist, strangers
from encoding.privacy_audit.refinement import SharedCells
from schemas.profile import EncodingProfile, Side

_IN_BOTH: Final = 0.6


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
    profile: EncodingProfile,
    file: ClearFile,
    side: Side,
    n_partner: int,
    seed: int,
    *,
    sampled: float = 1.0,
) -> Pair:
    """Return this file with a partner's: three in five of the smaller file's people are in both.

    Args:
        profile: says how strangers are cleaned.
        file: this agency's.
        side: whether it is the larger or the smaller file of the pair.
        n_partner: records of the partner's file.
        seed: draws the partner's people and mistakes.
        sampled: which part of the larger file this is; of the people in both, so many are in it.
    """
    draw = np.random.default_rng(seed)
    n_both = round(_IN_BOTH * sampled * min(n_partner, file.n_records))
    chosen = draw.permutation(file.n_records)[:n_both].astype(np.int64)
    rng = Random(seed)  # noqa: S311 - mistakes, reproducible on purpose
    partner = Copyist(rng).copy(file, chosen)
    partner = partner.plus(strangers(profile, n_partner - n_both, seed))
    ours = np.arange(file.n_records, dtype=np.int64)
    new = np.arange(partner.n_records - n_both, dtype=np.int64) + file.n_records
    theirs = np.concatenate([chosen, new])
    if side == "larger":
        return Pair(partner, file, theirs, ours)
    return Pair(file, partner, ours, theirs)


class Scene:
    """What is worked out once of a pair of files, under keys that are thrown away."""

    def __init__(self, profile: EncodingProfile, pair: Pair, seed: int = 1) -> None:
        self.profile, self.pair = profile, pair
        self.draw = np.random.default_rng(seed)
        self._tables = ValueTables(profile)
        self.lines_smaller = pair.smaller.lines(self._tables)
        self.lines_larger = pair.larger.lines(self._tables)
        self.labels = Labels(profile, self._tables)
        self.keys_smaller = file_keys(profile, pair.smaller, "smaller")
        self.keys_larger = file_keys(profile, pair.larger, "larger")

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
        """Return the register of somebody who has the larger file to the letter, and knows whom it lacks."""
        pair = self.pair
        unlinked = np.flatnonzero(~np.isin(pair.who_smaller, pair.who_larger))
        return self._register(pair.larger, pair.who_larger, unlinked)

    def partial_register(
        self, *, complete: float, with_strangers: float, mistaken: bool, seed: int
    ) -> Register:
        """Return a register that lacks people, has others, and may be written down by another clerk."""
        pair = self.pair
        chosen = self.draw.permutation(pair.larger.n_records)
        chosen = chosen[: round(complete * len(chosen))].astype(np.int64)
        if mistaken:
            rng = Random(seed)  # noqa: S311 - mistakes, reproducible on purpose
            listed = Copyist(rng).copy(pair.larger, chosen, moved=0.2)
        else:
            listed = pair.larger.take(chosen)
        n_more = round(with_strangers * pair.larger.n_records)
        listed = listed.plus(strangers(self.profile, n_more, seed))
        nobody = -2 - np.arange(listed.n_records - len(chosen), dtype=np.int64)
        who = np.concatenate([pair.who_larger[chosen], nobody])
        return self._register(listed, who, np.empty(0, dtype=np.int64))

    def _register(self, listed: ClearFile, who: Numbers, more: Numbers) -> Register:
        """Return whom everybody on the list, and some people of the smaller file, would meet in it."""
        people = listed if not len(more) else listed.plus(self.pair.smaller.take(more))
        keys = file_keys(self.profile, people, "smaller")
        # The list's own people come first: what they would have in the larger file are their first keys.
        is_listed = np.arange(people.n_records) < listed.n_records
        most = self.profile.rows("larger")
        larger = keys.take(is_listed).first(most)
        lines: Lines = people.lines(self._tables)
        met = meet(keys, larger, self.profile.block_cap, self.draw)
        stars: Edges = edges_of(met, lines, lines, self.labels)
        person = np.concatenate([who, self.pair.who_smaller[more]])
        return Register(stars, person, who)

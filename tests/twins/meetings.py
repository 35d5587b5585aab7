"""Who meets by the passes of a profile, as loops over texts: the twin of what `calibrate` predicts."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from random import Random

from schemas.linkage.profile import EncodingProfile

Key = tuple[object, ...]
Spelling = Mapping[str, str]


def keys_of_spelling(profile: EncodingProfile, spelling: Spelling) -> list[Key]:
    """Return the keys of a main spelling, equal ones of a pass numbered apart."""
    keys: list[Key] = []
    for one in profile.passes:
        earlier: list[Key] = []
        for form in one.keys:
            parts = tuple(tuple(sorted(spelling[name] for name in part)) for part in form)
            if all(value for part in parts for value in part):
                keys.append((one.name, earlier.count(parts), parts))
                earlier.append(parts)
    return keys


def keys_of_record(
    profile: EncodingProfile, spellings: Sequence[Spelling], n_alias_keys: int
) -> set[Key]:
    """Return the keys of a record: of its first spelling, then of aliases as far as there is room."""
    keys = dict.fromkeys(keys_of_spelling(profile, spellings[0]))
    room = len(keys) + n_alias_keys
    for spelling in spellings[1:]:
        for key in keys_of_spelling(profile, spelling):
            if key[1] == 0 and len(keys) < room:
                keys.setdefault(key)
    return set(keys)


def capped(keys: Sequence[set[Key]], block_cap: int, seed: int) -> list[set[Key]]:
    """Return the keys of the larger file's records that are within the cap of their block."""
    blocks: dict[Key, list[int]] = defaultdict(list)
    for number, some in enumerate(keys):
        for key in some:
            blocks[key].append(number)
    kept: list[set[Key]] = [set() for _ in keys]
    rng = Random(seed)
    for key, members in sorted(blocks.items(), key=repr):
        for number in rng.sample(members, min(block_cap, len(members))):
            kept[number].add(key)
    return kept


def share_that_meets(
    pairs: Iterable[tuple[int, int]], left: Sequence[set[Key]], right: Sequence[set[Key]]
) -> float:
    """Return the share of pairs that have a key in common."""
    met = [bool(left[one] & right[other]) for one, other in pairs]
    return sum(met) / len(met)

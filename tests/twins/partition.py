"""The slow, obvious twin of the partition: schemas/spec/review.md, "Buckets", on plain lists."""

from __future__ import annotations


def first(unlinked: list[int], size: int) -> list[int]:
    """Return where the ranges begin at first: each with twice `size` records that can be in question."""
    waiting, starts = sorted(unlinked), [0]
    while len(waiting) >= 4 * size:
        waiting = waiting[2 * size :]
        starts.append(waiting[0])
    return starts


def carried_on(starts: list[int], unlinked: list[int], size: int) -> list[int]:
    """Return where they begin for the next container."""
    ranges = [[start] for start in starts]
    counts = [0] * len(starts)
    for record in unlinked:
        counts[max(place for place, start in enumerate(starts) if start <= record)] += 1
    place = 0
    while place < len(ranges):
        if counts[place] >= size:
            place += 1
        elif place + 1 < len(ranges):
            # Too few: it takes in the next one.
            ranges[place] += ranges.pop(place + 1)
            counts[place] += counts.pop(place + 1)
        elif place:
            # There is no next one.
            ranges[place - 1] += ranges.pop(place)
            counts[place - 1] += counts.pop(place)
            break
        else:
            break
    return [one[0] for one in ranges]

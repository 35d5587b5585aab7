"""Steps about finality: what the terms let wait for cosigners leaves when enough parties cosigned it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from schemas.matchlog.entry import Entry
from schemas.rules.breach import BreachError
from schemas.rules.log_state import AwaitedState, LogState
from schemas.rules.steps import project_of


def note_handed_out(log: LogState, entry: Entry, made: int) -> None:
    """Note what leaves, and was made by the entry `made`, where the terms let it wait for cosigners."""
    terms = project_of(log, entry).terms
    if not terms.finality.delays_release:
        return
    recipients = (recipient.party for recipient in terms.recipients)
    parties = frozenset((*terms.providers, *recipients, *terms.auditors))
    awaited = AwaitedState(made, terms.finality.cosigners, parties)
    log.awaited.setdefault(awaited, entry.seq)


def all_cosigned(log: LogState, cosigned: Mapping[str, int]) -> None:
    """After the last entry, enough parties have cosigned the log so far that it held what was handed out.

    Args:
        cosigned: how many entries each party has cosigned, by keys that the log knows as its persons'.
    Raises:
        BreachError: the first thing that left without.
    """
    for awaited, seq in lacking_cosigners(log, cosigned):
        raise BreachError(
            "release-not-final",
            "something was handed out that fewer parties have cosigned than the terms demand",
            index=seq,
            evidence={"other_index": awaited.made, "cosigners": awaited.cosigners},
        )


def lacking_cosigners(
    log: LogState, cosigned: Mapping[str, int]
) -> Iterator[tuple[AwaitedState, int]]:
    """Yield what fewer of the parties have cosigned than the terms demanded, and by which entry it left."""
    for awaited, seq in log.awaited.items():
        n_cosigned = sum(cosigned.get(party, 0) > awaited.made for party in awaited.parties)
        if n_cosigned < awaited.cosigners:
            yield awaited, seq

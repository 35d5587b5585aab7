"""Whether a run is final: enough parties have cosigned a checkpoint of the match log that covers its end.

They cosign only what continues all that they saw before, so from then on the broker can tell none of them
another story about the run.
"""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy.orm import Session

from app.agreements.service import parties_of
from app.errors import RUN_NOT_FINAL, RefusedError
from app.matchlog.proofs import cosigned_by
from app.runs import repository
from app.runs.models import Run
from schemas.agreement.agreement import ProjectTerms
from schemas.api.runs import RunFinality


def cosigned_sizes(session: Session) -> Mapping[str, int]:
    """Return how many entries of the match log each party has cosigned."""
    return cosigned_by(session)


def finality_of(run: Run, terms: ProjectTerms, cosigned: Mapping[str, int]) -> RunFinality | None:
    """Return who has cosigned the run's end and how many of the terms' parties have to; None before it.

    Args:
        cosigned: see `cosigned_sizes`.
    """
    return finality_at(run.log_size, terms, cosigned)


def finality_at(
    size: int | None, terms: ProjectTerms, cosigned: Mapping[str, int]
) -> RunFinality | None:
    """Return who has cosigned so many entries of the match log, and how many have to; None of None."""
    if size is None:
        return None
    parties = tuple(party for party in parties_of(terms) if cosigned.get(party, 0) >= size)
    needed = terms.finality.cosigners
    return RunFinality(cosigned_by=parties, needed=needed, is_final=len(parties) >= needed)


def awaited_cosignatures(
    session: Session, terms: ProjectTerms, cosigned: Mapping[str, int]
) -> tuple[str, str, tuple[str, ...]] | None:
    """Return the oldest run that is not final, its end, and which parties have not cosigned it; None: all are.

    Args:
        cosigned: see `cosigned_sizes`.
    """
    needed = terms.finality.cosigners
    sizes = sorted((cosigned.get(party, 0) for party in parties_of(terms)), reverse=True)
    reached = sizes[needed - 1] if 0 < needed <= len(sizes) else 0
    run = repository.oldest_beyond(session, terms.project, reached) if needed else None
    if run is None or run.finished is None or run.log_size is None:
        return None
    size = run.log_size
    lacking = tuple(party for party in parties_of(terms) if cosigned.get(party, 0) < size)
    return run.id, run.finished, lacking


def require_final(session: Session, size: int | None, terms: ProjectTerms) -> None:
    """Refuse what the terms let wait until enough parties have cosigned so many entries of the match log.

    Args:
        size: of the checkpoint that first covered what is wanted; None: it is not in the log yet.
    """
    if not terms.finality.delays_release:
        return
    finality = finality_at(size, terms, cosigned_sizes(session))
    if finality is None or not finality.is_final:
        raise RefusedError(
            RUN_NOT_FINAL,
            "Too few parties have cosigned the match log since it was ready.",
            clause="finality",
            hint="blindlink pin",
        )

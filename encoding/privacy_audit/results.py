"""How much is attacked, and what the attacks found."""

from __future__ import annotations

from dataclasses import dataclass

from encoding.privacy_audit.attributes import AttributeResult
from encoding.privacy_audit.refinement import ShapeResult
from encoding.privacy_audit.reidentification import NamingResult
from encoding.privacy_audit.row_bytes import SealedResult
from schemas.linkage.privacy_audit import Scope


@dataclass(frozen=True, slots=True)
class AuditScope:
    """How much is attacked.

    Attributes:
        n_records: records of the agency's own file that are taken; of a larger one, a sample.
        n_partner: records of the rehearsed partner's file; 0: one in fifty of the larger file's, or fifty times
            the smaller's, within bounds.
        registers: whether people are named and followed, which needs the file as a whole and takes minutes.
        n_known: how many people the attacker of the smaller file knows, in turn.
        n_sealed: records of each file whose rows are sealed and attacked as bytes.
        name: what a manifest calls it.
    """

    n_records: int = 250_000
    n_partner: int = 0
    registers: bool = True
    n_known: tuple[int, ...] = (0, 200, 1_000, 3_000)
    n_sealed: int = 1_500
    name: Scope = "full"


FULL = AuditScope()
QUICK = AuditScope(
    n_records=30_000,
    registers=False,
    n_known=(),
    n_sealed=400,
    name="quick",
)


@dataclass(frozen=True, slots=True)
class Naming:
    """How many children in care were named with one kind of register, by the number of known people."""

    register: str
    results: tuple[NamingResult, ...]


@dataclass(frozen=True, slots=True)
class Audit:
    """What the attacks found; None or empty: not tried, or too few records for it.

    Attributes:
        n_smaller: records of the smaller file.
        n_larger: records of the larger file.
        sampled: which part of the agency's own file was taken.
        shown_larger: part of the larger file's records of which anything is seen.
        shown_linked: part of the larger file's records that are seen and are in the smaller file too.
        sealed: what the bytes of the smaller and the larger file's rows show.
        apart: part of each file that can be told apart by who knows both exactly.
        apart_exact: the same, as if distances had no error: more than a broker can know.
        followed: part of each file that is followed from one round to the next.
        naming: children in care who were named, a kind of register each.
        attributes: what was guessed of linked children.
    """

    n_smaller: int
    n_larger: int
    sampled: float
    shown_larger: float = 0.0
    shown_linked: float = 0.0
    sealed: tuple[SealedResult, ...] = ()
    apart: ShapeResult | None = None
    apart_exact: ShapeResult | None = None
    followed: ShapeResult | None = None
    naming: tuple[Naming, ...] = ()
    attributes: tuple[AttributeResult, ...] = ()

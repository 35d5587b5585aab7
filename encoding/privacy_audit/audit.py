"""Runs the attacks on a sample of the file, as it would be uploaded, variants included."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from encoding.diffusion import diffusion_matrix
from encoding.linkage import NO_HARDENING
from encoding.privacy_audit.graph_matching import GraphMatchingResult, attack_by_resemblance
from encoding.privacy_audit.key_leak import KeyLeak, drill_key_leak
from encoding.privacy_audit.known_pairs import KnownPairsResult, attack_known_pairs
from encoding.privacy_audit.linear_code import LinearCodeResult, attack_linear_code
from encoding.privacy_audit.near_duplicates import NearDuplicatesResult, attack_near_duplicates
from encoding.privacy_audit.structure import StructureScan, scan_structure
from encoding.privacy_audit.tokens import token_sets
from encoding.progress import Progress, silent
from encoding.sample import Sample
from encoding.secret import AnySecret, new_secret
from encoding.specimen import Specimen, clean_sample, encode_cleaned
from schemas.profile import EncodingProfile

# With fewer, a lucky guess already weighs more than the goals allow.
FEWEST_RECORDS = 500


@dataclass(frozen=True, slots=True)
class AuditScope:
    """How much is attacked.

    Attributes:
        n_records: records of the sample.
        n_known: how many of them the attacker knows, in turn.
        n_matched: how many of them are attacked by resemblance; 0 leaves that attack out.
    """

    n_records: int = 4_000
    n_known: tuple[int, ...] = (50, 200, 1_000, 3_000)
    n_matched: int = 1_000


QUICK = AuditScope(n_records=1_500, n_known=(200,), n_matched=0)


@dataclass(frozen=True, slots=True)
class Audit:
    """What the attacks found; None and empty: the file has too few records for it.

    Attributes:
        n_records: records that were attacked.
        n_encodings: their encodings.
        known_pairs: one result for each number of known people that the file is large enough for.
        resemblance: what someone finds out who knows nobody, but who the people may be.
        structure: what the encodings show by themselves.
        key_leak: what whoever has the secret can do.
        linear_code: what the hardening gives away by itself; None where nothing is hardened. What it opens is
            what the attacks before it are made on.
        near_duplicates: what the hardening gives away through records that are nearly the same.
    """

    n_records: int
    n_encodings: int
    known_pairs: tuple[KnownPairsResult, ...]
    resemblance: GraphMatchingResult | None
    structure: StructureScan | None
    key_leak: KeyLeak | None
    linear_code: LinearCodeResult | None = None
    near_duplicates: NearDuplicatesResult | None = None


def audit_sample(
    sample: Sample,
    profile: EncodingProfile,
    *,
    columns: Mapping[str, str],
    date_format: str,
    scope: AuditScope,
    secret: AnySecret | None = None,
    progress: Progress = silent,
) -> Audit:
    """Attack the records of a sample.

    Args:
        sample: rows of the file.
        profile: the encoding profile under attack.
        columns: names of the recipe or linkage schema to headers of the sample.
        date_format: how the file writes dates.
        scope: how much is attacked.
        secret: the keys under attack; None draws them anew. Never the secret of a project.
        progress: told before each attack.
    """
    cleaned = clean_sample(sample, profile, columns, date_format)
    keys = secret or new_secret()
    specimen = encode_cleaned(cleaned, profile, keys)
    n_records = int(specimen.cleaned.is_first.sum())
    if n_records < FEWEST_RECORDS:
        return Audit(n_records, len(specimen.encodings), (), None, None, None)
    tokens = token_sets(specimen.cleaned, profile)
    progress("attacking the hardening", 0.0, 0, "attacks")
    code, near = _break(specimen, profile, keys)
    target = specimen
    if code is not None and code.filters is not None and code.is_mostly_open:
        target = replace(specimen, encodings=code.filters)
    # At least as many people are left to be named as make one lucky guess weigh little.
    attacked = [n for n in scope.n_known if n + FEWEST_RECORDS // 2 <= n_records]
    results = []
    for place, n_known in enumerate(attacked):
        progress("attacking with known people", place / len(attacked), place, "attacks")
        results.append(attack_known_pairs(target, tokens, n_known, seed=n_known))
    resemblance = None
    if scope.n_matched:
        progress("attacking by resemblance", 0.0, 0, "attacks")
        is_open = target is not specimen
        resemblance = _match(target, profile, keys, scope.n_matched, is_open=is_open)
    progress("looking for structure", 0.0, 0, "attacks")
    structure = scan_structure(target, tokens, 8 * target.encodings.shape[1])
    leak = drill_key_leak(specimen.cleaned, profile)
    n_encodings = len(specimen.encodings)
    return Audit(n_records, n_encodings, tuple(results), resemblance, structure, leak, code, near)


def _break(
    specimen: Specimen, profile: EncodingProfile, keys: AnySecret
) -> tuple[LinearCodeResult | None, NearDuplicatesResult | None]:
    """Attack the hardening by itself; the keys only tell how much of what was found is right."""
    bits, taps = profile.hardening.output_bits, profile.hardening.taps
    if bits is None or taps is None:
        return None, None
    matrix = diffusion_matrix(
        keys.sub_key("diffusion"), clk_bits=profile.clk_bits, output_bits=bits, taps=taps
    )
    return (
        attack_linear_code(specimen.encodings, clk_bits=profile.clk_bits, taps=taps),
        attack_near_duplicates(specimen.encodings, matrix.taps, clk_bits=profile.clk_bits),
    )


def _match(
    target: Specimen, profile: EncodingProfile, keys: AnySecret, n_people: int, *, is_open: bool
) -> GraphMatchingResult:
    """Attack the first records by resemblance, by an attacker who has the same rows and other keys.

    Args:
        target: its encodings are opened filters, which the attacker compares with plain CLKs, if `is_open`.
    """
    people = np.unique(target.cleaned.record)[:n_people]
    chosen = np.flatnonzero(np.isin(target.cleaned.record, people))
    rows = target.cleaned.take(chosen)
    if is_open:
        plain = profile.model_copy(update={"hardening": NO_HARDENING})
        own = encode_cleaned(rows, plain, new_secret())
        # A filter that can be hardened is neither empty nor full, so that no row is left out.
        return attack_by_resemblance(target.encodings[chosen], own.encodings, rows.record)
    attacker = encode_cleaned(rows, profile, new_secret())
    # Once more, so that both have the same rows even if the attacker's keys have left one out.
    victim = encode_cleaned(attacker.cleaned, profile, keys)
    return attack_by_resemblance(victim.encodings, attacker.encodings, victim.cleaned.record)

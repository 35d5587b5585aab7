"""The audit finds out nearly everyone, hardened or not, and no one in random bits."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pytest

from encoding.linkage import NO_HARDENING, load_shipped
from encoding.privacy_audit import Audit, AuditScope, audit_sample, judge_audit
from encoding.privacy_audit.audit import FEWEST_RECORDS
from encoding.privacy_audit.known_pairs import attack_known_pairs
from encoding.privacy_audit.page import report_page
from encoding.privacy_audit.report import AuditReport, report_lines
from encoding.privacy_audit.tokens import token_sets
from encoding.sample import Sample
from encoding.secret import Secret
from encoding.specimen import clean_sample, encode_cleaned
from encoding.synth import K12_LAYOUT
from schemas.canonical import canonical_bytes
from schemas.profile import EncodingProfile, Hardening

KEYS = Secret(bytes(range(1, 33)))
SCOPE = AuditScope(n_records=1_000, n_known=(200,), n_matched=0)
PLAIN = load_shipped("children", hardening=NO_HARDENING)


def audit(sample: Sample, columns: Mapping[str, str], profile: EncodingProfile) -> Audit:
    return audit_sample(
        sample,
        profile,
        columns=columns,
        date_format=K12_LAYOUT.date_format,
        scope=SCOPE,
        secret=KEYS,
    )


@pytest.fixture(scope="module")
def plain(student_sample, student_columns) -> Audit:
    return audit(student_sample, student_columns, PLAIN)


@pytest.fixture(scope="module")
def hardened(student_sample, student_columns) -> Audit:
    return audit(student_sample, student_columns, load_shipped("children"))


def test_plain_encodings_are_found_out(plain: Audit) -> None:
    (result,) = plain.known_pairs
    assert result.share >= 0.99
    assert plain.structure is not None
    assert plain.structure.variance > 1
    assert plain.structure.n_linked_bits > 1_000
    assert not any(outcome.is_reached for outcome in judge_audit(plain, PLAIN))


def test_hardened_encodings_are_opened_and_found_out_like_plain_ones(hardened: Audit) -> None:
    outcomes = judge_audit(hardened, load_shipped("children"))
    assert [outcome.name for outcome in outcomes] == [
        "secret-structure", "near-duplicates", "known-people-200", "resemblance", "bits-together",
    ]  # fmt: skip
    assert not any(outcome.is_reached for outcome in outcomes), outcomes
    assert hardened.linear_code is not None
    assert hardened.linear_code.opened_share > 0.98
    (known,) = hardened.known_pairs
    assert known.share >= 0.98
    assert "found from the encodings alone in" in outcomes[0].sentence


@pytest.mark.long
def test_the_strict_profile_is_opened_too(student_sample, student_columns) -> None:
    profile = load_shipped("children-strict")
    found = audit(student_sample, student_columns, profile)
    (structure, *others) = judge_audit(found, profile)
    assert structure.sentence.endswith("every encoding is open")
    assert structure.value > 0.98
    assert not all(outcome.is_reached for outcome in others)


def test_too_weak_a_hardening_is_found_out(student_sample, student_columns) -> None:
    weak = load_shipped("children", hardening=Hardening(kind="eld1", taps=2, output_bits=1024))
    outcomes = judge_audit(audit(student_sample, student_columns, weak), weak)
    (known,) = (outcome for outcome in outcomes if outcome.name == "known-people-200")
    assert not known.is_reached
    assert known.value > 0.3


def test_a_hardening_without_redundancy_misses_its_goals_too(
    student_sample, student_columns
) -> None:
    short = load_shipped("children", hardening=Hardening(kind="eld1", taps=4, output_bits=1024))
    found = audit(student_sample, student_columns, short)
    assert found.linear_code is not None
    assert found.linear_code.n_found == 0
    structure, near, *_ = judge_audit(found, short)
    assert not structure.is_reached
    assert "is broken" in structure.sentence
    assert not near.is_reached


def test_random_bits_tell_nothing(student_sample, student_columns) -> None:
    profile = load_shipped("children")
    cleaned = clean_sample(student_sample, profile, student_columns, K12_LAYOUT.date_format)
    specimen = encode_cleaned(cleaned, profile, KEYS)
    random = np.random.default_rng(1).integers(0, 256, specimen.encodings.shape, dtype=np.uint8)
    result = attack_known_pairs(
        replace(specimen, encodings=random), token_sets(specimen.cleaned, profile), 200, seed=2
    )
    assert result.n_first <= 5


def test_the_attack_goes_through_every_variant(student_sample, student_columns) -> None:
    cleaned = clean_sample(student_sample, PLAIN, student_columns, K12_LAYOUT.date_format)
    specimen = encode_cleaned(cleaned, PLAIN, KEYS)
    assert len(specimen.encodings) > 1.1 * student_sample.n_records
    # Only the last encoding of each record says anything; the others are noise.
    is_last = np.diff(cleaned.record, append=-1) != 0
    noise = np.random.default_rng(1).integers(0, 256, specimen.encodings.shape, dtype=np.uint8)
    mixed = np.where(is_last[:, None], specimen.encodings, noise)
    result = attack_known_pairs(
        replace(specimen, encodings=mixed), token_sets(cleaned, PLAIN), 200, seed=2
    )
    assert result.share > 0.9


def test_too_few_records_are_not_judged(student_sample, student_columns) -> None:
    few = student_sample.record < FEWEST_RECORDS - 1
    rows = np.flatnonzero(few)
    small = Sample(
        student_sample.record[rows],
        {name: [cells[row] for row in rows] for name, cells in student_sample.columns.items()},
    )
    profile = load_shipped("children")
    found = audit(small, student_columns, profile)
    (broken,) = judge_audit(found, profile)
    assert (broken.name, broken.is_reached) == ("secret-structure", False)
    assert judge_audit(found, PLAIN) == ()
    for outcomes in ((broken,), ()):
        report = AuditReport(profile.digest(), found, outcomes)
        assert "too few" in next(report_lines(report))
        assert "too few" in report_page(report, "few.csv")


@pytest.mark.long
def test_the_same_file_and_keys_give_the_same_digest(
    student_sample, student_columns, hardened
) -> None:
    profile = load_shipped("children")
    again = audit(student_sample, student_columns, profile)
    reports = [
        AuditReport(profile.digest(), found, judge_audit(found, profile))
        for found in (hardened, again)
    ]
    assert reports[0].digest() == reports[1].digest()
    canonical_bytes(reports[0].document())


def test_the_report_names_no_one(student_sample, hardened) -> None:
    profile = load_shipped("children")
    report = AuditReport(profile.digest(), hardened, judge_audit(hardened, profile))
    text = report_page(report, "students.csv") + "\n".join(report_lines(report))
    names = {cell for cell in student_sample.columns["last_surname"] if len(cell) > 5}
    assert not [name for name in names if name in text]
    assert not {"fill", "clk", "bloom", "hash", "diffusion"} & set(
        text.partition("</style>")[2].lower().split()
    )


@pytest.mark.long
@pytest.mark.parametrize("profile", [PLAIN, load_shipped("children")], ids=["plain", "opened"])
def test_the_attack_by_resemblance_is_part_of_the_audit(
    student_sample, student_columns, profile: EncodingProfile
) -> None:
    found = audit_sample(
        student_sample,
        profile,
        columns=student_columns,
        date_format=K12_LAYOUT.date_format,
        scope=AuditScope(n_records=1_000, n_known=(), n_matched=200),
        secret=KEYS,
    )
    (outcome,) = (o for o in judge_audit(found, profile) if o.name == "resemblance-attack")
    assert outcome.value > 0.5
    assert AuditReport(profile.digest(), found, ()).document()["resemblance"]["people"] == 200

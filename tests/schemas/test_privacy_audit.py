"""When the privacy audit that a manifest states counts for an upload.
Signed audit reports and their pages: every vector, and every byte of a page.
Audit packs and samples: every vector, and a pack that is a pack and a bundle at once.
Who could learn what, as an agreement's table says it: what is handed over and shown stands there.
"""

from __future__ import annotations

import io
import json
import tarfile
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from pydantic import ValidationError
from samples.agreement import AGREEMENT
from samples.documents import PRIVACY, audit_of
from samples.log import story
from vectors.audit_pack import FILES
from vectors.audit_report import KEY, PAGE, REPORT, public
from vectors.file import naming, read_vectors

from schemas.agreement.agreement import Agreement
from schemas.agreement.knowledge import learned_rows
from schemas.documents.errors import BundleError, DocumentError, FormatError
from schemas.linkage.privacy_audit import (
    MEASURES,
    PrivacyAudit,
    PrivacyLimits,
    audit_fault,
    audit_words,
    goals_of,
    proposed_limits,
)
from schemas.matchlog.bundle import BundleReader
from schemas.reports.audit_pack import draw_sample, pack_files, read_pack, starts_pack
from schemas.reports.audit_report import (
    AuditReport,
    is_page,
    key_fingerprint,
    open_page,
    open_report,
    public_text,
    seal_page,
    sign_report,
)
from schemas.signing.identity import fingerprint_digits

PROFILE = "a" * 64
LIMITS = PrivacyLimits(**PRIVACY)
UPLOAD: dict[str, Any] = {"profile": PROFILE, "side": "larger", "records": 1_000, "limits": LIMITS}


def audit(**changes) -> PrivacyAudit:
    return PrivacyAudit.model_validate_json(
        json.dumps(audit_of(PROFILE, "larger", 1_000) | changes)
    )


FIGURES = audit().model_dump(mode="json")["figures"]


def test_a_full_audit_counts_with_every_figure_up_to_its_signed_limit_and_none_beyond() -> None:
    assert audit_fault(audit(), **UPLOAD) is None
    # What only linked children of two kinds can show may be lacking.
    assert audit_fault(audit(figures=FIGURES[:6]), **UPLOAD) is None
    for place, measure in enumerate(MEASURES):
        for mean, fault in (("0.1", None), ("0.1001", "beyond")):
            figure = {**FIGURES[place], "mean": mean, "most": "0.9"}
            stated = audit(figures=[*FIGURES[:place], figure, *FIGURES[place + 1 :]])
            assert audit_fault(stated, **UPLOAD) == fault, measure
            assert audit_fault(stated, **{**UPLOAD, "limits": None}) is None
            assert [one.measure for one in stated.beyond(LIMITS)] == [measure] * (fault is not None)
    for figures in (FIGURES[::-1], FIGURES[:1] * 2):
        with pytest.raises(ValidationError):
            audit(figures=figures)


def test_proposed_limits_are_three_times_the_goals_and_what_chance_adds_in_a_small_file() -> None:
    for block_cap, least, most in ((4, 500, 4_000), (4, 3_000, 6_000), (8, 50_000, 60_000)):
        goals, limits = goals_of(block_cap, most), proposed_limits(block_cap, least, most)
        for measure, goal in goals.items():
            share = min(3 * goal, 1)
            assert min(share, 1) <= limits.of(measure) <= min(share + 0.07, 1), measure
    assert proposed_limits(4, 1, 1) == proposed_limits(4, 500, 4_000)
    assert proposed_limits(4, 4_000, 4_000).named == "0.039"


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"scope": "quick"}, "quick"),
        ({"draws": 2}, "quick"),
        ({"figures": FIGURES[1:]}, "quick"),
        ({"figures": FIGURES[:5]}, "quick"),
        ({"structure": 1}, "structure"),
        ({"profile": "b" * 64}, "other-profile"),
        ({"side": "smaller"}, "other-side"),
    ],
)
def test_each_statement_is_held_to_the_upload(change: dict, fault: str) -> None:
    assert audit_fault(audit(**change), **UPLOAD) == fault


@pytest.mark.parametrize("audited", [501, 999, 1_000, 1_001, 1_002, 1_003])
def test_the_numbers_of_records_lie_within_a_quarter_of_the_audited_ones(audited: int) -> None:
    for records in range(1, 2 * audited):
        is_near = 0.75 * audited <= records <= 1.25 * audited
        found = audit_fault(audit(records=audited), **{**UPLOAD, "records": records})
        assert (found is None) == is_near, records


def test_only_a_file_too_small_to_be_attacked_needs_none() -> None:
    assert audit_fault(None, **{**UPLOAD, "records": 499}) is None
    assert audit_fault(None, **{**UPLOAD, "records": 500}) == "missing"


def test_it_is_told_in_plain_words() -> None:
    found = "of 1,000 records, 3 draws"
    assert audit_words(audit()) == f"full, {found}, 0.10% named by a perfect register"
    assert audit_words(audit(scope="quick", figures=[])) == f"quick, {found}"
    assert audit_words(None) == "none, fewer than 500 records"


VECTORS = read_vectors("audit-report")


def cases(what: str, which: str) -> list[Any]:
    return [
        pytest.param(vector["document"].encode(), id=vector["name"])
        for vector in VECTORS[what][which]
    ]


@pytest.mark.parametrize("raw", cases("reports", "good"))
def test_a_good_report_is_read_and_signed_again_to_the_byte(raw: bytes) -> None:
    signed = open_report(raw)
    assert signed.to_canonical() == raw
    assert sign_report(signed.report, KEY) == signed
    assert not is_page(raw)


@pytest.mark.parametrize("raw", cases("pages", "good"))
def test_a_good_page_is_read_and_sealed_again_to_the_byte(raw: bytes) -> None:
    report = AuditReport.from_json(REPORT)
    assert is_page(raw)
    assert open_page(raw).report_sha256 == report.digest()
    assert seal_page(PAGE, report, KEY) == raw


def test_every_changed_byte_of_a_page_is_found() -> None:
    raw = VECTORS["pages"]["good"][0]["document"].encode()
    for offset in range(len(raw)):
        bent = bytearray(raw)
        bent[offset] ^= 1
        with pytest.raises(FormatError):
            open_page(bytes(bent))


def test_a_page_may_quote_a_seal() -> None:
    quoting = VECTORS["pages"]["good"][0]["document"].encode()
    report = AuditReport.from_json(REPORT)
    assert open_page(seal_page(quoting, report, KEY)).page_sha256 != open_page(quoting).page_sha256


def test_a_fingerprint_is_that_of_the_key_alone() -> None:
    key = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
    assert public_text(key) == public()
    raw = key.public_key().public_bytes_raw()
    assert key_fingerprint(public()) == fingerprint_digits(raw)


VECTORS_OF_AUDIT_PACK = read_vectors("audit-pack")
BUNDLE = story(3, n_weeks=1).bundle()


def packed() -> bytes:
    _, pieces = pack_files("foster-pupils", "child-welfare", "2026-11-20T22:30:00Z", FILES)
    return b"".join(pieces) + BUNDLE


def test_a_draw_is_the_one_that_everybody_repeats() -> None:
    for draw in VECTORS_OF_AUDIT_PACK["draws"]:
        with naming(str(draw)):
            found = draw_sample(draw["eligible"], draw["n"], draw["seed"], draw["match_record"])
            assert list(found) == draw["numbers"]


def test_a_pack_is_its_files_and_then_a_bundle() -> None:
    source = io.BytesIO(packed())
    assert starts_pack(source.getvalue()[:100])
    assert not starts_pack(BUNDLE[:100])
    pack = read_pack(source)
    assert pack.files == FILES
    assert pack.manifest.party == "child-welfare"
    assert source.read() == BUNDLE
    with tarfile.open(fileobj=io.BytesIO(packed())) as archive:
        assert archive.getnames()[:3] == ["audit-pack.json", *list(FILES)[:2]]
        assert "checkpoint" in archive.getnames()


def test_the_bundle_in_a_pack_is_read_as_it_stands() -> None:
    source = io.BytesIO(packed())
    read_pack(source)
    assert BundleReader(source).manifest.origin == "broker.example/log"


@pytest.mark.parametrize("place", range(0, 1024, 61))
def test_no_byte_of_a_pack_can_be_changed(place: int) -> None:
    raw = bytearray(packed())
    raw[place] ^= 1
    with pytest.raises(BundleError):
        read_pack(io.BytesIO(raw))


@pytest.mark.parametrize("share", [0.0, 0.2, 0.5, 0.9])
def test_a_pack_that_is_cut_off_is_refused(share: float) -> None:
    own = packed()[: -len(BUNDLE)]
    with pytest.raises(BundleError):
        read_pack(io.BytesIO(own[: int(len(own) * share)]))


def test_a_file_that_no_pack_holds_is_not_packed() -> None:
    with pytest.raises(DocumentError):
        pack_files("foster-pupils", "child-welfare", "2026-11-20T22:30:00Z", {"secret.txt": b"x"})


NO_VALUE = "No value of another agency's record."
NO_COLUMN = {"elements": [one for one in AGREEMENT["elements"] if one["use"] == "encoded"]}
REVIEW: dict[str, Any] = {
    "reviewer": "child-welfare",
    "persons": 1,
    "first": 9,
    "weekly": 1,
    "consent": None,
    "bucket": 7,
    "days": 14,
}
SHOWN = [{"party": "k12", "name": "first_name", "use": "shown"}]


def alone(**changes: Any) -> dict[str, str]:
    """What each party learns alone, by its name."""
    rows = learned_rows(Agreement.from_json({**AGREEMENT, **changes}))
    return {who.split(",")[0]: learned for who, learned, *_ in rows}


def with_reviewer() -> dict[str, Any]:
    """The sample's parties, where child welfare has a reviewer."""
    parties = [dict(one) for one in AGREEMENT["parties"]]
    first = dict(parties[0]["persons"][0])
    first["duties"] = sorted({*first["duties"], "reviewer"})
    parties[0]["persons"] = [first, *parties[0]["persons"][1:]]
    return {"parties": parties}


def test_an_agency_that_gets_no_column_learns_no_value() -> None:
    learned = alone(**NO_COLUMN)
    assert NO_VALUE in learned["child-welfare"]
    assert NO_VALUE in learned["k12"]


def test_what_is_handed_over_is_named() -> None:
    handed = [
        one["name"]
        for one in AGREEMENT["elements"]
        if (one["party"], one["use"]) == ("k12", "shared")
    ]
    assert handed
    learned = alone()["child-welfare"]
    assert NO_VALUE not in learned
    assert f"It gets {', '.join(handed)} of matched records of k12." in learned


def test_what_reviewers_see_and_what_the_broker_sees_of_a_review_is_named() -> None:
    learned = alone(review=REVIEW, elements=[*NO_COLUMN["elements"], *SHOWN], **with_reviewer())
    assert "first_name of the records of k12 that they are asked about" in learned["child-welfare"]
    assert NO_VALUE not in learned["child-welfare"]
    assert NO_VALUE in learned["k12"]
    (operator,) = (
        one for one in learned.values() if one.startswith("How many records each file has.")
    )
    assert "share a group of at least 7" in operator
    assert "verdict and reason" not in "".join(alone().values())

"""The shared vectors: written anew by their writers they are those that lie here, and read as each says.

Every reader of a format must agree on every one of them. What a good vector also proves (a signature, a key
that opens) is asked beside the format.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import io
import json
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st
from samples.agreement import AGREEMENT
from samples.documents import changed
from twins.stated_cards import parse_stated_cards
from vectors.agreement import agreement_vectors, statement_vectors
from vectors.audit_pack import audit_pack_vectors
from vectors.audit_report import audit_report_vectors
from vectors.claims import claims_vectors
from vectors.delivery import delivery_vectors
from vectors.destruction import destruction_vectors
from vectors.documents import FORMATS as DOCUMENT_FORMATS
from vectors.documents import document_vectors
from vectors.file import VECTORS, read_vectors
from vectors.identity import identity_vectors
from vectors.invitation import invitation_vectors
from vectors.match_record import match_record_vectors
from vectors.review import review_vectors
from vectors.rollback import rollback_vectors
from vectors.round_report import round_report_vectors
from vectors.sealed import blind_vectors
from vectors.secret_share import secret_share_vectors
from vectors.signed_request import signed_request_vectors
from vectors.uploads import container_vectors, release_vectors

import schemas
from schemas.agreement import agreement
from schemas.agreement.statement import SignedStatement
from schemas.documents.canonical import canonical_bytes
from schemas.documents.document import Document
from schemas.documents.errors import (
    CheckpointError,
    DocumentError,
    EntryError,
    FormatError,
    SignatureError,
)
from schemas.documents.problem import Problem
from schemas.linkage.profile import EncodingProfile
from schemas.linkage.run import RunSpecification
from schemas.matchlog import checkpoint
from schemas.matchlog.entry import entry_bytes, parse_entry
from schemas.matchlog.kinds import KINDS
from schemas.matchlog.proof import parse_proof, verify_proof
from schemas.reports import audit_pack, audit_report
from schemas.reports.overdue import OverdueMessage
from schemas.reports.round_report import RoundReport
from schemas.rounds import (
    chain_statement,
    claims,
    delivery,
    destruction,
    match_record,
    release,
    review,
    upload,
)
from schemas.rounds.receipt import Receipt
from schemas.rounds.rollback import SignedRollback
from schemas.rounds.rounds import NonceOffer
from schemas.signing import identity, secret_share
from schemas.signing.identity import PublicIdentity
from schemas.signing.invitation import Invitation
from schemas.signing.note import VerifierKey
from schemas.signing.signed_request import SignedRequest

DOCUMENTS: dict[str, type[Document]] = {
    "encoding-profile": EncodingProfile,
    "project-terms": agreement.ProjectTerms,
    "run-specification": RunSpecification,
    "manifest": upload.Manifest,
    "rounds": NonceOffer,
    "receipt": Receipt,
    "problem": Problem,
    "overdue": OverdueMessage,
}
WRITERS: dict[str, Callable[[], dict[str, Any]]] = {
    "agreement": agreement_vectors,
    "statement": statement_vectors,
    "audit-pack": audit_pack_vectors,
    "audit-report": audit_report_vectors,
    "claims": claims_vectors,
    "delivery": delivery_vectors,
    "destruction": destruction_vectors,
    "identity": identity_vectors,
    "invitation": invitation_vectors,
    "match-record": match_record_vectors,
    "review": review_vectors,
    "rollback": rollback_vectors,
    "round-report": round_report_vectors,
    "blind-release": blind_vectors,
    "secret-share": lambda: secret_share_vectors(read_vectors("secret-share")["sealed"]),
    "signed-request": signed_request_vectors,
    "container": container_vectors,
    "release": release_vectors,
    **{name: lambda name=name: document_vectors(name) for name in DOCUMENTS},  # type: ignore[misc]
}


class Format(NamedTuple):
    """One format in a file of vectors: how it is read, and written again, and how it is refused."""

    file: str
    good: str
    bad: str
    read: Callable[[bytes], Any]
    write: Callable[[Any], bytes] | None = None
    refusal: type[FormatError] = DocumentError
    begins: str = ""
    never: tuple[str, ...] = ()


def vectors_at(file: str, place: str) -> Iterator[tuple[str, bytes]]:
    """Yield name and content of the vectors at a place of a file, none where no place is named."""
    found: Any = read_vectors(file)
    for step in place.split("."):
        found = found[step] if step else ()
    if isinstance(found, str) or "version" in found:
        found = {"it": found}
    if isinstance(found, dict):
        found = [{"name": name, "document": held} for name, held in found.items()]
    for number, vector in enumerate(found):
        yield f"{file}, {place}: {vector.get('name', number)}", content_of(vector)


def content_of(vector: dict[str, Any]) -> bytes:
    """Return what a vector holds, or what another good document becomes by it."""
    if "place" in vector:
        return canonical_bytes(changed(AGREEMENT, vector["place"], vector["value"]))
    if "base64" in vector:
        return base64.b64decode(vector["base64"])
    held = next(vector[name] for name in HELD if isinstance(vector.get(name), str | dict))
    return held.encode() if isinstance(held, str) else canonical_bytes(held)


# In the order in which they count: beside the header of a request stands its document.
HELD = ("file", "signed", "message", "entry", "record", "text", "note", "proof", "line", "key",
        "header", "document")  # fmt: skip


def documents(
    file: str, section: str, kind: type[Document], bad: str = "", never: tuple[str, ...] = ()
) -> Format:
    """Return a format of canonical documents, its vectors in one section of a file."""
    good = f"{section}.good" if section else "good"
    bad = bad or (f"{section}.bad" if section else "bad")
    read, write, begins = kind.from_canonical, kind.to_canonical, f"{kind.KIND}: "
    return Format(file, good, bad, read, write, DocumentError, begins, never)


def text(raw: bytes) -> str:
    return raw.decode(errors="replace")


def whole_record(raw: bytes) -> Any:
    return list(match_record.MatchRecordReader(io.BytesIO(raw)).rows())


CHECKPOINTS = read_vectors("checkpoint")
LOG = VerifierKey.from_text(CHECKPOINTS["log_key"])
PROOF_KEYS = [VerifierKey.from_text(text) for text in read_vectors("proof")["log_keys"]]
CARD = ("Zo", "2011", "0a0a", "deadbeef")
SEALED = (read_vectors("secret-share")["sealed"]["child-welfare to schools"][:12],)
KEYS = tuple(
    json.loads(read_vectors("identity")["identity"])[name][:8]
    for name in ("signing_key", "receiving_key")
)
FORMATS: list[Format] = [
    *(documents(name, "", kind) for name, kind in DOCUMENTS.items()),
    documents("agreement", "", agreement.Agreement),
    documents("audit-pack", "manifests", audit_pack.PackManifest),
    documents("audit-pack", "samples", audit_pack.Sample),
    Format("audit-report", "reports.good", "reports.bad", audit_report.open_report,
           audit_report.SignedReport.to_canonical),
    Format("audit-report", "pages.good", "pages.bad", audit_report.open_page),
    Format("claims", "claims.good", "claims.bad", claims.parse_claims, claims.serialise_claims,
           never=("a1a1", "river.example")),
    Format("claims", "statements.good", "statements.bad", chain_statement.parse_statement,
           chain_statement.serialise_statement, never=("a1a1", "river.example")),
    Format("delivery", "head.good", "head.bad", lambda raw: delivery.read_delivery_head(io.BytesIO(raw)),
           delivery.delivery_head, never=("Grade",)),
    documents("delivery", "list", delivery.DeliveryList),
    documents("destruction", "certificates", destruction.Certificate),
    documents("destruction", "signed", destruction.SignedDestruction, "signed.malformed"),
    Format("identity", "identity", "bad_identities", PublicIdentity.from_canonical,
           PublicIdentity.to_canonical, begins="public identity: ", never=KEYS),
    Format("identity", "signed_identity", "", identity.SignedIdentity.from_canonical,
           identity.SignedIdentity.to_canonical),
    Format("identity", "key_change", "", identity.SignedKeyChange.from_canonical,
           identity.SignedKeyChange.to_canonical),
    Format("identity", "history", "", identity.IdentityHistory.from_canonical,
           identity.IdentityHistory.to_canonical),
    Format("invitation", "good", "bad", Invitation.from_file, Invitation.to_file,
           begins="invitation: "),
    Format("match-record", "records.good", "records.bad", whole_record, never=("2121",)),
    Format("match-record", "openings.good", "openings.bad", match_record.parse_openings,
           lambda found: b"".join(match_record.serialise_openings(*found)), never=("2121",)),
    Format("release", "good", "bad", release.parse_release,
           lambda found: b"".join(release.serialise_release(found[0], found[1].items())),
           never=("upl-", "ffff")),
    documents("review", "asked", review.AskedBuckets, never=CARD),
    documents("review", "card", review.SignedCard, never=CARD),
    documents("review", "statement", review.SignedReviewStatement, never=CARD),
    documents("review", "stated_decisions", review.StatedDecisions, never=CARD),
    documents("review", "list", review.ReviewList, never=CARD),
    Format("review", "questions.good", "questions.bad", review.parse_questions,
           lambda found: review.serialise_questions(*found), never=CARD),
    Format("review", "card_plain.good", "card_plain.bad", review.parse_card, review.card_plain, never=CARD),
    Format("review", "cards.good", "cards.bad", review.parse_cards,
           lambda found: review.serialise_cards(found.items()), never=CARD),
    Format("review", "stated_cards.good", "stated_cards.bad", parse_stated_cards,
           lambda found: review.stated_cards(found[0], review.serialise_cards(found[1].items())), never=CARD),
    documents("rollback", "", SignedRollback),
    documents("round-report", "", RoundReport),
    Format("secret-share", "holders", "bad_holders", secret_share.SecretHolders.from_canonical,
           secret_share.SecretHolders.to_canonical, begins="secret holders: "),
    Format("secret-share", "shares", "bad_shares", secret_share.SignedShare.from_canonical,
           secret_share.SignedShare.to_canonical, begins="signed share: ", never=SEALED),
    Format("secret-share", "confirmations", "bad_confirmations", secret_share.SignedConfirmation.from_canonical,
           secret_share.SignedConfirmation.to_canonical, begins="signed confirmation: "),
    Format("signed-request", "good", "malformed",
           lambda raw: SignedRequest.from_header(text(raw)),
           lambda found: found.to_header().encode(), begins="signed request: "),
    documents("statement", "", SignedStatement, "malformed"),
    Format("entry", "good", "bad", partial(parse_entry, kinds=KINDS), entry_bytes, EntryError),
    Format("checkpoint", "good", "bad", lambda raw: checkpoint.open_checkpoint(raw, [LOG]), None,
           CheckpointError),
    Format("checkpoint", "good_file", "bad_files", checkpoint.parse_checkpoints,
           lambda found: checkpoint.serialise_checkpoints(note.to_bytes() for _, note in found),
           CheckpointError),
    Format("checkpoint", "good_line", "bad_lines",
           lambda raw: checkpoint.parse_checkpoint_line(text(raw)), None, CheckpointError),
    Format("checkpoint", "log_key", "bad_keys", lambda raw: VerifierKey.from_text(text(raw)),
           lambda found: found.text.encode(), CheckpointError),
    Format("proof", "good", "bad", lambda raw: verify_proof(parse_proof(raw), PROOF_KEYS, KINDS), None,
           FormatError),
]  # fmt: skip


def test_the_stored_vectors_are_those_that_are_written() -> None:
    for name, write in WRITERS.items():
        assert json.loads(json.dumps(write())) == read_vectors(name), name


def test_every_format_is_read_here() -> None:
    assert DOCUMENT_FORMATS.keys() == DOCUMENTS.keys()
    named = {one.file for one in FORMATS} | {"container", "blind-release"}
    assert named >= WRITERS.keys()


def test_what_is_good_is_read_and_written_to_the_byte() -> None:
    for one in FORMATS:
        for name, raw in vectors_at(one.file, one.good):
            found = one.read(raw)
            assert one.write is None or one.write(found) == raw, name


def test_the_digests_of_vectors_are_those_of_their_bytes() -> None:
    for name in [*DOCUMENTS, "release"]:
        for vector in read_vectors(name)["good"]:
            assert hashlib.sha256(content_of(vector)).hexdigest() == vector["sha256"], vector[
                "name"
            ]


@pytest.mark.campaign("receipts")
def test_what_is_bad_is_refused_without_an_echo() -> None:
    for one in FORMATS:
        for name, raw in vectors_at(one.file, one.bad):
            with pytest.raises(one.refusal) as caught:
                pytest.fail(f"{name} is read as {one.read(raw)}")
            assert str(caught.value).startswith(one.begins), name
            assert not [word for word in one.never if word in str(caught.value)], name


FORGED: list[tuple[str, str, Callable[[bytes], Any], str]] = [
    ("audit-report", "reports.forged", audit_report.open_report, ""),
    ("audit-report", "pages.forged", audit_report.open_page, ""),
    ("claims", "claims.forged", claims.parse_claims, "identity"),
    ("claims", "statements.forged", chain_statement.parse_statement, "identity"),
    ("delivery", "head.forged", lambda raw: delivery.read_delivery_head(io.BytesIO(raw)), "identity"),
    ("review", "card.forged", review.SignedCard.from_canonical, "identities.k12"),
    ("review", "statement.forged", review.SignedReviewStatement.from_canonical,
     "identities.child-welfare"),
    ("rollback", "forged", SignedRollback.from_canonical, "identity"),
    ("secret-share", "forged_shares", secret_share.SignedShare.from_canonical,
     "identities.child-welfare"),
    ("secret-share", "forged_confirmations", secret_share.SignedConfirmation.from_canonical,
     "identities.child-welfare"),
    ("identity", "bad_signed_identities", identity.SignedIdentity.from_canonical, ""),
]  # fmt: skip


def test_what_is_forged_is_read_and_does_not_verify() -> None:
    for file, place, read, of_whom in FORGED:
        person = [PublicIdentity.from_canonical(raw) for _, raw in vectors_at(file, of_whom)]
        for name, raw in vectors_at(file, place):
            if file == "audit-report":
                with pytest.raises(SignatureError):
                    pytest.fail(f"{name} is read as {read(raw)}")
                continue
            found = read(raw)
            with pytest.raises(SignatureError):
                pytest.fail(f"{name} is by {found.verify(*person)}")


BYTES = [one for one in FORMATS if one.file != "checkpoint"]


@given(st.sampled_from(BYTES), st.data())
def test_a_changed_byte_is_refused_or_changes_what_is_read(
    one: Format, data: st.DataObject
) -> None:
    name, good = data.draw(st.sampled_from(list(vectors_at(one.file, one.good))))
    raw = bytearray(good)
    raw[data.draw(st.integers(0, len(raw) - 1))] ^= data.draw(st.integers(1, 255))
    with contextlib.suppress(FormatError):
        found = one.read(bytes(raw))
        assert one.write is None or one.write(found) == bytes(raw), name


@given(st.sampled_from(FORMATS), st.binary(max_size=300) | st.text(max_size=100).map(str.encode))
def test_any_other_bytes_are_refused_with_one_error(one: Format, noise: bytes) -> None:
    with contextlib.suppress(one.refusal):
        one.read(noise)


def test_every_vector_file_has_its_spec_page_and_names_it() -> None:
    assert str(VECTORS).startswith(schemas.__path__[0])
    formats, docs = VECTORS.parent / "spec", VECTORS.parents[1] / "docs"
    for file in sorted(VECTORS.glob("*.json")):
        spec = json.loads(file.read_text(encoding="utf-8"))["spec"]
        pages = [folder / f"{spec}.md" for folder in (formats, docs)]
        page = next((page for page in pages if page.exists()), None)
        assert page is not None, file.name
        assert file.name in page.read_text(encoding="utf-8"), file.name

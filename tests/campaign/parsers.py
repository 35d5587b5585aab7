"""The parsers of what comes from outside, each with what it may answer to bytes that are no good.

Anyone who fuzzes gives one of them any bytes. It has to return, or raise what it is documented to raise. What
is returned is written again, where there is a writer: only one spelling may be read, since digests are of
bytes. Good bytes are those of the shared vectors that a parser takes.
"""

from __future__ import annotations

import base64
import importlib
import json
import string
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache, partial
from io import BytesIO
from pathlib import Path
from typing import Any

import rfc8785
from samples.log import SampleLog
from vectors.file import VECTORS

from app.auditor.errors import AuditError
from app.auditor.pins import parse_pins
from app.errors import BrokerError
from app.extras.anonlink.json_documents import parse_object
from app.security.assertions import claimed_person, read_assertion
from app.security.dpop import read_proof
from encoding.broker.credential import ProofKey, sign_claim
from encoding.errors import AgencyError
from encoding.ledger.events import Event, event_line, parse_events
from encoding.ledger.values import Turn
from encoding.people.identity import new_identity, parse_identity
from encoding.secret.share_file import FIRST_LINE, parse_share_file
from encoding.sharing.blind_rows import read_blind_header, read_sealed_match_id
from schemas.documents.canonical import parse_canonical, parse_canonical_object, parse_json
from schemas.documents.document import Document
from schemas.documents.errors import CanonicalError, FormatError
from schemas.documents.ids import LINK_ID_BYTES
from schemas.documents.written_code import read_code
from schemas.matchlog.bundle import BundleReader
from schemas.matchlog.checkpoint import parse_checkpoint, parse_checkpoints, serialise_checkpoints
from schemas.matchlog.entry import entry_bytes, parse_entry
from schemas.matchlog.kinds import KINDS
from schemas.matchlog.log_keys import VerifierKey
from schemas.matchlog.proof import parse_proof
from schemas.reports.audit_report import open_page
from schemas.rounds.blind import parse_blind_header
from schemas.rounds.chain_statement import parse_statement, serialise_statement
from schemas.rounds.claims import parse_claims, serialise_claims
from schemas.rounds.delivery import read_delivery_head, read_table_head
from schemas.rounds.match_record import parse_openings, serialise_openings
from schemas.rounds.release import parse_release, serialise_release
from schemas.rounds.review import (
    card_plain,
    parse_card,
    parse_cards,
    parse_questions,
    serialise_cards,
    serialise_questions,
)
from schemas.rounds.upload import parse_header
from schemas.signing.invitation import Invitation
from schemas.signing.note import parse_note
from schemas.signing.sealed_file import read_sealed_header
from schemas.signing.secret_share import SignedConfirmation, SignedShare
from schemas.signing.signed_request import SignedRequest

REFUSALS = (FormatError, BrokerError, AgencyError, AuditError)
ROOT = Path(__file__).resolve().parents[2]
AUDIENCE = "https://broker.test"
# Longer ones are slow to bend, and bent in what is alike.
MAX_SEED_BYTES = 32 * 1024
NOW = datetime(2026, 9, 1, tzinfo=UTC)


class SecondSpellingError(AssertionError):
    """Bytes were read that are not the ones that would be written."""


@dataclass(frozen=True, slots=True)
class Parser:
    """A parser that is given any bytes.

    Attributes:
        parse: returns what it read; whatever of it is read late is read by then.
        write: the bytes of what was read; None where several spellings are meant.
        fields: of the document that it reads; None for what is more than one.
        made: good bytes where there are no short vectors of them.
    """

    parse: Callable[[bytes], Any]
    write: Callable[[Any], bytes] | None = None
    fields: frozenset[str] | None = None
    made: Callable[[], list[bytes]] | None = None

    def takes(self, raw: bytes) -> bool:
        """Tell whether bytes are good; refused, they are so by an error of our own.

        Raises:
            SecondSpellingError: what was read would be written otherwise.
        """
        try:
            found = self.parse(raw)
        except REFUSALS:
            return False
        if self.write is not None and self.write(found) != raw:
            raise SecondSpellingError
        return True


def parsers() -> Mapping[str, Parser]:
    """Return every parser by its name, a document's by its class; documents without vectors are left out."""
    documents = {kind.__name__: _document(kind) for kind in _documents()}
    return LINES_AND_FILES | {name: one for name, one in documents.items() if seeds(one)}


def seeds(parser: Parser) -> list[bytes]:
    """Return what is made for a parser, or the strings of all vectors that it takes; the shortest first."""
    if parser.made is not None:
        return parser.made()
    if parser.fields is None:
        likely = {*_all_vectors()}
    else:
        likely = {raw for raw, names in _all_objects().items() if names <= parser.fields}
    return sorted(filter(parser.takes, likely), key=len)


def _document(kind: type[Document]) -> Parser:
    return Parser(
        kind.from_canonical, lambda found: found.to_canonical(), frozenset(kind.model_fields)
    )


def _documents() -> Iterator[type[Document]]:
    for package in ("app", "encoding", "schemas"):
        for path in sorted((ROOT / package).rglob("*.py")):
            # Others need what is not always installed, or do something at once.
            if "    KIND: ClassVar" in path.read_text("utf-8"):
                importlib.import_module(".".join(path.relative_to(ROOT).with_suffix("").parts))
    waiting = [Document]
    while waiting:
        waiting += (kind := waiting.pop()).__subclasses__()
        if "KIND" in vars(kind):
            yield kind


@cache
def _all_vectors() -> frozenset[bytes]:
    files = (json.loads(path.read_text("utf-8")) for path in VECTORS.glob("*.json"))
    found = (raw for file in files for raw in _spellings(file))
    return frozenset(raw for raw in found if len(raw) <= MAX_SEED_BYTES)


@cache
def _all_objects() -> dict[bytes, frozenset[str]]:
    found = {}
    for raw in _all_vectors():
        with suppress(CanonicalError):
            found[raw] = frozenset(parse_canonical_object(raw))
    return found


def _spellings(value: Any) -> Iterator[bytes]:
    """Yield all that may be meant by a vector: text, the bytes of text, a document, and what is in it."""
    if isinstance(value, str):
        yield value.encode("utf-8", "surrogatepass")
        if len(value) % 2 == 0 and set(value) <= set(string.hexdigits):
            yield bytes.fromhex(value)
        else:
            with suppress(ValueError):
                yield base64.b64decode(value, validate=True)
    elif isinstance(value, dict | list):
        with suppress(rfc8785.CanonicalizationError, UnicodeEncodeError):
            yield (written := rfc8785.dumps(value))
            yield written + b"\n"
        for one in value.values() if isinstance(value, dict) else value:
            yield from _spellings(one)


def _canonical(raw: bytes) -> Any:
    """The quick way and the slow one have one mind, and the library of others is of the same."""
    try:
        slow = parse_json(raw)
    except CanonicalError:
        slow = None
    is_good = slow is not None and rfc8785.dumps(slow) == raw
    try:
        found = parse_canonical(raw)
    except CanonicalError:
        assert not is_good or raw == b"null"
        raise
    assert found == slow
    return found


def _text(read: Callable[[str], Any], raw: bytes) -> Any:
    """Let text be read as a server hands it on."""
    return read(raw.decode("latin-1"))


def _openings(found: Any) -> bytes:
    return b"".join(serialise_openings(*found))


def _release(found: Any) -> bytes:
    header, matches = found
    return b"".join(serialise_release(header, matches.items()))


def _sealed_head(raw: bytes) -> tuple[Any, bytes]:
    file = BytesIO(raw)
    head = read_sealed_header(file)
    # The rest is opened by the key alone.
    assert head[1] == raw[: file.tell()]
    return head


def _bundle(raw: bytes) -> None:
    reader = BundleReader(BytesIO(raw))
    for _ in reader.chunks():
        pass
    for _ in reader.upper_tiles():
        pass
    parse_checkpoint(reader.finish())


def _small_bundle() -> list[bytes]:
    log = SampleLog(1)
    log.create_project("foster")
    return [log.bundle()]


def _shares() -> list[bytes]:
    lines = [seeds(_document(kind))[0] for kind in (SignedShare, SignedConfirmation)]
    return [b"\n".join([FIRST_LINE, *lines]) + b"\n"]


def _events() -> list[bytes]:
    turn, link = Turn(3, 1), bytes(range(LINK_ID_BYTES))
    events = (
        Event("held", turn, link, 2, "record", "new"),
        Event("veto", turn, link, 1, "schools"),
        Event("applied", turn),
        Event("digest", turn, bytes(32), 0, "schools welfare"),
    )
    return ["".join(map(event_line, events)).encode()]


def _claim() -> list[bytes]:
    return [sign_claim(new_identity("schools", ("analyst",), NOW), AUDIENCE, NOW).encode()]


def _proof() -> list[bytes]:
    return [ProofKey().prove("GET", f"{AUDIENCE}/v1", NOW).encode()]


LINES_AND_FILES: dict[str, Parser] = {
    "json": Parser(parse_json),
    "canonical-json": Parser(_canonical),
    "log-entry": Parser(partial(parse_entry, kinds=KINDS), entry_bytes),
    "log-bundle": Parser(_bundle, made=_small_bundle),
    "log-key": Parser(partial(_text, VerifierKey.from_text)),
    "note": Parser(parse_note, lambda note: note.to_bytes()),
    "checkpoint": Parser(parse_checkpoint, lambda found: found[1].to_bytes()),
    "checkpoints": Parser(
        parse_checkpoints,
        lambda found: serialise_checkpoints(note.to_bytes() for _, note in found),
    ),
    "pins": Parser(lambda raw: parse_pins(raw, "pins")),
    "proof": Parser(parse_proof, lambda proof: proof.to_bytes()),
    "container-head": Parser(parse_header),
    "release": Parser(parse_release, _release),
    "openings": Parser(parse_openings, _openings),
    "blind-release-head": Parser(parse_blind_header),
    "blind-rows-head": Parser(lambda raw: read_blind_header(BytesIO(raw))),
    "sealed-match-id": Parser(partial(_text, read_sealed_match_id)),
    "claims": Parser(parse_claims, serialise_claims),
    "chain-statement": Parser(parse_statement, serialise_statement),
    "questions": Parser(parse_questions, lambda found: serialise_questions(*found)),
    "card": Parser(parse_card, card_plain),
    "cards": Parser(parse_cards, lambda found: serialise_cards(found.items())),
    "delivery-head": Parser(lambda raw: read_delivery_head(BytesIO(raw))),
    "table-head": Parser(lambda raw: read_table_head(BytesIO(raw))),
    "sealed-file-head": Parser(_sealed_head),
    "audit-page": Parser(open_page),
    "invitation": Parser(Invitation.from_file),
    "share-file": Parser(parse_share_file, made=_shares),
    "identity-file": Parser(parse_identity),
    "ledger-events": Parser(
        lambda raw: list(parse_events(raw)),
        lambda found: "".join(map(event_line, found)).encode(),
        made=_events,
    ),
    "written-code": Parser(partial(_text, read_code)),
    "signed-request": Parser(partial(_text, SignedRequest.from_header)),
    "sign-in-claim": Parser(
        partial(_text, partial(read_assertion, audience=AUDIENCE, now=NOW)), made=_claim
    ),
    "claimed-person": Parser(partial(_text, claimed_person)),
    "sign-in-proof": Parser(
        partial(
            _text,
            partial(read_proof, method="GET", url=f"{AUDIENCE}/v1", token=None, now=NOW),
        ),
        made=_proof,
    ),
    "anonlink-json": Parser(parse_object),
}

"""A certificate of destruction as one printable HTML page that needs no other file and runs nothing."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape
from typing import Final

from schemas.certificate import CertificateFile, still_outstanding
from schemas.destruction import (
    Certificate,
    DestroyedObject,
    LocalStatement,
    SignedDestruction,
)
from schemas.errors import SignatureError

PAGE_START: Final = "<!doctype html>\n<!-- blindlink certificate -->\n"
_POLICY: Final = "default-src 'none'; style-src 'unsafe-inline'"
_STYLE: Final = """
:root{color-scheme:light dark;--paper:#fff;--ink:#111;--soft:#444;--line:#ccc}
@media (prefers-color-scheme:dark){:root{--paper:#14191c;--ink:#e4e9eb;--soft:#a3afb7;--line:#3a454c}}
*{box-sizing:border-box}
body{font:16px/1.5 Georgia,serif;color:var(--ink);background:var(--paper);margin:2rem auto;max-width:60rem;
padding:0 1rem;overflow-wrap:anywhere}
h1{font-size:1.6rem;margin:0}h2{font-size:1.15rem;margin:2rem 0 .5rem;border-bottom:1px solid var(--soft)}
dl{display:grid;grid-template-columns:13rem minmax(0,1fr);gap:.15rem 1rem}dt{color:var(--soft)}dd{margin:0}
.wide{overflow-x:auto}table{border-collapse:collapse;width:100%;font-size:.85rem}
th,td{text-align:left;vertical-align:top;border-bottom:1px solid var(--line);padding:.3rem .6rem .3rem 0}
code{font:.85em ui-monospace,Consolas,monospace;overflow-wrap:anywhere}
@media screen{td{min-width:5.5rem}}
@media screen and (max-width:40rem){dl{grid-template-columns:minmax(0,1fr);gap:0}dd{margin-bottom:.4rem}}
@media print{:root{color-scheme:light;--paper:#fff;--ink:#000;--soft:#444;--line:#999}
body{margin:0;padding:0;max-width:none;font-size:11pt}.wide{overflow:visible}tr,dl{break-inside:avoid}
thead{display:table-header-group}}
"""

SCOPE_WORDS: Final = {
    "project": "all that the broker held of the project",
    "party": "the uploads of one party, and what was made of them",
    "upload": "one upload, and what was made of it",
    "expired": "what had been kept as long as agreed",
}
REASON_WORDS: Final = {
    "asked": "on request",
    "retention": "the agreed time was over",
    "destroy-by": "the day had come by which all is destroyed",
}
KIND_WORDS: Final = {
    "upload": "encodings of an upload",
    "release": "match IDs of a release",
    "match-record": "match record of a run",
    "claims": "sealed messages between recipients",
}
REMAINS_WORDS: Final = {
    "match-log": "entries of the match log",
    "receipts": "rows that name what there was",
    "key-copies": "copies of keys",
    "other-uploads": "uploads, releases and match records that are not meant",
    "held": "what a legal hold keeps",
    "shares": "sealed shares of the secret",
}
LOCAL_WORDS: Final = {
    "handle-map": "handle map",
    "container": "encodings",
    "link-table": "file of links",
    "extract": "files handed over",
    "received": "files received",
    "secret": "secret",
}
METHOD: Final = (
    "Cryptographic erasure (NIST SP 800-88): each object was encrypted under one key of its own, kept outside "
    "the database and its backups. The key was destroyed, then the encrypted pieces were removed. Where a "
    "backup holds such a piece, it cannot be read without the key."
)


def method_of(certificate: Certificate) -> str:
    """Return how the objects ended, and since when that holds for every copy, in backups too."""
    left = next((one for one in certificate.remains if one.what == "key-copies"), None)
    if left is None:
        return f"{METHOD} No copy of a key remains, so every copy of the objects has ended."
    last = "they are removed" if left.until is None else f"{_when(left.until)} at the latest"
    return (
        f"{METHOD} Copies of the keys may remain until {last}: until then the destruction is not complete; "
        "after it, every copy of the objects has ended."
    )


def certificate_page(file: CertificateFile) -> str:
    """Return the page of a certificate whose file has been verified.

    Raises:
        SignatureError: a statement beside the certificate is about something else.
    """
    certificate = file.certificate
    body = "".join(
        (
            _section("What was destroyed", _facts(_about(certificate))),
            _section("Objects", _objects(certificate.objects)),
            _section("How", f"<p>{escape(method_of(certificate))}</p>"),
            _section("What remains, and why", _remains(certificate)),
            _section("What parties hold themselves", _outstanding(file)),
            _section("Signatures", _signatures(file)),
        )
    )
    title = f"Certificate of destruction, project {certificate.project}"
    return (
        f'{PAGE_START}<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(title)}</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n<main>\n"
        f"<h1>{escape(title)}</h1>\n{body}</main>\n</body>\n</html>\n"
    )


def _about(certificate: Certificate) -> Iterable[tuple[str, str]]:
    yield "Certificate", certificate.certificate
    yield "Project", certificate.project
    yield "Agreement", certificate.agreement
    if certificate.paper is not None:
        yield "Paper agreement", certificate.paper
    yield "Extent", SCOPE_WORDS[certificate.scope]
    if certificate.subject is not None:
        yield "Of", certificate.subject
    yield "Why then", REASON_WORDS.get(certificate.reason, certificate.reason)
    by = "a rule of the agreement"
    yield (
        "Asked for by",
        by
        if certificate.asked_by is None
        else (f"{certificate.asked_by}, person {certificate.person}"),
    )
    yield "Asked for", _when(certificate.asked)
    yield "Finished", _when(certificate.finished)
    yield "Broker", f"{certificate.operator}, log {certificate.log}, {certificate.software}"


def _objects(objects: Sequence[DestroyedObject]) -> str:
    if not objects:
        return "<p>There was nothing to destroy.</p>"
    header = (
        "Object",
        "What",
        "Of",
        "Count",
        "Pieces",
        "Made",
        "Destroyed",
        "Log entry",
        "SHA-256",
    )
    return _table(
        "Objects",
        header,
        (
            (
                one.object,
                KIND_WORDS[one.kind],
                one.party or "all parties",
                "not shown" if one.count is None else f"{one.count:,}",
                f"{one.pieces:,}",
                "not noted" if one.created is None else _when(one.created),
                _when(one.destroyed),
                "none" if one.entry is None else str(one.entry),
                one.sha256,
            )
            for one in objects
        ),
    )


def _remains(certificate: Certificate) -> str:
    return _table(
        "What remains, and why",
        ("What", "How many", "Until", "Why"),
        (
            (
                REMAINS_WORDS[one.what],
                "not counted" if one.count is None else f"{one.count:,}",
                "no end is set" if one.until is None else _when(one.until),
                one.why,
            )
            for one in certificate.remains
        ),
    )


def _outstanding(file: CertificateFile) -> str:
    left = still_outstanding(file.certificate, file.statements)
    lines = [
        f"<li>{escape(one.party)}: {escape(LOCAL_WORDS[one.what])}, not yet stated to be deleted</li>"
        for one in left
    ]
    lines += [f"<li>{escape(_stated(signed))}</li>" for signed in file.statements]
    return f"<ul>{''.join(lines)}</ul>" if lines else "<p>Nothing is outstanding.</p>"


def _stated(signed: SignedDestruction) -> str:
    said = signed.said
    if not isinstance(said, LocalStatement):
        raise SignatureError("a statement beside the certificate is about something else")
    none = ", ".join(LOCAL_WORDS[what] for what in said.none_left) or "nothing named"
    text = f"{said.party} stated on {_when(said.at)} that none is left of: {none}"
    kept = "; ".join(f"{LOCAL_WORDS[one.what]}: {one.why}" for one in said.kept)
    return f"{text}. It keeps {kept}" if kept else text


def _signatures(file: CertificateFile) -> str:
    pairs = [
        ("Digest (SHA-256)", file.certificate.digest()),
        ("The log's key", file.log_key),
        ("Its signature", file.signature),
        ("Log entry", str(file.receipt.index)),
    ]
    for signed in file.countersignatures:
        who = f"{signed.said.party}, person {signed.said.person}, {_when(signed.said.at)}"
        pairs.append(("Counter-signed by", f"{who}, key {signed.identity.fingerprint()}"))
    return _facts(pairs)


def _when(time: str) -> str:
    return time.replace("T", " ").replace("Z", " UTC")


def _section(heading: str, content: str) -> str:
    return f"<section>\n<h2>{escape(heading)}</h2>\n{content}\n</section>\n"


def _facts(pairs: Iterable[tuple[str, str]]) -> str:
    items = "".join(
        f"<dt>{escape(name)}</dt><dd><code>{escape(what)}</code></dd>\n" for name, what in pairs
    )
    return f"<dl>\n{items}</dl>"


def _table(caption: str, header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    head = "".join(f'<th scope="col">{escape(cell)}</th>' for cell in header)
    body = "".join(
        f"<tr>{''.join(f'<td><code>{escape(cell)}</code></td>' for cell in row)}</tr>\n"
        for row in rows
    )
    # A region that the keyboard can scroll, where the screen is too narrow for the table.
    return (
        f'<div class="wide" tabindex="0" role="region" aria-label="{escape(caption)}">'
        f"<table><thead><tr>{head}</tr></thead>\n<tbody>{body}</tbody></table></div>"
    )

"""What tests ask of a broker about deadlines, and how its messages are led to receivers of the test's own."""

from __future__ import annotations

import secrets
from dataclasses import replace
from pathlib import Path
from typing import Any

from rigs import agreed
from rigs.agreed import sign, word_of
from rigs.linkage import CHILD_WELFARE, PROJECT, SCHOOL, Linkage
from samples.round_files import random_people
from services.receivers import PASSWORD, USER, Inbox
from sqlalchemy import text

from app.broker import Broker
from app.worker.companion import Watch
from schemas.documents.ids import utc_text
from schemas.matchlog.checkpoint import cosign, parse_checkpoint
from schemas.signing.identity import Role
from schemas.signing.note import COSIGNER_KEY, NoteSigner

SECRET = "a secret of a webhook, and of a test"
ADDRESSES = {
    CHILD_WELFARE: "linkage@cw.test",
    SCHOOL: "data@school.test",
    "operator": "ops@broker.test",
}

Found = tuple[str, str, str, str, str]


def overdue(linkage: Linkage, party: str = "operator", role: Role = "operator") -> list[Found]:
    """Return what is overdue, as a party is told: kind, object, party, duty and since when."""
    answer = linkage.get(f"/v1/projects/{PROJECT}/overdue", party, role)
    assert answer.status_code == 200, answer.text
    return [
        (one["what"], one["object"], one["party"], one["duty"], one["since"])
        for one in answer.json()["overdue"]
    ]


def kinds(linkage: Linkage) -> list[tuple[str, str]]:
    """Return what is overdue, and of whom."""
    return [(what, party) for what, _, party, _, _ in overdue(linkage)]


def look(broker: Broker) -> None:
    """Let a worker look at the deadlines once."""
    with Watch(broker):
        pass


def noted(linkage: Linkage) -> list[tuple[str, str, str]]:
    """Return kind, object and party of what was noted as overdue, done or not."""
    with linkage.broker.database.read() as session:
        rows = session.execute(text("SELECT what, object, party FROM alarm ORDER BY since, party"))
        return [tuple(row) for row in rows]


def move_to(linkage: Linkage, day: str, time: str) -> None:
    """Move the clock to a time in UTC."""
    clock = linkage.founded.clock
    clock.now = clock.now.fromisoformat(f"{day}T{time}+00:00")


def upload(linkage: Linkage, party: str, n_people: int = 10) -> None:
    """Let a party send its file for the open round."""
    linkage.upload(random_people(linkage.rng, n_people), party)


def witness(linkage: Linkage, party: str, role: Role = "agency") -> None:
    """Let a party's person cosign the newest checkpoint."""
    identity = linkage.person(party, role).identity
    shown = linkage.get("/v1/log/checkpoint", party, role).json()["checkpoint"]
    checkpoint, note = parse_checkpoint(shown.encode())
    signer = NoteSigner(identity.public.party, identity.keys.signing_key, COSIGNER_KEY)
    line = cosign(note.text, signer, int(linkage.founded.clock().timestamp())).line
    body = {"size": checkpoint.size, "key": signer.verifier_key.text, "line": line}
    answer = linkage.post_as("/v1/log/cosignatures", party, body, role)
    assert answer.status_code == 200, answer.text


def approve(linkage: Linkage, party: str, step: str = "run") -> None:
    """Let a party's person approve a step of the newest run."""
    now, run = linkage.founded.clock(), linkage.run()
    identity = linkage.person(party).identity
    signed = sign(
        identity,
        linkage.agreement,
        "run-approval",
        now,
        approval=f"apv-{secrets.token_hex(16)}",
        step=step,
        run=run["run"],
        specification_sha256=run["specification_sha256"],
        expires=utc_text(now.replace(year=now.year, day=28)),
        before=word_of(linkage.broker, party, linkage.agreement.project),
    )
    answer = linkage.post_as(f"/v1/runs/{run['run']}/approvals", party, signed.to_json())
    assert answer.status_code == 200, answer.text


def amend(linkage: Linkage, **changes: Any) -> None:
    """Let all parties sign the next version of the agreement."""
    roles: dict[str, Role] = {"auditor": "auditor", "operator": "operator"}
    people = [
        linkage.person(party.name, roles.get(party.kind, "agency")).identity
        for party in linkage.agreement.parties
    ]
    linkage.agreement = agreed.amend(
        linkage.broker, linkage.agreement, linkage.profile, people, **changes
    )
    linkage.terms = linkage.agreement.terms()


def with_messages(
    broker: Broker, folder: Path, *, mail: Inbox | None = None, hook: Inbox | None = None
) -> Broker:
    """Return the broker with settings that lead its messages to these inboxes."""
    given: dict[str, Any] = {}
    if mail is not None:
        (folder / "mail-password").write_text(f"{PASSWORD}\n", "utf-8")
        given |= {
            "mail_server": "localhost",
            "mail_port": mail.port,
            "mail_ca_file": mail.certificate,
            "mail_user": USER,
            "mail_password_file": folder / "mail-password",
            "mail_from": "blindlink@broker.test",
            "mail_to": ADDRESSES,
        }
    if hook is not None:
        (folder / "hook-secret").write_text(f"{SECRET}\n", "utf-8")
        given |= {
            "webhook_url": f"https://localhost:{hook.port}/overdue",
            "webhook_ca_file": hook.certificate,
            "webhook_secret_file": folder / "hook-secret",
        }
    settings = type(broker.settings)(**(broker.settings.model_dump() | given))
    return replace(broker, settings=settings)

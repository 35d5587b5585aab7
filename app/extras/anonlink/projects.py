"""Projects: who may take part, and what comes of it."""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from app.errors import RefusedError, UnavailableError
from app.extras.anonlink import repository
from app.extras.anonlink.access import new_code, project_by_result_token, reader_by_token
from app.extras.anonlink.errors import PROJECT_REFUSED
from app.extras.anonlink.json_documents import flag_of, text_of
from app.extras.anonlink.models import Party, Project
from app.extras.anonlink.service import Service, remove_project
from app.security.tokens import digest_of

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

RESULT_TYPES: Final = ("groups", "permutations", "similarity_scores")
MAX_SCHEMA_BYTES: Final = 1 << 17


def create_project(service: Service, wanted: Mapping[str, Any]) -> dict[str, Any]:
    """Create a project and return its id and tokens, which are shown this once."""
    n_parties = _parties(service, wanted)
    upload_tokens = [new_code() for _ in range(n_parties)]
    result_token = new_code()
    project = Project(
        id=new_code(),
        created=service.now(),
        result_type=wanted["result_type"],
        n_parties=n_parties,
        name=text_of(wanted, "name", PROJECT_REFUSED),
        notes=text_of(wanted, "notes", PROJECT_REFUSED),
        schema=_schema(wanted),
        uses_blocking=flag_of(wanted, "uses_blocking", PROJECT_REFUSED),
        result_digest=digest_of(result_token),
        block_key=secrets.token_bytes(32),
    )
    parties = [
        Party(project=project.id, number=number, upload_digest=digest_of(token))
        for number, token in enumerate(upload_tokens)
    ]
    service.blobs.refuse_when_full()
    with service.database.write() as session:
        if repository.count_projects(session) >= service.limits.max_projects:
            raise UnavailableError("The service holds as many projects as it may.")
        repository.insert(session, project, *parties)
        service.note(session, "project-created", project.id, n=n_parties)
    return {
        "project_id": project.id,
        "update_tokens": upload_tokens,
        "result_token": result_token,
    }


def list_projects(session: Session) -> list[dict[str, str]]:
    """Return ids and times of all projects, as the old service told everyone; neither opens anything."""
    found = repository.list_projects(session)
    return [{"project_id": one.id, "time_added": one.created} for one in found]


def describe_project(session: Session, project: str, token: str) -> dict[str, Any]:
    """Return what a project was created with, and how many parties have uploaded."""
    found, _ = reader_by_token(session, project, token)
    parties = repository.parties_of(session, found.id)
    return {
        "project_id": found.id,
        "name": found.name,
        "notes": found.notes,
        "schema": json.loads(found.schema),
        "result_type": found.result_type,
        "number_parties": found.n_parties,
        "uses_blocking": found.uses_blocking,
        "parties_contributed": sum(party.clks is not None for party in parties),
        # CLKs that are not right are refused when they come.
        "error": False,
    }


def delete_project(service: Service, project: str, token: str) -> None:
    """Destroy a project and all that is its; done when this returns."""
    with service.database.read() as session:
        project_by_result_token(session, project, token)
    remove_project(service, project, "project-deleted")


def _schema(wanted: Mapping[str, Any]) -> str:
    if not isinstance(wanted.get("schema"), dict):
        raise RefusedError(PROJECT_REFUSED, 'The project needs a "schema", which is an object.')
    schema = json.dumps(wanted["schema"], ensure_ascii=False)
    if len(schema.encode("utf-8")) > MAX_SCHEMA_BYTES:
        raise RefusedError(
            PROJECT_REFUSED, f'The "schema" may have at most {MAX_SCHEMA_BYTES:,} bytes.'
        )
    return schema


def _parties(service: Service, wanted: Mapping[str, Any]) -> int:
    if wanted.get("result_type") not in RESULT_TYPES:
        types = ", ".join(RESULT_TYPES)
        raise RefusedError(PROJECT_REFUSED, f'The "result_type" must be one of {types}.')
    n_parties = wanted.get("number_parties", 2)
    largest = service.limits.max_parties if wanted["result_type"] == "groups" else 2
    if isinstance(n_parties, bool) or not isinstance(n_parties, int) or n_parties < 2:
        raise RefusedError(PROJECT_REFUSED, 'The "number_parties" must be 2 or more.')
    if n_parties > largest:
        raise RefusedError(
            PROJECT_REFUSED,
            f'The "number_parties" may be at most {largest} with this "result_type".',
        )
    return n_parties

"""The routes of anonlink-entity-service 1.15 under `/api/v1`, but for its object store."""

from __future__ import annotations

import platform
from collections.abc import Callable
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import StreamingResponse
from starlette.concurrency import run_in_threadpool

from app.errors import RefusedError
from app.extras.anonlink import projects, repository, runs
from app.extras.anonlink.errors import CLKS_REFUSED, TOKEN_MISSING
from app.extras.anonlink.json_documents import parse_object
from app.extras.anonlink.service import Service
from app.extras.anonlink.uploads import BinaryBody, Body, Upload, json_body
from app.http.body import JSON_MEDIA_TYPE, body_chunks, read_body, require_media_type
from app.version import VERSION

router = APIRouter(prefix="/api/v1")

# A project's body holds a linkage schema.
MAX_DOCUMENT_BYTES: Final = 1 << 20
BINARY_MEDIA_TYPE: Final = "application/octet-stream"
# Handed to a thread at a time.
_FED_BYTES: Final = 1 << 18
_MAX_DIGITS: Final = 10


async def _service(request: Request) -> Service:
    service: Service = request.app.state.service
    return service


async def _token(request: Request) -> str:
    token = request.headers.get("authorization")
    if not token:
        raise RefusedError(TOKEN_MISSING, "The header Authorization with a token is missing.")
    return token


async def _document(request: Request) -> bytes:
    require_media_type(request, JSON_MEDIA_TYPE)
    return await read_body(request, MAX_DOCUMENT_BYTES)


Served = Annotated[Service, Depends(_service)]
Token = Annotated[str, Depends(_token)]
RawDocument = Annotated[bytes, Depends(_document)]


@router.get("/status")
def show_status(service: Served) -> dict[str, Any]:
    """Tell that the service works, how many projects it has, and comparisons a second of the last run."""
    with service.database.read() as session:
        n_projects = repository.count_projects(session)
    return {"status": "ok", "project_count": n_projects, "rate": service.present.rate}


@router.get("/version")
def show_version() -> dict[str, str]:
    """Tell which API this is, and which software."""
    return {
        "anonlink": f"blindlink {VERSION}",
        "entityservice": "v1.15.1",
        "python": platform.python_version(),
    }


@router.get("/projects")
def list_projects(service: Served) -> list[dict[str, str]]:
    """List the ids and times of all projects."""
    with service.database.read() as session:
        return projects.list_projects(session)


@router.post("/projects", status_code=201)
def create_project(service: Served, body: RawDocument) -> dict[str, Any]:
    """Create a project; the answer holds its tokens."""
    return projects.create_project(service, parse_object(body))


@router.get("/projects/{project}")
def describe_project(service: Served, token: Token, project: str) -> dict[str, Any]:
    """Describe a project."""
    with service.database.read() as session:
        return projects.describe_project(session, project, token)


@router.delete("/projects/{project}", status_code=204, response_class=Response)
def delete_project(service: Served, token: Token, project: str) -> None:
    """Destroy a project and all that is its."""
    projects.delete_project(service, project, token)


@router.post("/projects/{project}/clks", status_code=201)
async def upload_json(
    service: Served, token: Token, project: str, request: Request
) -> dict[str, str]:
    """Take a party's CLKs as JSON."""
    require_media_type(request, JSON_MEDIA_TYPE)
    return await _take(service, token, project, request, json_body)


@router.post("/projects/{project}/binaryclks", status_code=201)
async def upload_binary(
    service: Served, token: Token, project: str, request: Request
) -> dict[str, str]:
    """Take a party's CLKs as bytes, one after the other."""
    require_media_type(request, BINARY_MEDIA_TYPE)
    n_clks, n_bytes = _header(request, "Hash-Count"), _header(request, "Hash-Size")
    return await _take(
        service, token, project, request, lambda upload: BinaryBody(upload, n_clks, n_bytes)
    )


@router.get("/projects/{project}/runs")
def list_runs(service: Served, token: Token, project: str) -> list[dict[str, str]]:
    """List the runs of a project."""
    with service.database.read() as session:
        return runs.list_runs(session, project, token)


@router.post("/projects/{project}/runs", status_code=201)
def create_run(service: Served, token: Token, project: str, body: RawDocument) -> dict[str, Any]:
    """Queue a comparison."""
    return runs.create_run(service, project, token, parse_object(body, exact=True))


@router.get("/projects/{project}/runs/{run}")
def describe_run(service: Served, token: Token, project: str, run: str) -> dict[str, Any]:
    """Describe a run."""
    with service.database.read() as session:
        return runs.describe_run(session, project, token, run)


@router.delete("/projects/{project}/runs/{run}", status_code=204, response_class=Response)
def delete_run(service: Served, token: Token, project: str, run: str) -> None:
    """Destroy a run and its result."""
    runs.delete_run(service, project, token, run)


@router.get("/projects/{project}/runs/{run}/status")
def show_run_status(service: Served, token: Token, project: str, run: str) -> dict[str, Any]:
    """Tell how far a run has come."""
    with service.database.read() as session:
        return runs.run_status(service, session, project, token, run)


@router.get("/projects/{project}/runs/{run}/result")
def show_result(service: Served, token: Token, project: str, run: str) -> Response:
    """Give the result, or what of it this token may read."""
    pieces = runs.open_result(service, project, token, run)
    return StreamingResponse(iter(pieces), media_type=JSON_MEDIA_TYPE)


async def _take(
    service: Service,
    token: str,
    project: str,
    request: Request,
    reader: Callable[[Upload], Body],
) -> dict[str, str]:
    """Feed a body to its reader, off the event loop, and let it count once it is whole."""
    upload = await run_in_threadpool(Upload, service, project, token)
    try:
        await _feed(reader(upload), request, service.limits.max_upload_bytes)
        receipt = await run_in_threadpool(upload.commit)
    except Exception:
        await run_in_threadpool(upload.drop)
        raise
    except BaseException:
        # The server ends, and waits for nothing.
        upload.drop()
        raise
    return {"message": "Updated", "receipt_token": receipt}


async def _feed(body: Body, request: Request, max_bytes: int) -> None:
    waiting: list[bytes] = []
    size = 0
    async for chunk in body_chunks(request, max_bytes):
        waiting.append(chunk)
        size += len(chunk)
        if size >= _FED_BYTES:
            await run_in_threadpool(body.feed, b"".join(waiting))
            waiting, size = [], 0
    await run_in_threadpool(body.feed, b"".join(waiting))
    body.close()


def _header(request: Request, name: str) -> int:
    text = request.headers.get(name, "")
    # Not int() alone: it takes signs, blanks and digits of other scripts.
    if not (text.isascii() and text.isdigit() and len(text) <= _MAX_DIGITS and int(text)):
        raise RefusedError(CLKS_REFUSED, f"The header {name} must be a whole number above 0.")
    return int(text)

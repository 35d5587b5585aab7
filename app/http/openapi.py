"""The API's description: what FastAPI infers, with bodies, refusals and credentials as they really are."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

from fastapi.dependencies.models import Dependant
from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute, iter_route_contexts
from starlette.routing import BaseRoute

from app.http.access import COOKIE
from app.http.body import BodyDescription, description_of
from app.security.policy import RouteKey, Rule
from schemas.documents.problem import MEDIA_TYPE, Problem
from schemas.signing.signed_request import HEADER

REF: Final = "#/components/schemas/{model}"
_PROBLEM: Final = {
    "description": "Refused; nothing was changed.",
    "content": {MEDIA_TYPE: {"schema": {"$ref": REF.format(model="Problem")}}},
}


def _api_routes(routes: Sequence[BaseRoute]) -> Iterator[APIRoute]:
    """Yield every route that has an endpoint of ours."""
    for context in iter_route_contexts(routes):
        if isinstance(context.original_route, APIRoute):
            yield context.original_route


def route_keys(routes: Sequence[BaseRoute]) -> Iterator[RouteKey]:
    """Yield (method, path pattern) of all that these routes answer; a mount answers GET."""
    for context in iter_route_contexts(routes):
        for method in context.methods or {"GET"}:
            yield method, context.path or ""


def describe_api(
    routes: Sequence[BaseRoute],
    policy: Mapping[RouteKey, Rule],
    *,
    title: str,
    version: str,
    description: str,
) -> dict[str, Any]:
    """Return the OpenAPI document of the routes under /v1 and of health."""
    document = get_openapi(title=title, version=version, description=description, routes=routes)
    schemas: dict[str, Any] = document.setdefault("components", {}).setdefault("schemas", {})
    for unused in ("HTTPValidationError", "ValidationError"):
        schemas.pop(unused, None)
    _add_schema(schemas, Problem)
    for route in _api_routes(routes):
        for method in (route.methods or ()) if route.include_in_schema else ():
            operation = document["paths"][route.path_format][method.lower()]
            rule = policy[method, route.path]
            _describe_refusals(operation)
            _describe_credentials(operation, rule)
            _describe_body(operation, _bodies(route.dependant), schemas)
    document["components"]["securitySchemes"] = {
        "token": {"type": "http", "scheme": "bearer"},
        "session": {"type": "apiKey", "in": "cookie", "name": COOKIE},
    }
    return document


def _bodies(dependant: Dependant) -> list[BodyDescription]:
    found = [description_of(dependant.call)]
    nested = [body for child in dependant.dependencies for body in _bodies(child)]
    return [body for body in found if body is not None] + nested


def _describe_refusals(operation: dict[str, Any]) -> None:
    operation["responses"].pop("422", None)
    operation["responses"]["4XX"] = _PROBLEM
    operation["responses"]["5XX"] = _PROBLEM


def _describe_credentials(operation: dict[str, Any], rule: Rule) -> None:
    if rule.anonymous:
        operation["security"] = []
    else:
        operation["security"] = [{"session" if rule.by_session else "token": []}]
        operation["x-roles"] = sorted(rule.roles)
    if rule.is_signed:
        operation["x-signed"] = HEADER


def _describe_body(
    operation: dict[str, Any], bodies: Iterable[BodyDescription], schemas: dict[str, Any]
) -> None:
    for body in bodies:
        if body.model is None:
            schema: dict[str, Any] = {"type": "string", "format": "binary"}
        else:
            schema = {"$ref": REF.format(model=_add_schema(schemas, body.model))}
        operation["requestBody"] = {
            "required": True,
            "content": {body.media_type: {"schema": schema}},
        }


def _add_schema(schemas: dict[str, Any], model: Any) -> str:
    described = model.model_json_schema(ref_template=REF)
    schemas.update(described.pop("$defs", {}))
    schemas[model.__name__] = described
    name: str = model.__name__
    return name

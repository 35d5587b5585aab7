"""Tables of the HTTP API, a section for each route, from the application's own OpenAPI document."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

Described = Mapping[str, Any]


def reference(document: Described) -> str:
    """Return Markdown: the routes in the document's order, then the bodies by name."""
    bodies = document["components"]["schemas"]
    lines = ["## Routes", ""]
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            lines += _route(method.upper(), path, operation)
    lines += ["## Bodies", ""]
    for name in sorted(bodies):
        lines += _body(name, bodies[name])
    return "\n".join(lines)


def _route(method: str, path: str, operation: Described) -> Iterator[str]:
    yield from (f"### `{method} {path}`", "")
    yield from (_sentence(operation.get("description") or operation["summary"]), "")
    yield from ("| | |", "|---|---|")
    yield f"| who may call it | {_callers(operation)} |"
    if "x-signed" in operation:
        yield f"| signed | yes, in the header `{operation['x-signed']}` |"
    for given in operation.get("parameters", ()):
        needed = "required" if given.get("required") else "optional"
        yield f"| `{given['name']}` | {given['in']}, {_kind(given['schema'])}, {needed} |"
    if "requestBody" in operation:
        yield f"| body | {_content(operation['requestBody'])} |"
    for status, answer in operation["responses"].items():
        if status.startswith("2"):
            yield f"| answers {status} | {_content(answer)} |"
    yield "| refuses | [problem+json](api.md#refusals) |"
    yield ""


def _callers(operation: Described) -> str:
    if not operation.get("security"):
        return "anyone"
    return ", ".join(operation.get("x-roles", ()))


def _content(described: Described) -> str:
    shown = [
        f"`{kind}`: {_kind(one.get('schema', {}))}"
        for kind, one in described.get("content", {}).items()
    ]
    return "; ".join(shown) or "nothing"


def _body(name: str, body: Described) -> Iterator[str]:
    yield from (f"### {name}", "")
    if body.get("description"):
        yield from (_sentence(body["description"]), "")
    needed = set(body.get("required", ()))
    if body.get("properties"):
        yield from ("| field | kind | |", "|---|---|---|")
        for field, kind in body["properties"].items():
            yield f"| `{field}` | {_kind(kind)} | {'required' if field in needed else 'optional'} |"
    else:
        yield f"It is {_kind(body)}."
    yield ""


def _kind(schema: Described) -> str:
    """Return what a value is, in a few words; a body's name is a link to its table."""
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return f"[{name}](#{name.lower()})"
    for word in ("anyOf", "oneOf"):
        if word in schema:
            return " or ".join(dict.fromkeys(map(_kind, schema[word])))
    if "const" in schema:
        return f"`{schema['const']}`"
    if "enum" in schema:
        return "one of " + ", ".join(f"`{one}`" for one in schema["enum"])
    if schema.get("type") == "array":
        return f"list of {_kind(schema.get('items', {}))}"
    kind = str(schema.get("type", "anything"))
    return f"{kind}{_limits(schema)}"


def _limits(schema: Described) -> str:
    words = {
        "format": "{}",
        "pattern": "`{}`",
        "minLength": "at least {} long",
        "maxLength": "at most {} long",
        "minimum": "from {}",
        "maximum": "to {}",
    }
    found = [words[name].format(schema[name]) for name in words if name in schema]
    return f" ({', '.join(found)})".replace("|", "\\|") if found else ""


def _sentence(text: str) -> str:
    """Return the first paragraph of a docstring; what it calls names between backticks stays so."""
    return " ".join(text.strip().partition("\n\n")[0].split()).replace("|", "\\|")

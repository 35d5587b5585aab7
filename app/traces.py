"""Traces by OpenTelemetry, off unless the settings name a collector: how long requests and steps of runs take.

A span has a name of ours, a route's pattern, a status, a run's id, the class of an error: less than the log
has. No path, query, person, party, handle or token is in it, and nothing that a library would add by itself.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from app.errors import ConfigurationError
from app.version import VERSION

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import SpanProcessor
    from opentelemetry.sdk.trace.export import SpanExporter
    from opentelemetry.trace import Tracer

    from app.settings import Settings

# Spans that wait to be sent; what comes beyond them is dropped, so that a collector never holds anything up.
_MAX_WAITING: Final = 2048
_SEND_EACH_S: Final = 5.0
_TIMEOUT_S: Final = 5.0
# How long the process waits at its end for what it has not yet sent.
_END_S: Final = 2.0

_tracer: Tracer | None = None


@contextmanager
def tracing(settings: Settings, service: str) -> Iterator[None]:
    """Send spans to the collector of the settings, under a service's name, within the block; none: do nothing.

    Raises:
        ConfigurationError: the extra is not installed, a file cannot be read, or the environment meddles.
    """
    global _tracer  # noqa: PLW0603 - one process serves or works, and its steps know no settings
    if settings.traces_url is None:
        yield
        return
    _refuse_foreign()
    exporter = _exporter(settings)
    from opentelemetry.sdk.resources import Resource  # noqa: PLC0415 - an extra
    from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415
    from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415

    # Not Resource.create: it would add the machine's and the process's names.
    resource = Resource({"service.name": service, "service.version": VERSION})
    provider = TracerProvider(resource=resource, shutdown_on_exit=False)
    processor = BatchSpanProcessor(
        exporter,
        max_queue_size=_MAX_WAITING,
        schedule_delay_millis=_SEND_EACH_S * 1000,
        export_timeout_millis=_TIMEOUT_S * 1000,
    )
    provider.add_span_processor(processor)
    _tracer = provider.get_tracer("blindlink", VERSION)
    try:
        yield
    finally:
        _tracer = None
        _end(processor)


@contextmanager
def step(name: str, **attributes: str | int) -> Iterator[None]:
    """Make a span of the block, below the one around it in this thread; an error shows by its class."""
    if _tracer is None:
        yield
        return
    from opentelemetry.trace import Status, StatusCode  # noqa: PLC0415 - an extra

    # The library would add the error's message and traceback, which may hold values.
    with _tracer.start_as_current_span(
        name, attributes=attributes, record_exception=False, set_status_on_exception=False
    ) as span:
        try:
            yield
        except BaseException as exc:
            span.set_status(Status(StatusCode.ERROR))
            span.set_attribute("error.type", type(exc).__name__)
            raise


def note_request(method: str, route: str, status: int, seconds: float) -> None:
    """Make a span of a request that has just been answered; `route` is the path's pattern, never the path."""
    if _tracer is None:
        return
    from opentelemetry.context import Context  # noqa: PLC0415 - an extra
    from opentelemetry.trace import SpanKind, Status, StatusCode  # noqa: PLC0415

    ended = time.time_ns()
    span = _tracer.start_span(
        f"{method} {route}",
        context=Context(),
        kind=SpanKind.SERVER,
        attributes={
            "http.request.method": method,
            "http.route": route,
            "http.response.status_code": status,
        },
        start_time=ended - round(seconds * 1e9),
    )
    if status >= 500:
        span.set_status(Status(StatusCode.ERROR))
    span.end(ended)


def _refuse_foreign() -> None:
    """Refuse what the library would read besides: secrets that lie open, another collector, more in a span."""
    found = sorted(name for name in os.environ if name.startswith("OTEL_"))
    if found:
        raise ConfigurationError(
            f"the environment has {found[0]}, which the broker does not take",
            hint="unset it; traces_url, traces_ca_file and traces_headers_file say all",
        )


def _exporter(settings: Settings) -> SpanExporter:
    try:
        import requests  # noqa: PLC0415 - an extra
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import (  # noqa: PLC0415
            OTLPSpanExporter,
        )
    except ImportError as exc:
        raise ConfigurationError(
            "traces_url needs packages that are not installed here",
            hint="pip install --require-hashes --requirement requirements/traces.txt",
        ) from exc
    connections = requests.Session()
    # Neither a proxy nor a password of the environment.
    connections.trust_env = False
    ca_file = settings.traces_ca_file
    if ca_file is not None and not ca_file.is_file():
        raise ConfigurationError("the file of traces_ca_file cannot be read")
    return OTLPSpanExporter(
        endpoint=settings.traces_url,
        certificate_file=None if ca_file is None else str(ca_file),
        headers=settings.traces_headers(),
        timeout=_TIMEOUT_S,
        session=connections,
    )


def _end(processor: SpanProcessor) -> None:
    """Send what waits, but leave it where the collector takes too long."""
    ending = threading.Thread(target=processor.shutdown, name="traces-end", daemon=True)
    ending.start()
    ending.join(_END_S)

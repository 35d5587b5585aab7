"""`blindlink-audit verify`: every entry, checkpoint, pin and rule of a bundle."""

from __future__ import annotations

from typing import Any

import click

from app.auditor.options import (
    AGREEMENT_OPTION,
    EXIT_CODES,
    LogOptions,
    failures,
    log_options,
    require_broker_for,
    verified,
)
from app.auditor.verdict_words import verdict_lines
from schemas.shared.command_line import emit, json_option


@click.command("verify", epilog=EXIT_CODES)
@log_options
@click.option("--project", help="With a URL: this project's view of the log.")
@AGREEMENT_OPTION
@json_option
def verify(**given: Any) -> None:
    """Verify a bundle of the log: every entry, checkpoint, pin and rule.

    BUNDLE is a file, `-` for standard input, or the URL of the broker. Without a pin, a log that was cut
    off at its end, or written anew by someone who has its key, is not detectable.

    Example: blindlink-audit verify log.bundle --log-key log.key --pin county.pin
    """
    require_broker_for(given["project"], given["bundle"])
    with failures():
        verdict = verified(LogOptions(**given))
    emit(verdict.to_json(), verdict_lines(verdict))

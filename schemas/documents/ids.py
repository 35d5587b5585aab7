"""Names of things: one type each, so that a run's id cannot stand where a project's belongs.

Parties and projects have names that people choose and read aloud; everything else has 128 random bits.
The ids are made where randomness is allowed (broker, agency); here is only their form.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from functools import lru_cache
from typing import Annotated, NewType

from pydantic import AfterValidator, StringConstraints

Handle = NewType("Handle", bytes)
LinkId = NewType("LinkId", bytes)
MatchId = NewType("MatchId", bytes)

# What the log calls the broker's own software: no party has this name.
BROKER = "broker"

HANDLE_BYTES = 16
LINK_ID_BYTES = 16
MATCH_ID_BYTES = 16

NAME_PATTERN = r"^[a-z][a-z0-9]*(-[a-z0-9]+)*$"
SHA256_PATTERN = r"^[0-9a-f]{64}$"
TIME_PATTERN = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z$"
TIME_FORMAT = "%Y-%m-%dT%H:%M:%SZ"
DATE_PATTERN = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$"
ADDRESS_PATTERN = r"^https://[^\s/?#@]+(/[^\s/?#]+)*$"
CODE_PATTERN = r"^[a-z0-9]+([-.][a-z0-9]+)*$"
DECIMAL_PATTERN = r"^(0|[1-9][0-9]{0,3})(\.[0-9]{1,9})?$"


def utc_text(moment: datetime) -> str:
    """Return an aware moment as UtcTime, in whole seconds; two such texts compare as the moments do."""
    return moment.astimezone(UTC).strftime(TIME_FORMAT)


# A log tells the same few times again and again.
@lru_cache(maxsize=1024)
def _existing_time(text: str) -> str:
    try:
        datetime.fromisoformat(text)
    except ValueError:
        raise ValueError("there is no such day or time") from None
    return text


def _is_no_broker(name: str) -> str:
    if name == BROKER:
        raise ValueError("this name is the broker's own")
    return name


# A name is read aloud and stands in file names on every system: lower case, no dots, 2 to 40 characters.
Name = Annotated[str, StringConstraints(pattern=NAME_PATTERN, min_length=2, max_length=40)]
PartyName = Annotated[Name, AfterValidator(_is_no_broker)]
RandomId = Annotated[str, StringConstraints(pattern=r"^[a-z]{3}-[0-9a-f]{32}$")]
Sha256Hex = Annotated[str, StringConstraints(pattern=SHA256_PATTERN)]
KeyIdHex = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{16}$")]
UtcTime = Annotated[str, StringConstraints(pattern=TIME_PATTERN), AfterValidator(_existing_time)]
IsoDate = Annotated[str, StringConstraints(pattern=DATE_PATTERN), AfterValidator(_existing_time)]
DecimalText = Annotated[str, StringConstraints(pattern=DECIMAL_PATTERN)]
Code = Annotated[str, StringConstraints(pattern=CODE_PATTERN, max_length=60)]
# A log's name, as its checkpoints have it (C2SP): a plus sign would end it there.
Origin = Annotated[str, StringConstraints(pattern=r"^[!-*,-~]+$", max_length=200)]

# The three letters before a random id say what it names, so that a misplaced one is seen at a glance.
UPLOAD_PREFIX = "upl"
RUN_PREFIX = "run"
RELEASE_PREFIX = "rel"
SHARE_PREFIX = "shr"
PERSON_PREFIX = "per"
REQUEST_PREFIX = "req"
APPROVAL_PREFIX = "apv"
CERTIFICATE_PREFIX = "crt"
HOLD_PREFIX = "hld"
DELIVERY_PREFIX = "dlv"


def is_name(text: str) -> bool:
    """Tell whether `text` has the form of a party's or project's name."""
    return 2 <= len(text) <= 40 and re.fullmatch(NAME_PATTERN, text) is not None


def is_random_id(text: str, prefix: str) -> bool:
    """Tell whether `text` is a random id that names this kind of thing."""
    return re.fullmatch(rf"{prefix}-[0-9a-f]{{32}}", text) is not None

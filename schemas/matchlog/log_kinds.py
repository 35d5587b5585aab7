"""What match-log entries say of the log and its broker: started, configured, refusals, exports, new keys."""

from __future__ import annotations

from typing import Annotated, Final

from pydantic import Field, StringConstraints

from schemas.documents.document import Model
from schemas.documents.ids import Code, Name, Origin, Sha256Hex, UtcTime
from schemas.matchlog.registry import KeyText, Kind, Ordinal, register

SignatureText = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9+/=]{88}$")]


class LogStarted(Model):
    """The first entry of every log: its name, its first key, and the software that writes it."""

    origin: Origin
    key: KeyText
    software: Code


class ConfigurationChanged(Model):
    """The broker's settings are now those of this digest; `changed` names them, never their values."""

    digest: Sha256Hex
    changed: Annotated[tuple[Code, ...], Field(max_length=64)]
    software: Code


class RequestRefused(Model):
    """How many requests of a party in the project were refused for one reason in the hour from `hour` on.

    `why` is the refusal's code, `clause` the clause that it named, null where it named none.
    """

    party: Name
    why: Code
    clause: Code | None
    hour: UtcTime
    count: Ordinal


class Exported(Model):
    """The log (or a register made of it) was handed out; an export of the log ends with this."""

    what: Code


class LogKeyRotated(Model):
    """Checkpoints after this entry's batch are signed by `new`; the batch's own is still signed by `old`.

    `possession` is the new key's signature of kind `key-rotation` over {"log", "new", "old"}.
    """

    old: KeyText
    new: KeyText
    possession: SignatureText


LOG_KINDS: Final = register(
    {
        "log-started": Kind(LogStarted, in_project=False, by="broker"),
        "configuration-changed": Kind(ConfigurationChanged, in_project=False, by="broker"),
        "request-refused": Kind(
            RequestRefused, is_unbound=True, outcomes=frozenset({"refused"}), by="broker"
        ),
        "exported": Kind(Exported, in_project=None, is_unbound=True),
        "log-key-rotated": Kind(LogKeyRotated, in_project=False, by="operator"),
    }
)

"""What an amendment changes, and so who has to sign it: all with counsel, all without, or one party alone.

What counsel has signed stays whole where nobody's counsel signs anew. Spec page: `schemas/spec/agreement.md`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from datetime import date
from typing import Any, Final

from schemas.agreement.agreement import Agreement
from schemas.agreement.clauses import AgreedParty, Amends
from schemas.signing.identity import PublicIdentity

# What names a version, and not what is agreed.
_FRAME: Final = ("version", "number", "previous", "amends", "epoch")
# Clauses that parties may change without counsel, within bounds that `_practice_faults` knows.
_PRACTICE: Final = ("policy", "schedule", "limits", "start", "end", "retention")
# What of the limits they may not: rounds, for one, are how often an agency can ask about named people.
_LIMITS: Final = {
    "budget": "budget of rounds",
    "floor": "floor",
    "most_ended": "share of links that may end at once",
}


def amends_of(before: Agreement, after: Agreement) -> Amends | None:
    """Return what an amendment may say that it changes alone; None: every party signs it with counsel."""
    changed = [party.name for party in after.parties if party != before.party(party.name)]
    if len(changed) == 1:
        persons = Amends(only="persons", party=changed[0])
        return persons if _fault(before, after, persons) is None else None
    practice = Amends(only="practice", party=None)
    return practice if _fault(before, after, practice) is None else None


def opens_epoch(before: Agreement, after: Agreement) -> bool:
    """Tell whether an amendment cannot keep the secret: other encodings, or other holders of the secret."""
    return (before.profile, _holders(before)) != (after.profile, _holders(after))


def succession_fault(before: Agreement | None, after: Agreement) -> str | None:
    """Return in one sentence why an agreement cannot follow the one before; None: it can.

    Args:
        before: the last agreement that has all its signatures; None if there is none yet.
    """
    if before is None:
        return None if after.number == 1 else "a project's first agreement has the number 1"
    if (after.project, after.log) != (before.project, before.log):
        return "an amendment belongs to the same project, in the same log"
    if (after.number, after.previous) != (before.number + 1, before.digest()):
        return "an amendment names the agreement before it, and has the next number"
    fault = _epoch_fault(before, after)
    if fault is not None:
        return fault
    if after.amends is not None:
        return _fault(before, after, after.amends)
    # One at a time, so that the others still decide who takes its place.
    return "it leaves out more than one party" if len(_left_out(before, after)) > 1 else None


def stewards_before(earlier: Iterable[Agreement], party: str) -> tuple[PublicIdentity, ...] | None:
    """Return who may sign for a party: the stewards in the last version that names it; None: it is new.

    Args:
        earlier: the versions that came to bind, the newest first.
    """
    named = next((one for version in earlier if (one := version.party(party)) is not None), None)
    return None if named is None else _stewards(named)


def newcomer_fault(
    earlier: Sequence[Agreement], after: Agreement, newcomers: Collection[str]
) -> str | None:
    """Return why parties cannot sign an amendment by others than their `stewards_before`; None: they can.

    Nobody lists themselves. But of one party all stewards may be gone: the others sign for its new ones.

    Args:
        earlier: the versions that came to bind, the newest first.
        newcomers: the parties for which someone else signs.
    """
    if not newcomers:
        return None
    if after.amends is not None:
        return "new stewards can sign only an amendment that every party signs with counsel"
    for name in newcomers:
        stay = {one.person for one in stewards_before(earlier, name) or ()}
        listed = after.party(name)
        if listed is not None and any(one.person in stay for one in _stewards(listed)):
            return f"{name} still has a steward of the version before, who can sign it"
    if len({*newcomers, *_left_out(earlier[0], after)}) > 1:
        return "in one amendment, at most one party may be left out or have only new stewards"
    return None


def of_same_clauses(agreements: Iterable[Agreement]) -> Iterator[Agreement]:
    """Yield the first of an agreement's versions, and those before it from which it differs in persons alone.

    Args:
        agreements: the versions that came to bind, the newest first.
    """
    for one in agreements:
        yield one
        if one.amends is None or one.amends.only != "persons":
            return


def clauses_of(agreement: Agreement) -> dict[str, Any]:
    """Return what is agreed, as JSON: without who acts for a party, and without what names the version."""
    raw: dict[str, Any] = {
        name: value for name, value in agreement.to_json().items() if name not in _FRAME
    }
    raw["parties"] = [
        {name: value for name, value in party.items() if name not in ("persons", "holder")}
        for party in raw["parties"]
    ]
    return raw


def _epoch_fault(before: Agreement, after: Agreement) -> str | None:
    if after.epoch not in (before.epoch, before.epoch + 1):
        return "an amendment keeps the epoch, or opens the next one"
    if opens_epoch(before, after) and after.epoch == before.epoch:
        return "another encoding profile, or other holders of the secret, need the next epoch"
    return None


def _fault(before: Agreement, after: Agreement, amends: Amends) -> str | None:
    old, new = clauses_of(before), clauses_of(after)
    changed = [name for name in (*old, *new) if old.get(name) != new.get(name)]
    if amends.only == "practice":
        return next(_practice_faults(before, after, changed), None)
    others = [
        [party for party in one.parties if party.name != amends.party] for one in (before, after)
    ]
    if changed or others[0] != others[1]:
        return f"more changes than the persons of {amends.party}"
    return None


def _practice_faults(before: Agreement, after: Agreement, changed: list[str]) -> Iterator[str]:
    if before.parties != after.parties:
        yield "an amendment of practice leaves parties and persons as they are"
    for clause in changed:
        if clause not in _PRACTICE:
            yield f"the clause {clause} changes, which counsel of every party has to sign"
    if not before.terms().allows(after.policy):
        yield "the policy leaves the range that counsel of every party has signed"
    for limit, words in _LIMITS.items():
        if getattr(after.limits, limit) != getattr(before.limits, limit):
            yield f"the {words} changes, which counsel of every party has to sign"
    if after.terms().pairs != before.terms().pairs:
        yield "another agency has the larger file, which counsel of every party has to sign"
    old, new = before.retention, after.retention
    keeps_longer = (
        new.keep_encodings_days > old.keep_encodings_days
        or new.keep_links_days > old.keep_links_days
        or _days_left(after) > _days_left(before)
    )
    if keeps_longer or new.legal_hold != old.legal_hold:
        yield "something is kept longer, which counsel of every party has to sign"


def _left_out(before: Agreement, after: Agreement) -> set[str]:
    """Return the parties that are asked no more."""
    return set(before.names()) - set(after.names())


def _stewards(party: AgreedParty) -> tuple[PublicIdentity, ...]:
    return tuple(one for one in party.persons if "steward" in one.duties)


def _days_left(agreement: Agreement) -> int:
    """Return for how many days after its end something may still be there."""
    last = date.fromisoformat(agreement.retention.destroy_by)
    return (last - date.fromisoformat(agreement.end)).days


def _holders(agreement: Agreement) -> dict[str, str | None]:
    """Return the person of each agency who holds the secret, whatever keys they have by now."""
    return {party.name: party.holder for party in agreement.parties if party.kind == "agency"}

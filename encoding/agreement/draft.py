"""Makes an agreement from answers: the questionnaire's, or those of a TOML file (docs/agreement.md).

What an answer may leave out is filled in here and nowhere else, so that the signed document states it.
"""

from __future__ import annotations

import datetime
import json
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from encoding.agreement.files import read_composed
from encoding.agreement.persons import read_party
from encoding.errors import AgreementDraftError
from encoding.files import why_unread
from encoding.profiles.catalog import SHIPPED, shipped_profile, size_of
from encoding.profiles.profile_files import read_profile
from schemas.agreement.agreement import DEFAULT_FLOOR, number_fault
from schemas.agreement.amendment import amends_of, opens_epoch, succession_fault
from schemas.agreement.clauses import MOST_ENDED, MOST_WITHOUT_CONSENT
from schemas.agreement.negotiation import AgreementProposal
from schemas.linkage.fields import NUMBER_INPUTS, NUMBER_KINDS, NumberKind
from schemas.linkage.privacy_audit import proposed_limits
from schemas.linkage.profile import EncodingProfile
from schemas.linkage.run import MOST_PAIRS, RECOMMENDED_POLICY
from schemas.shared.written_answers import composed
from schemas.signing.identity import PublicIdentity

DEFAULT_LIMITS: Final = {"budget": None, "floor": DEFAULT_FLOOR, "most_ended": MOST_ENDED}
# Clauses that an answer may leave out as a whole, and what stands there then.
_DEFAULT_CLAUSES: Final[Mapping[str, Any]] = {
    "paper": None,
    "elements": [],
    "policy_range": None,
    "schedule": {"frequency": "on-request"},
    "finality": {"cosigners": 0, "delays_release": False},
    "review": None,
}
# Fields within a clause that may be left out.
_DEFAULT_FIELDS: Final[Mapping[str, Mapping[str, Any]]] = {
    "paper": {"sha256": None},
    "population": {"max_age_days": None, "max_gap_days": None},
    "schedule": {"frequency": "on-request", "due": None, "round_days": 7, "note": None},
    "limits": DEFAULT_LIMITS,
    "retention": {"legal_hold": None},
    "review": {"persons": 1, "bucket": 20, "days": 14, "consent": None},
    "approvals": {"asker_suffices": False, "releases": False},
}


def read_answers(path: Path) -> dict[str, Any]:
    """Return the answers of a TOML file; dates become text, and paths start from the file's folder.

    Raises:
        AgreementDraftError: it is missing, or not TOML.
    """
    try:
        # A decimal is kept as it is written: signed JSON has no fractions.
        raw = tomllib.loads(path.read_text(encoding="utf-8-sig"), parse_float=str)
    except (OSError, UnicodeDecodeError) as exc:
        otherwise = f"the answers {path} cannot be read as UTF-8 text"
        raise AgreementDraftError(why_unread(exc, path, otherwise)) from exc
    except tomllib.TOMLDecodeError as exc:
        raise AgreementDraftError(f"the answers {path} are not TOML: {exc}") from exc
    answers: dict[str, Any] = json.loads(json.dumps(raw, default=_date_text))
    return answers


def draft_agreement(
    answers: Mapping[str, Any],
    folder: Path,
    before: AgreementProposal | None = None,
    enrolled: Sequence[PublicIdentity] = (),
) -> AgreementProposal:
    """Return the agreement that the answers make.

    Args:
        answers: clauses by name; parties may list `identities`, files or IDs of persons, in place of `persons`.
        folder: where relative paths start.
        enrolled: the persons whom the broker shows, where a party has not listed all of its own in files.
        before: the agreement that this one amends: a clause that is not answered stays as it is there.
    Raises:
        AgreementDraftError: an answer is missing or impossible; names the field.
    """
    raw: dict[str, Any] = composed(dict(answers))
    profile = _profile(raw, folder, before)
    if before is None:
        _fill_in(raw)
        frame: dict[str, Any] = {"number": 1, "previous": None, "epoch": 1}
    else:
        _carry_over(raw, before.agreement.to_json())
        frame = {"number": before.agreement.number + 1, "previous": before.agreement.digest()}
    raw |= frame
    raw["profile"] = profile.digest()
    raw["parties"] = [read_party(party, folder, enrolled) for party in _tables(raw, "parties")]
    raw["policy"] = _table(raw, "policy") | _room_for_pairs(raw, answers, profile)
    _settle_privacy(raw, profile, before)
    _settle_number(raw)
    _put_in_order(raw)
    asks_new_secret = bool(raw.pop("new_secret", False))
    asks_counsel = bool(raw.pop("counsel", False))
    raw.pop("amends", None)
    agreement = read_composed(raw | {"epoch": 1 if before is None else before.agreement.epoch})
    if before is not None:
        opens = asks_new_secret or opens_epoch(before.agreement, agreement)
        raw["epoch"] = before.agreement.epoch + int(opens)
        amends = None if asks_counsel else amends_of(before.agreement, agreement)
        agreement = read_composed(raw if amends is None else raw | {"amends": amends.model_dump()})
    fault = succession_fault(None if before is None else before.agreement, agreement)
    fault = fault or number_fault(agreement, profile)
    if fault is not None:
        raise AgreementDraftError(fault)
    return AgreementProposal(agreement=agreement, profile=profile)


def _profile(
    raw: dict[str, Any], folder: Path, before: AgreementProposal | None
) -> EncodingProfile:
    given, zip_code = raw.pop("profile", None), raw.pop("zip", None)
    if given is None:
        for name, is_given in (
            ("zip", zip_code is not None),
            ("known_number", "known_number" in raw),
        ):
            if is_given:
                raise AgreementDraftError(
                    f"the answer {name} needs the answer profile, such as children"
                )
        if before is None:
            raise AgreementDraftError("the answers name no encoding profile, such as children")
        return before.profile
    # A shipped name stays a name; anything else is a file.
    path = folder / str(given)
    if not path.exists() and str(given) in SHIPPED:
        size = size_of(_most_records(raw, before))
        return shipped_profile(
            str(given),
            size=size,
            zip_code=zip_code is not False,
            number=_number_kind(raw, before),
        )
    if zip_code is not None:
        raise AgreementDraftError(
            f"the answer zip is for a shipped profile: {' or '.join(SHIPPED)}",
            hint="a profile in a file already says whether ZIP codes are compared",
        )
    return read_profile(str(path) if path.exists() else str(given))


def _number_kind(raw: Mapping[str, Any], before: AgreementProposal | None) -> NumberKind | None:
    """Return the known number that the answers ask for; what is not answered stays as it was."""
    if "known_number" not in raw:
        kept = None if before is None else before.agreement.known_number
        return None if kept is None else kept.kind
    if raw["known_number"] is False:
        return None
    kind = _table(raw, "known_number").get("kind")
    if kind not in NUMBER_KINDS:
        raise AgreementDraftError(f"the kind of a known number is {', '.join(NUMBER_KINDS)}")
    found: NumberKind = kind
    return found


def _settle_number(raw: dict[str, Any]) -> None:
    """Leave the clause out where there is no number, and list its column among those that are encoded."""
    number = raw.get("known_number")
    if not isinstance(number, dict):
        raw.pop("known_number", None)
        return
    raw["known_number"] = {"basis": None, "citation": None, **number}
    kind = number.get("kind")
    listed = {(one.get("name"), one.get("use")) for one in _tables(raw, "elements")}
    if kind in NUMBER_KINDS and (NUMBER_INPUTS[kind], "encoded") not in listed:
        column = NUMBER_INPUTS[kind]
        parties = _tables(raw, "parties")
        agencies = sorted(str(one.get("name")) for one in parties if one.get("kind") == "agency")
        more = [{"party": party, "name": column, "use": "encoded"} for party in agencies]
        raw["elements"] = [*_tables(raw, "elements"), *more]


def _most_records(raw: Mapping[str, Any], before: AgreementProposal | None) -> int:
    """Return how many records the largest file may have, as far as the answers can be read yet."""
    given = _sizes(raw)
    if not given and before is not None:
        given = [file.most for file in before.agreement.limits.files]
    return max(given, default=0)


def _sizes(raw: Mapping[str, Any]) -> list[int]:
    """Return how many records each file may have at most, of those of which that can be read."""
    limits = raw.get("limits")
    files = _tables(limits, "files") if isinstance(limits, dict) else []
    return [file["most"] for file in files if isinstance(file.get("most"), int)]


def _settle_privacy(
    raw: Mapping[str, Any], profile: EncodingProfile, before: AgreementProposal | None
) -> None:
    """Fill in limits of the privacy audit: those before, or else by the size of the files."""
    limits = raw.get("limits")
    if not isinstance(limits, dict):
        return
    files = [
        (file["most"], file["least"])
        for file in _tables(limits, "files")
        if isinstance(file.get("most"), int) and isinstance(file.get("least"), int)
    ]
    # Of several pairs the largest of the smaller files: its goals are the widest.
    most, least = sorted(files)[-2] if len(files) > 1 else (0, 0)
    kept = (
        proposed_limits(profile.block_cap, least, most)
        if before is None
        else before.agreement.limits.privacy
    )
    given = limits.get("privacy")
    answered = (
        {name: str(value) for name, value in given.items()} if isinstance(given, dict) else {}
    )
    limits["privacy"] = kept.model_dump(mode="json") | answered


def _room_for_pairs(
    raw: Mapping[str, Any], answers: Mapping[str, Any], profile: EncodingProfile
) -> dict[str, int]:
    """Return the pairs that a run may find, if they are not answered and files as large as these find more."""
    policy, sizes = answers.get("policy"), sorted(_sizes(raw))
    is_answered = isinstance(policy, dict) and "max_pairs" in policy
    if is_answered or "limits" not in answers or len(sizes) < 2:
        return {}
    # Each row of a pair's smaller file meets one of the larger file at most.
    most = min(sizes[-2] * profile.rows("smaller"), MOST_PAIRS)
    known = _table(raw, "policy").get("max_pairs")
    return {"max_pairs": most} if isinstance(known, int) and known < most else {}


def _fill_in(raw: dict[str, Any]) -> None:
    agencies = sorted(
        str(party.get("name")) for party in _tables(raw, "parties") if party.get("kind") == "agency"
    )
    for clause, value in _DEFAULT_CLAUSES.items():
        raw.setdefault(clause, value)
    raw.setdefault("limits", {})
    raw["no_reidentification"] = True
    raw["policy"] = {**RECOMMENDED_POLICY.to_json(), **_numbers_as_text(_table(raw, "policy"))}
    raw["approvals"] = {"runs": "each", "parties": agencies, **_table(raw, "approvals")}
    _fill_in_clauses(raw, [])


def _fill_in_clauses(raw: dict[str, Any], spaces: Sequence[dict[str, Any]]) -> None:
    """Fill in what an answered clause may leave out; `spaces` are those of the agreement before."""
    for clause, fields in _DEFAULT_FIELDS.items():
        if isinstance(raw.get(clause), dict):
            raw[clause] = {**fields, **raw[clause]}
    if isinstance(raw.get("review"), dict):
        raw["review"] = _allowance(_sizes(raw), raw["limits"]) | raw["review"]
    recipients = _tables(raw, "recipients")
    for recipient in recipients:
        recipient.setdefault("mode", "linked")
        recipient.setdefault("space", recipient.get("party"))
        recipient.setdefault("onward", None)
    for direction in _tables(raw, "directions"):
        direction.setdefault("citation", None)
    known = {space["name"]: space for space in spaces}
    used = sorted({str(r.get("space")) for r in recipients})
    named = [known.get(name, {"name": name}) for name in used]
    raw["spaces"] = [
        {"lifetime": "lasting", **space} for space in (_tables(raw, "spaces") or named)
    ]


def _allowance(sizes: Sequence[int], limits: Mapping[str, Any]) -> dict[str, int]:
    """Return how many questions are proposed: a twentieth of the smallest file at first, then of that a week.

    No more than counsel need not consent to, and a week's at least as many as the log counts for a round.
    """
    first = min(MOST_WITHOUT_CONSENT, max(20, min(sizes, default=0) // 20))
    floor = limits.get("floor")
    weekly = max(5, first // 20, floor if isinstance(floor, int) else 0)
    return {"first": max(first, weekly), "weekly": weekly}


def _carry_over(raw: dict[str, Any], before: dict[str, Any]) -> None:
    """Take what is not answered from the agreement before; a clause of fields field by field."""
    parties = {party["name"]: party for party in before["parties"]}
    for party in _tables(raw, "parties"):
        for name, value in parties.get(str(party.get("name")), {}).items():
            if name not in ("persons", "holder") or "identities" not in party:
                party.setdefault(name, value)
    _carry_rows(_tables(raw, "recipients"), before["recipients"], ("party",))
    # Another basis has another citation.
    _carry_rows(_tables(raw, "directions"), before["directions"], ("giver", "receiver", "basis"))
    if isinstance(raw.get("policy"), dict):
        raw["policy"] = _numbers_as_text(raw["policy"])
    # With other recipients, there may be other spaces.
    kept = before if "recipients" not in raw else before | {"spaces": []}
    for clause, value in kept.items():
        if isinstance(value, dict) and isinstance(raw.get(clause), dict):
            raw[clause] = {**value, **raw[clause]}
        raw.setdefault(clause, value)
    _fill_in_clauses(raw, before["spaces"])


def _carry_rows(
    rows: Sequence[dict[str, Any]], before: Sequence[dict[str, Any]], names: Sequence[str]
) -> None:
    """Take what rows leave out from those before that have the same values under these names."""
    known = {tuple(row[name] for name in names): row for row in before}
    for row in rows:
        for name, value in known.get(tuple(row.get(name) for name in names), {}).items():
            row.setdefault(name, value)


def _put_in_order(raw: dict[str, Any]) -> None:
    orders = {
        "parties": ("name",),
        "recipients": ("party",),
        "directions": ("giver", "receiver"),
        "spaces": ("name",),
    }
    limits = raw.get("limits")
    if isinstance(limits, dict):
        # TOML reads 0 and 1 as whole numbers.
        if type(limits.get("most_ended")) is int:
            limits["most_ended"] = str(limits["most_ended"])
        limits["files"] = sorted(_tables(limits, "files"), key=lambda file: str(file.get("party")))
    for clause, names in orders.items():

        def place(row: dict[str, Any], names: tuple[str, ...] = names) -> list[str]:
            return [str(row.get(name)) for name in names]

        raw[clause] = sorted(_tables(raw, clause), key=place)


def _tables(raw: Mapping[str, Any], clause: str) -> list[dict[str, Any]]:
    found = raw.get(clause, [])
    if not isinstance(found, list) or not all(isinstance(row, dict) for row in found):
        raise AgreementDraftError(f"the answer {clause} is a list of tables: [[{clause}]]")
    return found


def _table(raw: Mapping[str, Any], clause: str) -> dict[str, Any]:
    found = raw.get(clause, {})
    if not isinstance(found, dict):
        raise AgreementDraftError(f"the answer {clause} is a table: [{clause}]")
    return found


def _numbers_as_text(policy: dict[str, Any]) -> dict[str, Any]:
    """Return the policy with 0 and 1, which TOML reads as whole numbers, as the decimal texts that they are."""
    texts: dict[str, Any] = {
        name: str(policy[name])
        for name in ("auto", "review", "prior_matches")
        if isinstance(policy.get(name), int)
    }
    rate = policy.get("link_rate")
    if isinstance(rate, dict):
        texts["link_rate"] = {name: str(value) for name, value in rate.items()}
    return {**policy, **texts}


def _date_text(value: object) -> str:
    if isinstance(value, datetime.datetime | datetime.time):
        raise AgreementDraftError("an answer has a time of day where there should be a date")
    return str(value)

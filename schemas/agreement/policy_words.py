"""What a matching policy means, in plain sentences: how pairs are linked, sent to review, and counted as
wrong.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from typing import Final

from schemas.agreement.clause_words import NUMBER_WORDS
from schemas.agreement.clauses import PolicyRange
from schemas.linkage.link_quality import TELLING_FIELDS
from schemas.linkage.profile import EncodingProfile
from schemas.linkage.run import LinkRate, MatchingPolicy

ZIP_FIELD: Final = "zip"
ONE_TO_ONE: Final = "In one round, a record is linked with at most one record of each other agency."


def policy_sentences(policy: MatchingPolicy) -> Iterator[str]:
    """Yield what happens to a pair of records, and when a run releases nothing."""
    yield linked_sentence(policy)
    yield review_sentence(policy)
    yield lead_sentence(policy)
    yield twin_sentence(policy)
    yield (
        f"A run starts from the expectation that {percent(policy.prior_matches)} of the smaller file's "
        "records have "
        "a match, and corrects that by what it finds."
    )
    yield link_rate_sentence(policy.link_rate)
    yield f"A run that finds more than {policy.max_pairs:,} pairs to compare ends without a result."
    yield ONE_TO_ONE


def linked_sentence(policy: MatchingPolicy) -> str:
    """Return from which probability a pair is linked, and how many such links are expected to be wrong."""
    wrong = most_wrong_of_1000(policy.auto)
    return (
        f"A pair of records is linked without review when its match probability is {policy.auto} or more. Of "
        "1,000 "
        f"links made so, at most {wrong} are expected to be wrong. Each run states its own expected number."
    )


def most_wrong_of_1000(auto: str) -> str:
    """Return how many of 1,000 pairs are expected to be wrong at most, if each has this probability or more."""
    exact = 1000 * (1 - Fraction(auto))
    return f"{float(exact):,.3f}".rstrip("0").rstrip(".") if exact.denominator > 1 else f"{exact}"


def review_sentence(policy: MatchingPolicy) -> str:
    """Return which pairs are sent to clerical review."""
    if Fraction(policy.review) == Fraction(policy.auto):
        return (
            "A less likely pair is not linked. Pairs that are sent to review for another reason wait for "
            "clerical review."
        )
    return (
        f"A pair of probability {policy.review} or more, but below {policy.auto}, is sent to clerical "
        "review: it is not released until a person decides."
    )


def lead_sentence(policy: MatchingPolicy) -> str:
    """Return how far a linked pair is ahead of the best other pair of its records."""
    if policy.lead == 1:
        return (
            "Of two pairs that share a record, the likelier one counts; no minimum lead is required. "
            "Pairs that are equally likely are sent to clerical review."
        )
    return (
        f"A linked pair is at least {policy.lead:,} times as likely as the best other pair of either of its "
        "records. "
        "Otherwise it is sent to clerical review."
    )


def twin_sentence(policy: MatchingPolicy) -> str:
    """Return what happens to a pair that twins would explain as well."""
    if policy.twin_guard:
        return "A pair that twins would explain as well is sent to clerical review."
    return "Match probabilities allow for twins; no pair is sent to review on their account alone."


def link_rate_sentence(rate: LinkRate) -> str:
    """Return outside of which share of the smaller file a run releases nothing."""
    if Fraction(rate.least) == 0 and Fraction(rate.most) == 1:
        return "Any share of the smaller file's records may be linked."
    bounds = [
        f"fewer than {percent(rate.least)}" if Fraction(rate.least) > 0 else "",
        f"more than {percent(rate.most)}" if Fraction(rate.most) < 1 else "",
    ]
    outside = " or ".join(bound for bound in bounds if bound)
    return f"A run that links {outside} of the smaller file's records releases nothing."


def range_sentence(choice: PolicyRange) -> str:
    """Return how far a run may depart from the policy."""
    return (
        f"A run may use probabilities from {choice.auto_from} to {choice.auto_to} for linking and from "
        f"{choice.review_from} to {choice.review_to} for review."
    )


def zip_sentence(profile: EncodingProfile) -> str:
    """Return whether the profile compares ZIP codes."""
    if any(field.name == ZIP_FIELD for field in profile.fields):
        return "ZIP codes are compared, and help to bring records together."
    return "ZIP codes are not compared."


def compared_sentence(profile: EncodingProfile) -> str:
    """Return what of two records must be there before they are linked or asked about."""
    there = {field.name for field in profile.fields}
    if not there.issuperset(TELLING_FIELDS):
        return (
            "WARNING: the profile does not have the fields first-name, surname and birth-date. What it lacks "
            "of them is not required of two records that are linked or shown to a reviewer, so that an agency "
            "may look people up by less."
        )
    number = NUMBER_WORDS.get(str(profile.number_kind))
    instead = "" if number is None else f" {number} that agree take the place of one of the three."
    return (
        "Two records that were not linked before are linked, or shown to a reviewer, only if both have a first "
        f"name, a last name and a date of birth, and these are compared.{instead}"
    )


def number_sentence(profile: EncodingProfile) -> str:
    """Return what is done with a known number, and nothing where the profile takes none."""
    words = NUMBER_WORDS.get(str(profile.number_kind))
    if words is None:
        return ""
    return (
        f"{words} are compared, and bring records together. Two records that share one are linked by a person "
        "only, if neither the year nor the day and month of birth agree, or if the encodings of their first "
        "names are as far apart as those of most names that have nothing in common. What several records of "
        "a file share counts for none of them."
    )


def percent(share: str) -> str:
    """Return a share, such as 0.05, as a person reads it: 5%."""
    return f"{float(100 * Fraction(share)):,.4f}".rstrip("0").rstrip(".") + "%"

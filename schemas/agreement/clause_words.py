"""Words for what a clause chooses from: legal bases, modes of release, kinds of parties, lifetimes."""

from __future__ import annotations

from typing import Final

BASIS_WORDS: Final = {
    "ferpa-child-welfare": "20 U.S.C. 1232g(b)(1)(L), a foster child's records to the agency responsible",
    "ferpa-audit-evaluation": "34 CFR 99.31(a)(3) and 99.35, audit or evaluation by a representative",
    "ferpa-studies": "34 CFR 99.31(a)(6), studies for or on behalf of an education agency",
    "consent": "consent of the person, or of who may give it",
    "court-order": "a court's order",
    "other": "another law",
}
NUMBER_WORDS: Final = {
    "student-id": "Student IDs",
    "case-number": "Case numbers",
    "ssn": "Social Security numbers",
}
SSN_WARNING: Final = (
    "WARNING: Social Security numbers are encoded. Section 7 of the Privacy Act (5 U.S.C. 552a note) and state "
    "law say who may use and disclose them, and for what. There are so few that anyone who has the secret and "
    "the encodings can try them all. Agree on this only where a law is cited, and where nothing else will do."
)
MODE_WORDS: Final = {
    "linked": "match IDs of its own records that have a match, from which it keeps link IDs",
    "blind": "match IDs of all records, sealed to it, without showing an agency which have a match",
    "count": "the number of matches, and no match ID",
    "none": "nothing",
}
KIND_WORDS: Final = {
    "agency": "agency that uploads records",
    "recipient": "recipient",
    "auditor": "auditor",
    "operator": "operator of the broker",
}
LIFETIME_WORDS: Final = {
    "round": "new in each round",
    "lasting": "the same from round to round",
}

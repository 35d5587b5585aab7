"""The notice to families in English."""

from __future__ import annotations

from types import MappingProxyType
from typing import Final

from encoding.agreement.family_words import FamilyWords

ENGLISH: Final = FamilyWords(
    language="en",
    months=(
        "January",
        "February",
        "March",
        "April",
        "May",
        "June",
        "July",
        "August",
        "September",
        "October",
        "November",
        "December",
    ),
    day="{month} {day}, {year}",
    joined=" and ",
    n_days=("1 day", "{n:,} days"),
    quoted="“{text}”",
    columns=MappingProxyType(
        {
            "first_name": "first name",
            "middle_name": "middle name",
            "middle_initial": "first letter of the middle name",
            "last_name": "last name",
            "other_names": "other names",
            "suffix": "name suffix",
            "birth_date": "date of birth",
            "sex": "sex",
            "zip": "ZIP code",
            "student_id": "student ID",
            "case_number": "case number",
            "ssn": "Social Security number",
            "school": "school",
            "district": "school district",
            "grade": "grade",
            "matched_before": "matches made before",
        }
    ),
    frequencies=MappingProxyType(
        {
            "once": "once",
            "on-request": "when an agency asks for it",
            "daily": "every day",
            "weekly": "every week",
            "monthly": "every month",
            "quarterly": "every three months",
            "yearly": "every year",
        }
    ),
    bases=MappingProxyType(
        {
            "ferpa-child-welfare": (
                "a federal law on school records of foster children, 20 U.S.C. 1232g(b)(1)(L)"
            ),
            "ferpa-audit-evaluation": (
                "federal rules on checks of school programs, 34 CFR 99.31(a)(3) and 99.35"
            ),
            "ferpa-studies": "federal rules on studies for schools, 34 CFR 99.31(a)(6)",
            "consent": "the consent of the person, or of someone who may give it",
            "court-order": "a court order",
            "other": "another law",
        }
    ),
    opens=MappingProxyType(
        {
            "purpose": "say why in plain words",
            "population": "say in plain words whose records these are",
            "columns": "say in plain words what this is",
            "onward": "say in plain words who this is",
            "citation": "check this law, and say in plain words what it is about",
            "legal-hold": "say in plain words what this order is",
            "school-staff": "list the jobs of the people at a school who may see it",
            "sensitive": "say what a match can tell about a child, and who may see it",
            "objection": "say who can object, under which law, how, by when, and if the agency has to agree",
            "contact": "give an office, phone, email and hours for families",
            "interpreter": "say how to get an interpreter, and if it is free",
        }
    ),
    school_agency="the school agency",
    welfare_agency="the child welfare agency",
    operator="the matching office",
    known_as="{title} ({known_as})",
    for_counsel="For counsel",
    draft="Draft. Marked places: {n}. Counsel fills in or checks each one before this goes to families.",
    title="Your child's records: a notice to families",
    lead=(
        "For parents, guardians and older youth: what is done with some records, why, who sees what, "
        "and whom to call."
    ),
    your_child="“Your child” can also be a child in your care, such as in your foster home.",
    of_age="If you are 18 or older, this page is about your own records.",
    what="What is done",
    linked=(
        "These agencies keep records: {agencies}. They find out which of their records are about the "
        "same person. This is called record linkage."
    ),
    alone="{agencies} keeps records, and has them compared.",
    people="These are the people it is about: {definition}",
    compared="This is compared: {columns}.",
    when="It is done {frequency}. It starts on {start} and ends on {end}.",
    why="Why it is done",
    reason="The agencies agreed on this purpose: {purpose}",
    promise=(
        "All who take part have promised not to use the codes, or the matches, to find out who a "
        "person is. They have also promised not to let others try."
    ),
    protection="How names are protected",
    coded=(
        "Each agency turns names, dates of birth and the rest into codes on its own computer. It does"
        " so with a secret key. Only the agencies have the key. {Operator} compares the codes. It "
        "gets no name and no key."
    ),
    comparer="{Operator} is {title}.",
    patterns=(
        "It sees how many records there are. It sees which codes are alike, and how much. By such "
        "patterns, a person with a list of likely people could name a few children."
    ),
    not_anonymous=(
        "So codes are still private data about your child. They do not fully hide who a child is. A "
        "person who has the codes and the key could guess whose they are. So the key must never go to"
        " {operator}."
    ),
    mistakes="A match can be wrong. A match can also be missed.",
    reviewed="If a match is not clear, staff of {reviewer} look at the records and decide.",
    card=(
        "For this they may see from {giver}: {columns}. They may see this of a child who turns out to"
        " have no match."
    ),
    who="Who sees what",
    receives="{Receiver} learns which of its own records have a match at {others}.",
    blind=(
        "{Receiver} learns which rows that it gets are about one person. The agencies do not learn "
        "from this which records have a match."
    ),
    counted="{Receiver} learns only how many matches there are.",
    counted_from="{Receiver} learns only how many matches there are. It does not learn a number below {floor}.",
    onward="{Receiver} may pass on what it gets to these people, and to no one else: {onward}",
    no_onward="{Receiver} may not pass on what it gets.",
    handed_over="With a match, {giver} may give {receiver} this as well: {columns}.",
    audited="{Title} checks the log of what was done. No child is named in that log.",
    tabulated="Anyone may see tables of how many children have a match, by this: {columns}.",
    tabulated_from=(
        "Anyone may see tables of how many children have a match, by this: {columns}. They show no number"
        " below {floor}."
    ),
    membership=(
        "An agency that knows a child by name can put that name in its file. It can then learn if the"
        " other agency has a record of that child. The agreement sets limits on this. It cannot rule "
        "it out."
    ),
    sensitive="A match can say something private about a child: {sensitive}",
    foster_care=(
        "A match can show {school_agency} that a child is in foster care. That is private. It must be"
        " shared only with those who may know it by this agreement and by law."
    ),
    school_staff="At a school, these people may see that a child is in foster care: {school_staff}",
    how_long="How long it is kept",
    codes_kept="The codes are destroyed {n_days} after they are sent.",
    matches_kept="{Operator} keeps the list of matches for {n_days}.",
    broker_end="By {day} {operator} has no codes and no matches left.",
    receiver_end=(
        "All who got matches must destroy their lists by that day, and sign that they did. {Operator}"
        " cannot do this for them."
    ),
    log_kept="A log of what was done is kept. It holds no data of a person whose record had a match.",
    held="For now, nothing is destroyed, because of this order: {legal_hold}",
    law="Which laws apply",
    paper="It carries out the data sharing agreement {number} of {day}.",
    signed="All who take part must first sign an agreement. Without it, nothing is compared.",
    disclosed="From {giver} to {receiver}: {basis}.",
    number_basis="To compare the {number}: {basis}.",
    rights="What you can ask for",
    ask=(
        "You can ask what was shared about your child. Each agency can look up what was shared of its"
        " own records."
    ),
    wrong="You can say that a match is wrong. The agency can look at it, and can end it.",
    left_out=(
        "You can ask that your child's record be left out. The agency can leave it out from then on. "
        "It cannot take back what others got before."
    ),
    objection="Who can object, and how: {objection}",
    call="Whom to call",
    contact="{title}: {contact}",
    interpreter="Help in your language: {interpreter}",
    source=(
        "Made from agreement {number} of the project {project}, with the fingerprint {fingerprint}. "
        "If this page and the agreement differ, the agreement counts."
    ),
)

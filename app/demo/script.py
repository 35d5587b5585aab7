"""What a demo types, as a reader would: commands by part, folder and person, and the files they begin from.

In a part, what stands between two blank lines is typed at once in each folder, and in order within one. A line
with `>` behind it keeps what the command says under that name, with `&` it goes on until the end, and with
`?` it may say that the other agency has yet to do its part. Words with a `$` are known when they are typed.
"""

from __future__ import annotations

from typing import Final

PEOPLE: Final = {"broker": "Eve", "child-welfare": "Ann", "k12": "Bob", "auditor": "Ida"}
# In which folders, and what for; below it what is typed.
SCRIPT: Final = """
= set up a broker, and invent two agencies' files of people
broker: set up the broker
  blindlink-broker --state state init --self-signed --port $port --public-url $url --operator data-center \
--title 'State Data Center' > log-key
broker: open the project, and invite everyone
  blindlink-broker --state state open --from parties.toml
.: create sample files for two agencies
  blindlink synth people --children $children --students $students --overlap 0.6 --seed $seed

broker: let the broker serve
  blindlink-broker --state state serve &
broker: let it work
  blindlink-broker --state state work &

= make everyone's keys, and compare their fingerprints
broker: make keys
  blindlink start invitations/data-center-eve.invitation --key-file identity.key > eve
child-welfare: make keys
  blindlink start ../broker/invitations/child-welfare-ann.invitation --key-file identity.key > ann
k12: make keys
  blindlink start ../broker/invitations/k12-bob.invitation --key-file identity.key > bob
auditor: make keys
  blindlink start ../broker/invitations/state-auditor-ida.invitation --key-file identity.key > ida

broker: compare the fingerprint that each has read to her
  blindlink-broker --state state person confirm $identities $fingerprints

= draft and sign the agreement
child-welfare: draft the agreement, and print it for counsel
  blindlink agreement draft --from answers.toml -o agreement.json --html agreement.html > agreement
child-welfare: sign it
  blindlink agreement sign agreement.json --fingerprint $agreement --keys-compared $counsel

k12, auditor, broker: sign the agreement
  blindlink agreement sign --fingerprint $agreement --keys-compared $counsel

child-welfare, k12: approve runs in advance
  blindlink approve --standing --until $end --runs 10 --yes
child-welfare: say where the file is
  blindlink init --file ../people/child_welfare.csv --encoding cp1252 --preset rehearsal-child-welfare \
--population school-age --as-of today --share district,school,grade
k12: say where the file is
  blindlink init --file ../people/k12.csv --encoding utf-8 --preset rehearsal-k12 --population school-age \
--as-of today --share district,school,grade

= make the secret that the broker never has
child-welfare, k12: give a part
  blindlink secret share

child-welfare, k12: make the secret
  blindlink secret accept

child-welfare, k12: see that the other has made it, too
  blindlink secret accept
child-welfare, k12: get ready for rounds
  blindlink round --ready

= test, encode and upload both files
child-welfare, k12: encode the file
  blindlink encode
child-welfare, k12: upload
  blindlink upload

= compare the encodings, and agree on link IDs
child-welfare: await the run
  blindlink round --wait --json > run

child-welfare, k12: agree on link IDs
  blindlink links ?

child-welfare, k12: agree on link IDs, once the other's claims are there
  blindlink links ?

= decide the pairs that were sent to review
.: measure the links of the run against the truth
  blindlink evaluate --left child-welfare/links.csv --right k12/links.csv --truth people/truth.csv \
--json > of-run
k12: seal cards for the reviewer
  blindlink review --answer

child-welfare: list the pairs that were sent to review
  blindlink review --export pairs.csv
child-welfare: take her decisions from that file
  blindlink review --import $decided
child-welfare: send them, and be done
  blindlink review --finish

child-welfare, k12: agree on the accepted pairs
  blindlink links ?

child-welfare, k12: agree on the accepted pairs, once the other's claims are there
  blindlink links ?

= deliver school columns, and verify the match log
k12: deliver school columns
  blindlink deliver child-welfare
.: measure all links as released
  blindlink evaluate --left child-welfare/links.csv --right k12/links.csv --truth people/truth.csv \
--json > released

child-welfare: attach them to her rows
  blindlink attach k12
auditor: sign in
  blindlink people sign-in --token auditor.token

auditor: keep the match log, and verify it offline
  blindlink-audit verify $url --project foster-pupils --token-file auditor.token \
--ca-file ../broker/state/tls/broker.crt -o log.bundle --log-key $log-key $pins > verdict.txt
"""
PAGES: Final = """
broker: make a link to the pages
  blindlink-broker --state state page-link --url $url > operator
auditor: make a link to the pages
  blindlink people sign-in > auditor
"""
# By the names of the recipe: what a card shows of a pupil to the person who reviews a pair.
SHOWN_COLUMNS: Final = (
    *("first_name", "middle_name", "last_name", "alias_first", "alias_last"),
    *("birth_date", "sex"),
)
PARTIES: Final = """\
# Who takes part in the linkage; `blindlink-broker open --template` explains it.
project = "foster-pupils"
parties = [
    { name = "data-center", title = "State Data Center", role = "operator", people = [
        { label = "Eve", duties = ["operator", "steward"] },
    ] },
    { name = "child-welfare", title = "County Child Welfare", role = "agency", people = [
        { label = "Ann", duties = ["steward", "analyst", "approver", "recipient", "reviewer"] },
    ] },
    { name = "k12", title = "State Education Agency", role = "agency", people = [
        { label = "Bob", duties = ["steward", "analyst", "approver", "recipient"] },
    ] },
    { name = "state-auditor", title = "State Auditor", role = "auditor", people = [
        { label = "Ida", duties = ["auditor", "steward"] },
    ] },
]
"""
_ELEMENTS: Final = "".join(
    f'    {{ party = "k12", name = "{column}", use = "{use}" }},\n'
    for use in ("shared", "counted", "shown")
    for column in (SHOWN_COLUMNS if use == "shown" else ("district", "school", "grade"))
)
_PARTIES: Final = "".join(
    f'    {{ name = "{party}", kind = "{kind}", title = "{title}", contact = "-", capacity = "{capacity}" }},\n'
    for party, kind, title, capacity in (
        ("child-welfare", "agency", "County Child Welfare", "holds the records of children in foster care"),
        ("k12", "agency", "State Education Agency", "holds the education records of all pupils"),
        ("data-center", "operator", "State Data Center", "authorised representative of both agencies"),
        ("state-auditor", "auditor", "State Auditor", "reviews the linkage"),
    )
)  # fmt: skip
ANSWERS: Final = f"""\
# Answers to the questions that `blindlink agreement draft` asks; docs/agreement.md explains each.
project = "foster-pupils"
profile = "children"
start = $start
end = $end
parties = [
{_PARTIES}]
directions = [
    {{ giver = "child-welfare", receiver = "data-center", basis = "other", citation = "Example Code 12.3" }},
    {{ giver = "child-welfare", receiver = "k12", basis = "other", citation = "Example Code 12.4" }},
    {{ giver = "k12", receiver = "child-welfare", basis = "ferpa-child-welfare" }},
    {{ giver = "k12", receiver = "data-center", basis = "ferpa-audit-evaluation" }},
]
elements = [
{_ELEMENTS}]
recipients = [
    {{ party = "child-welfare", space = "pupils-in-care" }},
    {{ party = "k12", space = "pupils-in-care" }},
]

[purpose]
code = "school-stability"
statement = "A rehearsal with invented people: which pupils are in foster care?"

[population]
code = "school-age"
definition = "Children of school age: placed away from home, and enrolled in a public school."
as_of = "The day of the upload."

[policy]
review = "0.005"

# Pairs of which a run is not sure are decided by people of child welfare, who see the shown columns of K-12.
[review]
reviewer = "child-welfare"

[approvals]
runs = "standing"

# Some people have several rows and some none; the agreement must not stand in the way of a rehearsal.
[limits]
files = [
    {{ party = "child-welfare", least = 1, most = $most_children }},
    {{ party = "k12", least = 1, most = $most_students }},
]

[retention]
keep_encodings_days = 30
keep_links_days = 30
destroy_by = $destroy_by

[breach]
hours = 24
instruction = "None: these people are invented."
"""

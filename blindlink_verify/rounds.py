"""Part of the independent verifier: rounds, nonces and claims, by the pages of rounds and entry alone."""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime, timedelta
from fractions import Fraction
from typing import Any

from blindlink_verify.agreements import before, checks, days, early, timely
from blindlink_verify.calendar import next_day
from blindlink_verify.entries import MEASURES, need, sha, unbase64


def pairs_of(terms: Any) -> list[tuple[str, str]]:
    """Every two providers, the one with the larger file first."""
    order = sorted(terms["files"], key=lambda file: (-file["most"], file["party"]))
    names = [file["party"] for file in order]
    return [(one, two) for at, one in enumerate(names) for two in names[at + 1 :]]


def space_of(terms: Any, pair: Any) -> Any:
    """The ID space in which both of a pair receive, or None."""
    spaces = [
        recipient["space"]
        for party in pair
        for recipient in terms["recipients"]
        if recipient["party"] == party and recipient["mode"] == "linked"
    ]
    return spaces[0] if len(spaces) == 2 and len(set(spaces)) == 1 else None


class Signers:
    """Who may sign with which key: persons by id, with party, duties, keys of both uses, and revocation."""

    def __init__(self) -> None:
        self.persons: dict[str, Any] = {}

    def take(self, e: Any) -> None:
        """Take an entry about persons and their keys."""
        body, kind = e["body"], e["kind"]
        if kind == "person-enrolled":
            need(body["person"] not in self.persons, kind)
            digest = sha(unbase64(body["signing_key"])).hex()
            self.persons[body["person"]] = {
                **body,
                "signing": digest,
                "receiving": body["receiving_key"],
                "had": [digest],
                "gone": False,
            }
        elif kind == "role-changed" and body["change"] == "revoked":
            need(self.persons[body["person"]]["party"] == body["party"], kind)
            self.persons[body["person"]]["gone"] = True
        elif kind == "key-rotated" and body["use"] in ("signing", "receiving"):
            person = self.persons[body["person"]]
            need(not person["gone"], kind)
            need(person["party"] == body["party"] and person[body["use"]] == body["old"], kind)
            need(body["new"] not in (None, body["old"]), kind)
            if body["use"] == "signing":
                self.change(person, body)
                timely(e, body["signed"]["change"]["at"])
            else:
                need(person.get("next") == body["new"], kind)
            person[body["use"]] = body["new"]

    def change(self, person: Any, body: Any) -> None:
        signed = body["signed"]
        change, new = signed["change"], signed["change"]["successor"]
        need(change["person"] == new["person"] == person["person"], "person")
        need(change["old_key"] == person["signing_key"], "old key")
        need([new["party"], new["duties"]] == [person["party"], person["duties"]], "successor")
        checks("key-rotation", change, signed["old_signature"], change["old_key"])
        checks("key-rotation", change, signed["new_signature"], new["signing_key"])
        need(sha(unbase64(new["signing_key"])).hex() == body["new"], "new key")
        person["next"] = sha(unbase64(new["receiving_key"])).hex()
        person["signing_key"] = new["signing_key"]
        person["had"].append(body["new"])

    def of(self, e: Any) -> Any:
        """Return the person who acts, who was enrolled for the party and may still act."""
        person = self.persons[e["actor"]["person"]]
        need(person["party"] == e["actor"]["party"] and not person["gone"], "person")
        return person

    def signed(self, e: Any, signature: Any) -> None:
        actor = e["actor"]
        need([signature["party"], signature["person"]] == [actor["party"], actor["person"]], "who")
        need(self.of(e)["signing"] == signature["key"], "key")


class Turns:
    """The rounds of one project; `nonces` has what each party offered, in order, with what became of it."""

    def __init__(self) -> None:
        self.nonces: dict[str, list[list[str]]] = defaultdict(list)
        self.opened: list[Any] = []
        self.is_open = False
        self.superseded: list[int] = []
        self.linked_once = False
        self.linked: dict[Any, int] = {}
        self.sequence: dict[Any, int] = defaultdict(int)
        self.stated: dict[Any, int] = defaultdict(int)

    def offer(self, e: Any, t: Any, signers: Signers) -> None:
        offer, signature = e["body"]["signed"]["offer"], e["body"]["signed"]["signature"]
        actor = e["actor"]
        need(sorted(offer) == OFFER and offer["version"] == "blindlink/nonces/1", "offer")
        need(actor["party"] in t["providers"], "offer")
        stated = [offer["project"], offer["party"], offer["person"]]
        need(stated == [e["project"], actor["party"], actor["person"]], "offer")
        checks("nonces", offer, signature["signature"], signers.of(e)["signing_key"])
        timely(e, offer["at"])
        own = self.nonces[actor["party"]]
        need(offer["first"] == len(own) + 1, "number")
        need(1 <= offer["void_below"] <= offer["first"], "void")
        known = {nonce for offered in self.nonces.values() for nonce, _ in offered}
        need(not known & set(offer["nonces"]), "nonce again")
        need(len(offer["nonces"]) == len(set(offer["nonces"])) <= 16, "nonces")
        for one in own[: offer["void_below"] - 1]:
            one[1] = one[1] or "void"
        own += [[nonce, ""] for nonce in offer["nonces"]]

    def open(self, e: Any, t: Any) -> None:
        body = e["body"]
        need(not self.is_open and body["round"] == len(self.opened) + 1, "number of the round")
        last = len(self.opened) if len(self.opened) in self.superseded else None
        need(body["corrects"] == last, "corrects")
        regular = [one["day"] for one in self.opened if one["corrects"] is None]
        if body["corrects"] is None and regular:
            day = next_day(t, regular[-1])
            need(day is None or days(e)[0] >= day, "due")
            need(t["frequency"] != "once" or not self.linked_once, "once")
        budget = t["round_budget"]
        if budget is not None:
            first = before(e["time"][:10], budget["days"] - 1)
            recent = [one for one in self.opened if one["entry"]["time"][:10] >= first]
            need(len(recent) < budget["rounds"], "budget")
        opened = datetime.fromisoformat(body["deadline"]) - timedelta(days=t["round_days"])
        moment = opened.strftime("%Y-%m-%dT%H:%M:%SZ")
        need(early(e) <= moment <= e["time"], "deadline")
        for pair in body["pairs"]:
            need((pair["larger"], pair["smaller"]) in pairs_of(t), "pair")
            for side in ("larger", "smaller"):
                self.use(pair[side], pair[f"nonce_{side}"])
        self.is_open = True
        self.opened.append(
            {
                **body,
                "entry": e,
                "spaces": {
                    (pair["larger"], pair["smaller"]): space_of(
                        t, [pair["larger"], pair["smaller"]]
                    )
                    for pair in body["pairs"]
                },
                "day": moment[:10],
                "roots": {},
                "runs": {},
                "claims": {},
                "statements": {},
                "left": False,
            }
        )

    def use(self, party: str, used: Any) -> None:
        own = self.nonces[party]
        first = next((at for at, (_, state) in enumerate(own) if not state), len(own))
        need([used["number"], used["nonce"]] == [first + 1, own[first][0]], "nonce")
        own[first][1] = "used"

    def present(self, number: int) -> Any:
        """The open round, which must have this number."""
        need(self.is_open and number == len(self.opened), "round that is open")
        return self.opened[-1]

    def in_time(self, e: Any, number: int) -> None:
        deadline = self.present(number)["deadline"]
        need(days(e)[1] <= before(deadline[:10], -1), "long after the deadline")

    def pair(self, one: str, other: str) -> tuple[str, str]:
        """A pair of the open round, by its two parties in any order."""
        found = [(p["larger"], p["smaller"]) for p in self.opened[-1]["pairs"]]
        (pair,) = [pair for pair in found if pair in ((one, other), (other, one))]
        return pair

    def upload(self, party: str, body: Any, t: Any) -> None:
        state = self.present(body["round"])
        larger, _ = self.pair(party, body["partner"])
        self.audited(body, "larger" if party == larger else "smaller", t["privacy"])
        own, other = (party, body["partner"]), (body["partner"], party)
        need(own not in state["roots"], "sent twice")
        need(body["partner_root"] == state["roots"].get(other), "root of the partner")
        state["roots"][own] = body["root"]

    def audited(self, body: Any, side: str, limits: Any) -> None:
        audit, n = body["privacy_audit"], body["records"]
        if audit is None:
            need(n < 500, "audit")
            return
        need(audit["scope"] == "full" and audit["draws"] >= 3, "audit in full")
        need(audit["structure"] == 0, "audit without structure")
        found = {one["measure"]: Fraction(one["mean"]) for one in audit["figures"]}
        need(set(MEASURES[:6]) <= set(found), "audit by all measures")
        need(limits is None or all(found[one] <= Fraction(limits[one]) for one in found), "audit")
        need((audit["profile"], audit["side"]) == (body["profile"], side), "audit of the same")
        need(3 * audit["records"] <= 4 * n <= 5 * audit["records"], "audit of so many")

    def ask(self, run: str, specification: Any, sent: Any, runs: Any) -> None:
        state = self.present(specification["round"])
        first, second = specification["uploads"]
        pair = (first["party"], second["party"])
        need(self.pair(*pair) == pair, "sides")
        for one, other in ((first, second), (second, first)):
            stated = [specification["round"], one["party"], other["party"]]
            need(sent[one["upload"]] == stated, "upload of another round or pair")
        asked = state["runs"].setdefault(pair, [])
        for one in asked:
            need(not runs[one]["open"] and not runs[one].get("done"), "linked, or to be linked")
        asked.append(run)

    def fetch(self, run: Any) -> None:
        number = run["spec"]["round"]
        need(number not in self.superseded, "fetched of a superseded round")
        self.opened[number - 1]["left"] = True

    def supersede(self, body: Any) -> None:
        state = self.present(body["round"])
        need(body["by"] == body["round"] + 1 and not state["left"], "superseded")
        self.superseded.append(body["round"])
        self.is_open = False

    def claim(self, party: str, body: Any, t: Any, runs: Any, reviews: Any) -> None:
        sides = (party, body["partner"])
        if body["release"] == 1:
            state = self.present(body["round"])
            pair = self.pair(*sides)
            space = state["spaces"][pair]
            need(space and self.has_linked(state, pair, runs), "owes none")
            need(space == space_of(t, pair), "owes none now")
            state["claims"][sides] = body["sha256"]
        else:
            reviews.claim(party, body, t)
        self.sequence[sides] += 1
        need(body["sequence"] == self.sequence[sides], "sequence")

    def state(self, party: str, body: Any, t: Any, runs: Any) -> None:
        found, place = self.present(body["round"]), (party, body["space"])
        need(place in self.statements_due(found, runs), "owes no statement")
        now = [pair for pair, space in found["spaces"].items() if space == space_of(t, pair)]
        still = [pair for pair in now if found["spaces"][pair] == body["space"]]
        need(any(party in pair for pair in still), "owes no statement now")
        self.stated[place] += 1
        need(body["sequence"] == self.stated[place], "sequence")
        found["statements"][place] = body["sha256"]

    def statements_due(self, state: Any, runs: Any) -> set[tuple[str, str]]:
        owing = [
            (pair, space)
            for pair, space in state["spaces"].items()
            if space and self.has_linked(state, pair, runs)
        ]
        return {
            (party, space)
            for pair, space in owing
            for party in pair
            if sum(space == other for _, other in owing) > 1
        }

    def close(self, e: Any, runs: Any) -> None:
        body = e["body"]
        state = self.present(body["round"])
        listed = {(one["party"], one["partner"]): one["sha256"] for one in body["claims"]}
        need(listed == state["claims"], "claims")
        stated = {(one["party"], one["space"]): one["sha256"] for one in body["statements"]}
        need(stated == state["statements"], "statements")
        if e["time"] < state["deadline"]:
            need(self.statements_due(state, runs) <= set(stated), "statements that are due")
        for pair in [(p["larger"], p["smaller"]) for p in state["pairs"]]:
            asked = [runs[run] for run in state["runs"].get(pair, [])]
            self.linked_once = self.linked_once or self.has_linked(state, pair, runs)
            if self.has_linked(state, pair, runs):
                self.linked[frozenset(pair)] = body["round"]
            need(not any(run["open"] for run in asked), "run that goes on")
            if e["time"] >= state["deadline"]:
                continue
            need(asked, "run that is due")
            if state["spaces"][pair] and self.has_linked(state, pair, runs):
                need({pair, pair[::-1]} <= set(listed), "claims that are due")
        self.is_open = False

    def has_linked(self, state: Any, pair: Any, runs: Any) -> bool:
        return any(runs[run].get("done") for run in state["runs"].get(pair, []))


OFFER = ["at", "first", "nonces", "party", "person", "project", "version", "void_below"]

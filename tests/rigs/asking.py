"""Two agencies whose run has held two pairs back, and a broker that asks about them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
from rigs.desk import Desk
from rigs.near_broker import EVERY_DUTY, POLICY, NearBroker, near_broker
from twins.stated_cards import parse_stated_cards

from schemas.agreement.clauses import Review

REVIEWER, ASKED = "welfare", "schools"
CLAUSE = Review(reviewer=REVIEWER, persons=1, first=50, weekly=10, bucket=3, days=14, consent=None)
HEAD = "ID,first,last,born,sex\n"
# Ana and Dee are linked; Abe and Ida are sent to review.
FILES = {
    REVIEWER: f"""{HEAD}rec_w1,Ana,Ortiz,2011-04-09,F
rec_w2,Dee,Lee,2015-01-15,F
rec_w3,Abe,Kerrigan,2010-08-06,M
rec_w4,Ida,Mossberg,2012-04-05,F
rec_w5,Una,Alone,2009-09-09,F
""",
    ASKED: f"""{HEAD}rec_s1,Ana,Ortiz,2011-04-09,F
rec_s2,Dee,Lee,2015-01-15,F
rec_s3,Abe,Kerrigan,2010-08-06,F
rec_s4,Ida,Mossberg,2012-04-05,M
rec_s5,Kim,Other,2008-08-08,F
rec_s6,Lea,Six,2008-07-08,F
rec_s7,Max,Seven,2008-06-08,M
""",
}
# Not even four values that agree are enough, where the fifth is another one.
STRICT = POLICY.model_copy(update={"auto": "0.999"})

Change = Callable[[httpx2.Request, httpx2.Response], httpx2.Response]


@dataclass
class Asking:
    """The broker, and both agencies at their desks."""

    near: NearBroker

    @property
    def reviewer(self) -> Desk:
        return self.near.desks[REVIEWER]

    @property
    def asked(self) -> Desk:
        return self.near.desks[ASKED]

    def run(self) -> None:
        """Let both jobs upload, and the run hold pairs back; the asked agency has not heard of it."""
        for desk in (self.reviewer, self.asked, self.reviewer):
            assert desk.type("refresh").exit_code == 7

    def sent_cards(self) -> list[dict[bytes, bytes]]:
        """Return the cards that were sent, by handle, as they passed by."""
        bodies = [raw for raw in self.near.courier.seen if b"\nblindlink/cards/1 " in raw]
        return [parse_stated_cards(raw)[1] for raw in bodies]

    def sent_decisions(self) -> list[dict[str, Any]]:
        """Return the batches of decisions that were sent, each as it passed by."""
        bodies = [raw for raw in self.near.courier.seen if raw.startswith(b'{"decisions":{')]
        return [json.loads(raw)["decisions"]["decisions"] for raw in bodies]

    def meddle(self, path_end: str, change: Change) -> None:
        """Change the broker's answers to what is asked of a path."""
        real = type(self.near.courier).handle_request.__get__(self.near.courier)

        def meddling(request: httpx2.Request) -> httpx2.Response:
            response = real(request)
            if not request.url.path.endswith(path_end):
                return response
            response.read()
            changed = change(request, response)
            # A client reads the answer as it came from the wire, once.
            stream = httpx2.ByteStream(changed.content)
            return httpx2.Response(changed.status_code, headers=changed.headers, stream=stream)

        self.near.courier.handle_request = meddling  # type: ignore[method-assign]

    def be_honest(self) -> None:
        """Undo `meddle`."""
        del self.near.courier.handle_request  # type: ignore[attr-defined]


@contextmanager
def asking(folder: Path, like: Asking | None = None, **terms: Any) -> Iterator[Asking]:
    """Give two agencies that are ready for rounds under an agreement with a review, or a copy of a scene.

    `terms` change what was agreed.
    """
    with near_broker(folder, like=None if like is None else like.near) as near:
        if like is not None:
            yield Asking(near)
            return
        for party, text in FILES.items():
            near.enrol(party)
            duties = (*EVERY_DUTY, "reviewer") if party == REVIEWER else EVERY_DUTY
            near.people[party] = near.person(party, *duties)
            place = folder / party
            place.mkdir()
            (place / "people.csv").write_text(text, "utf-8")
            # By its place in the folder, so that a copy of the desk has a file of its own.
            near.desk(party, place, Path("people.csv"))
        near.add_project(review=CLAUSE, policy=STRICT, **terms)
        near.compare()
        near.agree()
        yield Asking(near)

"""The screen on which a reviewer decides pairs by the keyboard alone: the extra `review`, by textual.

The own record stands first, the other one's values are masked and opened step by step. What differs is marked
by signs below the characters and said in a word, so that nothing depends on colors.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterator
from datetime import datetime
from functools import partial
from typing import ClassVar, Final

from rich.cells import cell_len
from textual import work
from textual.app import App, ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.notifications import SeverityLevel
from textual.screen import ModalScreen
from textual.widgets import Footer, OptionList, Static
from textual.widgets.option_list import Option

from encoding.errors import AgencyError
from encoding.review.disclosure import ALL, CLOSED, DIFFERENCES, Compared
from encoding.review.journal import SENT
from encoding.review.sitting import Case, Sent, Sitting, step_words
from schemas.documents.printable import printable
from schemas.rounds.review import REASONS, Reason, Verdict
from schemas.shared.amounts import counted

REASON_WORDS: Final[dict[Reason, str]] = {
    "same-person": "the same person",
    "same-by-document": "the same person, by a document that you have seen",
    "twins-or-siblings": "twins, or brothers and sisters",
    "other-person": "another person",
    "too-little-to-tell": "too little to tell",
    "wrong-data": "a record is wrong",
}
_PAST: Final[dict[Verdict, str]] = {
    "accept": "accepted",
    "reject": "rejected",
    "unsure": "unsure",
}
_NAME_CELLS: Final = 16
_WORD_CELLS: Final = 15
_LEAST_CELLS: Final = 44
_LATEST: Final = 20
_HELP: Final = """\
Decide whether both records are of the same person.

o        open the card one step more: initials, what differs, everything
a        accept: the same person
r        reject: not the same person
u        unsure    (1, 2, 3 or the arrows choose the reason of a, r and u)
z        undo this pair's decision, or your latest one, until you send it
n or →   skip to the next pair
b or ←   back to the pair before
j        the next undecided pair
s        send your decisions, and go on; you can't take them back
f        finish: send your decisions, and decide no more in this review
q        quit; everything is kept, and you go on here next time

Your agency's workspace keeps how far you open each card.
Press Escape to close this page."""

Send = Callable[[bool], Sent]
"""Sends what was decided, the last time if told so."""


class ReasonScreen(ModalScreen[Reason | None]):
    """Asks for the reason of a verdict: by number, or by arrows and Enter."""

    # At the bottom, where it hides none of the values that the reason depends on.
    CSS = "ReasonScreen { align: center bottom; } OptionList { width: 64; height: auto; }"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "dismiss(None)", "Back"),
        *(Binding(str(n), f"choose({n})", show=False) for n in (1, 2, 3)),
    ]

    def __init__(self, verdict: Verdict) -> None:
        super().__init__()
        self._verdict: Verdict = verdict

    def compose(self) -> ComposeResult:
        """Lay out the reasons."""
        reasons = REASONS[self._verdict]
        options = (
            Option(f"{n}  {REASON_WORDS[reason]}", id=reason) for n, reason in enumerate(reasons, 1)
        )
        listed = OptionList(*options)
        listed.border_title = f"{self._verdict}: why?"
        listed.border_subtitle = "Esc goes back"
        yield listed

    def action_choose(self, number: int) -> None:
        """Take the reason of this number."""
        reasons = REASONS[self._verdict]
        if number <= len(reasons):
            self.dismiss(reasons[number - 1])

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """Take the reason that was chosen."""
        chosen = (reason for reason in REASONS[self._verdict] if reason == event.option_id)
        self.dismiss(next(chosen, None))


class WaitScreen(ModalScreen[None]):
    """Says what goes on, and takes no key until it is over."""

    CSS = "WaitScreen { align: center middle; } WaitScreen Static { width: auto; border: solid; padding: 0 1; }"

    def compose(self) -> ComposeResult:
        """Lay out the sentence."""
        yield Static("sending ...")


class AskScreen(ModalScreen[bool]):
    """Asks a question, or shows a page: y is yes, anything else goes back."""

    CSS = """
    AskScreen { align: center middle; }
    AskScreen Static { width: 88; max-width: 100%; height: auto; border: solid; padding: 0 1; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("y,Y", "dismiss(True)", show=False),
        Binding("n,N,escape,enter,question_mark", "dismiss(False)", show=False),
    ]

    def __init__(self, text: str) -> None:
        super().__init__()
        self._text = text

    def compose(self) -> ComposeResult:
        """Lay out the text."""
        yield Static(self._text, markup=False)


class ReviewApp(App[None]):
    """One sitting on the screen; it is left with q, and everything is kept.

    Args:
        sitting: the pairs.
        send: sends what was decided.
        now: the time.
    """

    CSS = """
    #head, #state { height: auto; padding: 0 1; }
    #head { text-style: bold; border-bottom: solid; }
    #pair { padding: 0 1; }
    #values { height: auto; }
    """
    ENABLE_COMMAND_PALETTE = False
    TITLE = "Clerical review"
    BINDINGS: ClassVar[list[BindingType]] = [
        # Sixty columns have room for those of the last line down to Quit; capitals, since Caps Lock may be on.
        Binding("o,O,space", "open", "Open"),
        Binding("a,A", "decide('accept')", "Accept"),
        Binding("r,R", "decide('reject')", "Reject"),
        Binding("u,U", "decide('unsure')", "Unsure"),
        Binding("n,N,right", "go(1)", "Skip"),
        Binding("question_mark", "help", "Help"),
        Binding("q,Q,ctrl+c", "quit", "Quit"),
        Binding("b,B,left", "go(-1)", "Back"),
        Binding("z,Z", "take_back", "Undo"),
        Binding("s,S", "send", "Send"),
        Binding("j,J", "next_open", "Next open", show=False),
        Binding("f,F", "finish", show=False),
    ]

    def __init__(self, sitting: Sitting, send: Send, now: Callable[[], datetime]) -> None:
        super().__init__()
        # The terminal's own colors.
        self.theme = "ansi-dark"
        self._sitting, self._send, self._now = sitting, send, now
        self._place = self._latest()
        self._since = now()
        self._took_s: list[float] = []
        self._decided: list[int] = []

    def compose(self) -> ComposeResult:
        """Lay out the screen."""
        yield Static(id="head", markup=False)
        with VerticalScroll(id="pair"):
            yield Static(id="values", markup=False)
        yield Static(id="state", markup=False)
        yield Footer(compact=True)

    def on_mount(self) -> None:
        """Show the next pair that is open after the one that was decided last."""
        self.query_one("#pair").focus()
        self.action_next_open()

    def on_resize(self) -> None:
        """Lay the values out anew."""
        self._show()

    @property
    def case(self) -> Case:
        """The pair that is shown."""
        return self._sitting.cases[self._place]

    def action_open(self) -> None:
        """Open the card one step more."""
        if self._sitting.looked(self.case).step < ALL:
            try:
                self._sitting.open(self.case)
            except AgencyError as exc:
                self.notify(str(exc), severity="error", markup=False)
        self._show()

    def action_decide(self, verdict: Verdict) -> None:
        """Ask for the reason, decide the pair, and go on to the next one that is open."""
        if self._sitting.diary.is_sent(self.case.reference):
            self.notify(SENT, severity="warning")
            return
        if verdict != "unsure" and self._sitting.looked(self.case).step == CLOSED:
            self.notify("Look at the card first: press o to open it.", severity="warning")
            return
        # At once, and not in a worker: a reason that is typed before it has started would be lost.
        self.push_screen(ReasonScreen(verdict), partial(self._decide, self._place, verdict))

    def _decide(self, place: int, verdict: Verdict, reason: Reason | None) -> None:
        if reason is None:
            return
        try:
            self._sitting.decide(self._sitting.cases[place], verdict, reason, self._now())
        except AgencyError as exc:
            self.notify(str(exc), severity="error", markup=False)
            return
        self._decided.append(place)
        self._took_s.append((self._now() - self._since).total_seconds())
        self.action_next_open()

    def action_go(self, by: int) -> None:
        """Go to the next pair, or back."""
        self._to((self._place + by) % len(self._sitting.cases))

    def action_next_open(self) -> None:
        """Go to the next pair that is not decided; if there is none, stay."""
        n = len(self._sitting.cases)
        places = ((self._place + step) % n for step in range(1, n + 1))
        self._to(next(filter(self._is_open, places), self._place))

    def action_take_back(self) -> None:
        """Take back the decision of the pair that is shown; if it has none, the latest of this sitting."""
        if self._is_open(self._place):
            decided = (place for place in reversed(self._decided) if not self._is_open(place))
            self._to(next(decided, self._place))
        try:
            self._sitting.diary.take_back(self.case.reference)
        except AgencyError as exc:
            self.notify(str(exc), severity="warning", markup=False)
        self._show()

    def action_send(self) -> None:
        """Send what was decided, once it is confirmed."""
        unsent = self._sitting.standing().unsent
        if not unsent:
            self.notify("There is nothing to send.")
            return
        text = f"Send {counted(unsent, 'decision')}? You can't take back what you send."
        self._confirm(f"{text}\n\ny send   n go back", is_last=False)

    def action_finish(self) -> None:
        """Send what was decided for the last time, once it is confirmed."""
        standing = self._sitting.standing()
        text = (
            f"Send {counted(standing.unsent, 'decision')} and finish? You can't decide any more pairs in this"
            f" review. {counted(standing.left, 'pair')} will stay undecided."
        )
        self._confirm(f"{text}\n\ny finish   n go back", is_last=True)

    def _confirm(self, question: str, *, is_last: bool) -> None:
        def answer(is_yes: bool | None) -> None:
            if is_yes:
                self._send_now(is_last=is_last)

        self.push_screen(AskScreen(question), answer)

    def action_help(self) -> None:
        """Say what each key does."""
        self.push_screen(AskScreen(_HELP))

    def _send_now(self, *, is_last: bool) -> None:
        # Meanwhile no key is taken, so that nothing is decided while the journal is with the sender.
        self.push_screen(WaitScreen())
        self._post(is_last=is_last)

    @work(thread=True)
    def _post(self, *, is_last: bool) -> None:
        try:
            sent = self._send(is_last)
        except AgencyError as exc:
            said = f"{exc}; {exc.hint}" if exc.hint else str(exc)
            self.call_from_thread(self._after_sending, said, is_last=False, severity="error")
        else:
            is_last = is_last or sent.is_over
            self.call_from_thread(
                self._after_sending, str(sent), is_last=is_last, severity="information"
            )

    def _after_sending(self, said: str, *, is_last: bool, severity: SeverityLevel) -> None:
        self.pop_screen()
        self.notify(said, severity=severity, timeout=15, markup=False)
        self._show()
        if is_last:
            self.exit()

    def _to(self, place: int) -> None:
        self._place, self._since = place, self._now()
        self._show()
        self.query_one("#pair").scroll_home(animate=False)

    def _latest(self) -> int:
        """Return the place of the pair that was decided last; -1 where none was."""
        choices = [self._sitting.looked(case).choice for case in self._sitting.cases]
        decided = [(one.at, place) for place, one in enumerate(choices) if one is not None]
        return max(decided, default=("", -1))[1]

    def _is_open(self, place: int) -> bool:
        return self._sitting.looked(self._sitting.cases[place]).choice is None

    def _show(self) -> None:
        width = max(self.size.width - 4, _LEAST_CELLS)
        self.query_one("#head", Static).update(_head(self._sitting, self._place, self._left_s()))
        self.query_one("#values", Static).update("\n".join(_lines(self._sitting, self.case, width)))
        self.query_one("#state", Static).update("\n".join(_state(self._sitting, self.case)))

    def _left_s(self) -> float | None:
        """Return how long it will take, by the latest decisions; None before the third."""
        if len(self._took_s) < 3:
            return None
        return statistics.median(self._took_s[-_LATEST:]) * self._sitting.standing().left


def _head(sitting: Sitting, place: int, left_s: float | None) -> str:
    standing = sitting.standing()
    said = [
        f"Review with {sitting.review.asked}, round {sitting.review.round}",
        f"pair {place + 1} of {standing.pairs}",
        f"{standing.decided} decided, {standing.unsent} not sent",
    ]
    if left_s is not None:
        said.append(f"about {max(1, round(left_s / 60))} min left")
    said.append(f"until {sitting.deadline[:16].replace('T', ' ')} UTC")
    return " · ".join(said)


def _state(sitting: Sitting, case: Case) -> Iterator[str]:
    looked = sitting.looked(case)
    opened = step_words(looked.step, sitting.review.asked)
    yield opened if looked.step == ALL else f"{opened}; press o to open it further"
    if looked.choice is not None:
        sent = "sent" if sitting.diary.is_sent(case.reference) else "not sent yet"
        reason = REASON_WORDS[looked.choice.reason]
        yield f"You decided: {_PAST[looked.choice.verdict]}, {reason} ({sent})."
    if not sitting.standing().left and not sitting.diary.journal.is_finished:
        yield "Every pair is decided. Press f to send your decisions and finish."


def _lines(sitting: Sitting, case: Case, width: int) -> Iterator[str]:
    """Yield the lines of a pair: values side by side, with signs below what differs."""
    step = sitting.looked(case).step
    cells = (width - _NAME_CELLS - _WORD_CELLS - 3) // 2
    other = sitting.review.asked
    yield _row("", "your record", other, "", cells)
    for found in case.compared(step):
        yield from _value_lines(found, cells)
    for name, value in case.only_own():
        yield from _value_lines(Compared(name, printable(value), ""), cells)
    yield ""
    yield f"Your record ID: {printable(case.own.record_id)}"
    if case.has_left and step >= DIFFERENCES:
        yield f"This record is no longer in the file of {other}."
    for one in case.earlier:
        who = "you" if one.person == sitting.diary.journal.person else "another reviewer"
        yield (
            f"Round {one.round}: {who} decided {one.choice.verdict}, {REASON_WORDS[one.choice.reason]};"
            " neither record has changed since."
        )


def _value_lines(found: Compared, cells: int) -> Iterator[str]:
    own = "(no such column)" if found.own is None else found.own
    marks = found.own_marks, found.their_marks
    name, word = printable(found.name), found.word
    halves = [_chopped(own, marks[0], cells), _chopped(found.theirs, marks[1], cells)]
    n_lines = max(map(len, halves))
    for lines in zip(*(half + [("", "")] * (n_lines - len(half)) for half in halves), strict=True):
        (own_text, own_signs), (their_text, their_signs) = lines
        yield _row(name, own_text, their_text, word, cells)
        name, word = "", ""
        if own_signs.strip() or their_signs.strip():
            yield _row("", own_signs, their_signs, "", cells)


def _chopped(text: str, marks: frozenset[int], cells: int) -> list[tuple[str, str]]:
    """Cut a text into lines of so many cells, each with the signs that stand below it."""
    lines, line, signs = [], "", ""
    for place, character in enumerate(text):
        wide = cell_len(character)
        if cell_len(line) + wide > cells:
            lines.append((line, signs))
            line = signs = ""
        line += character
        signs += ("^" if place in marks else " ") * wide
    return [*lines, (line, signs)]


def _row(name: str, own: str, theirs: str, word: str, cells: int) -> str:
    parts = ((name, _NAME_CELLS), (own, cells), (theirs, cells), (word, _WORD_CELLS))
    return " ".join(f"{text}{' ' * (size - cell_len(text))}" for text, size in parts).rstrip()

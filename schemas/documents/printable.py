"""Text of others on a terminal: all of it is seen, and none of it is obeyed."""

from __future__ import annotations


def printable(text: str) -> str:
    """Return a text as one line, with an escape in the place of each character that cannot be printed.

    Among those are control characters, which retitle a window or write over what stands above, line ends, and
    marks that turn the direction of text.
    """
    return "".join(map(_shown, text))


def _shown(character: str) -> str:
    # An escape is plain ASCII, so that a console of any encoding has it, and it says what was there.
    return character if character.isprintable() else ascii(character)[1:-1]

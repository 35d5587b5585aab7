"""The command `blindlink-verify`: a bundle, pins, a key; a verdict in words or as JSON, and an exit status."""

import argparse
import json
import sys
from contextlib import nullcontext
from pathlib import Path

from blindlink_verify.basics import Refused, digest_of
from blindlink_verify.bundle import Bundle, verify
from blindlink_verify.checkpoints import Note, parse_notes

ABOUT = """\
Verify a bundle of a Blindlink match log without any of Blindlink's other code.

BUNDLE is a file, or `-` for standard input. Without a pin, a log that was cut off at its end, or written
anew by someone who has its key, is not detectable.

Example: blindlink-verify log.tar --log-key log.key --pin county.pin

Exit status: 0 verified, 1 the log does not verify, 2 usage, 3 a bundle, pin or key cannot be read.
"""
NOT_SHOWN = [
    "times are the broker's own; the log shows their order, not their truth",
    "signatures show whose key acted, not who sat at the computer",
    "whether the log leaves out what someone did, that person's party alone can say",
    "what was destroyed late, early, or is held: `blindlink-audit verify` lists it",
]
MOST_BYTES = 2**24


class Unreadable(Exception):
    """A pin or key that was given cannot be used; that says nothing about the log."""


def main(argv: list[str] | None = None) -> int:
    """Run the command and return its exit status."""
    options = parser().parse_args(argv)
    try:
        pins = [note for given in options.pin for note in read_pins(given)]
        key = None if options.log_key is None else read_key(options.log_key)
        is_file = options.bundle != "-"
        with Path(options.bundle).open("rb") if is_file else nullcontext(sys.stdin.buffer) as file:
            bundle = verify(file, pins, key)
    except Refused as refused:
        return say_refused(refused, is_json=options.json)
    except (Unreadable, OSError) as error:
        said = f"{error.filename}: {error.strerror}" if isinstance(error, OSError) else error
        print(f"blindlink-verify: error: {said}", file=sys.stderr)
        return 3
    except KeyboardInterrupt:
        print("blindlink-verify: error: interrupted; nothing was verified", file=sys.stderr)
        return 130
    found = verdict(bundle, len(pins), has_key=key is not None)
    if options.json:
        print(json.dumps({**found, "verified": True, "origin": found["verified"][0]}, indent=2))
    else:
        print("\n".join(f"{label:<13}{line}" for label, lines in found.items() for line in lines))
    return 0


def parser() -> argparse.ArgumentParser:
    """What reads the command line."""
    form = argparse.RawDescriptionHelpFormatter
    made = argparse.ArgumentParser("blindlink-verify", description=ABOUT, formatter_class=form)
    made.add_argument("bundle", metavar="BUNDLE", help="bundle of the match log")
    pin = "pin that you or an agency kept: a file, or the line that `blindlink pin` shows; repeatable"
    made.add_argument("--pin", metavar="FILE|LINE", action="append", default=[], help=pin)
    key = "the log's first key, as you got it from its operator"
    made.add_argument("--log-key", metavar="KEY|FILE", help=key)
    made.add_argument("--json", action="store_true", help="print the verdict for programs")
    return made


def read_small(name: str) -> bytes:
    with Path(name).open("rb") as file:
        raw = file.read(MOST_BYTES + 1)
    if len(raw) > MOST_BYTES:
        raise Unreadable(f"{name} is too large for a pin or a key")
    return raw


def read_pins(given: str) -> list[Note]:
    """A file of checkpoints, or one line: origin, number of entries, root, and signature."""
    if given.count(" ") == 3 and not Path(given).exists():
        origin, size, root, signature = given.split(" ")
        return [(f"{origin}\n{size}\n{root}\n", [f"— {origin} {signature}"])]
    try:
        return parse_notes(read_small(given).replace(b"\r\n", b"\n"))
    except (Refused, ValueError) as exc:
        raise Unreadable(f"{given} is no file of checkpoints, nor the line of a pin") from exc


def read_key(given: str) -> str:
    text = given if given.count("+") >= 2 else read_small(given).decode("utf-8", "replace").strip()
    if text.count("+") < 2 or len(text) > 300:
        raise Unreadable("a log key is one line: name+ID+base64")
    return text


def verdict(bundle: Bundle, n_pins: int, *, has_key: bool) -> dict[str, list[str]]:
    """What a reader is told of a log that verified, and what it does not show: lines by their label."""
    claims, cosigned = bundle.claims, sorted(bundle.checkpoints.cosigned.items())
    last = [(name, p.last_agreement()) for name, p in bundle.log.projects.items() if p.binding]
    n_withheld, not_shown = bundle.size - bundle.n_shown, [*NOT_SHOWN]
    if not n_pins:
        not_shown.append("no pin was given: nothing shows that the log was not cut off or written anew")
    if not has_key:
        not_shown.append("no log key was given: the bundle was checked against the key it brings itself")
    return {
        "verified": [claims["origin"]],
        "project": [bundle.project] if bundle.project else [],
        "entries": [f"{bundle.size:,}" + (f", {n_withheld:,} withheld" if n_withheld else "")],
        "until": [bundle.log.time],
        "root": [bundle.checkpoints.newest.split("\n")[2]],
        "log key": claims["log_keys"],
        "pins": [f"{n_pins}, all part of this log"] if n_pins else [],
        "witness": [f"{name} signed for the first {max(of.values()):,} entries" for name, of in cosigned],
        "agreement": [f"{name} {one['number']}, fingerprint {digest_of(one)}" for name, one in last],
        "not shown": not_shown,
    }


def say_refused(refused: Refused, *, is_json: bool) -> int:
    """Say which rule is broken, and by which entry; returns the exit status."""
    is_input = refused.code in ("malformed", "pin-unreadable")
    hint = "keep the bundle, your pins and this output: they are the evidence"
    if is_input:
        hint = "get the file again; if it comes out the same, use the newest blindlink-verify"
    if is_json:
        found = {"code": refused.code, "message": refused.sentence, "index": refused.index}
        print(json.dumps({"verified": False, "error": {**found, "hint": hint}}, indent=2))
    print(f"blindlink-verify: error: this does not hold: {refused.sentence}", file=sys.stderr)
    if refused.index is not None:
        print(f"first bad entry: {refused.index}", file=sys.stderr)
    print(f"code: {refused.code}\nhint: {hint}", file=sys.stderr)
    return 3 if is_input else 1

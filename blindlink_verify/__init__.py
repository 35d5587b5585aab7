"""The independent verifier of the match log: the standard library and `cryptography`, nothing of Blindlink's.

Written from the pages of `schemas/spec` alone, a file a chapter. In the order of `docs/auditor.md`:

1. entries in their places: `bundle` (where everything begins), `entries`
2. and 3. checkpoints, the log's keys, and pins: `checkpoints`
4. rounds: `rounds`
5. who has signed: `persons`, `requests`, `agreements`, `approvals`
6. everything else: `rules` (for every entry), `runs`, `releases`, `reviews`, `destruction`

`basics` has what all use, `state` what is kept from entry to entry, `command` the command line. The rules of a
kind of entry are the function of its name. `docs/security/reading.md` says how to read it in a day.
"""

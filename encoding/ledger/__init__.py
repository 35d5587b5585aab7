"""Link IDs that last: each recipient's ledger, and the rules by which all recipients come to the same IDs.

In each round: `make_claims` of each pair's release; `check_claims` of what the other recipient claims; where
the space has several pairs, `make_statement` and `check_statement`; when the round is closed,
`apply_release`. No module here asks a network, a clock or the broker. Spec page: `schemas/spec/claims.md`.
"""

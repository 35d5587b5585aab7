"""An agency's part in a round: its nonces, which round is open for it, and what its keys are bound to."""

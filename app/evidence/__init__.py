"""What anyone may check: checkpoints, proofs, tiles and bundles of the match log."""

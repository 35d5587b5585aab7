"""What every format stands on: names of things, canonical JSON, closed documents, Merkle trees, refusals."""

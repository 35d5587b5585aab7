"""clkhash's linkage schemas read, and its tokens and hashes: bit for bit, without its per-row loop."""

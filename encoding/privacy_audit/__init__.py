"""Attack what the broker would have, before it leaves, under keys that are thrown away."""

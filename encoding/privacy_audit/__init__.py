"""Attack the agency's own encodings before they leave, under keys that are thrown away."""

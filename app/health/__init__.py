"""Whether the broker is alive and fit to serve, and its numbers."""

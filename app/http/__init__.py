"""What every request meets before and after its endpoint: bodies, limits, refusals, headers."""

"""Two files of one person linked on the spot: how they are read is guessed, and all keys are thrown away."""

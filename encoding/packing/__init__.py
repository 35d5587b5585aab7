"""What leaves the agency: a container for one partner and round, and the manifest that vouches for it."""

"""Where the linkage stands."""

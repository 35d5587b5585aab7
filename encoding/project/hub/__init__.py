"""One party's linkages with many."""

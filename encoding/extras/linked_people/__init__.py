"""The people that are linked, with the columns that the agreement lists for a use."""

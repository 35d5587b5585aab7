"""Columns that the agreement lets go: sent, received, and put beside own rows."""

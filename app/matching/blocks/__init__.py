"""From sealed rows to decided pairs: rows that share a token, levels of their fields, weights, bands."""

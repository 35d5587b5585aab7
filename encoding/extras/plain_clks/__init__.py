"""Plain CLKs of whole records, as clkhash makes them, for users of clkhash and anonlink."""

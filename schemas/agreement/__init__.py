"""The agreement: its clauses, its words, how parties come to it, and who acts for them."""

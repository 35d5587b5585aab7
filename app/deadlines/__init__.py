"""Deadlines: what is overdue, from what the other rooms tell; noted, listed, and told until it is done."""

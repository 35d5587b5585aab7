"""Clerical review: questions about pairs that are held back, cards, decisions, and what comes of them."""

"""Clerical review: questions about pairs that are sent to review, cards, decisions, and what comes of them."""

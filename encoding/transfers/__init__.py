"""What a round sends to the broker and fetches from it: uploads, matches, totals."""

"""What an agency makes of its links for others: tables of counts, and censuses for studies."""

"""What an agency makes of its links for others: tables of counts, censuses, statuses of students."""

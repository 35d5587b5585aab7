"""What leaves an agency of its links: statuses, tables of counts, frozen files."""

"""What an agency can show of a linkage: which disclosures concern a person, and audit packs."""

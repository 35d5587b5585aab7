"""From the file of people to an encoded file at the broker: checked, attacked, encoded, sent."""

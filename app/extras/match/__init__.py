"""Files of plain CLKs compared without a broker."""

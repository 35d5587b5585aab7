"""The broker's match log as this agency sees it: pins, receipts, cosignatures, a checked copy."""

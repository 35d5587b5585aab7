"""Recommend thresholds for a file: link a sample of it with a corrupted copy of itself, and with decoys."""

from __future__ import annotations

from encoding.calibrate.calibration import Calibration, calibrate_sample
from encoding.calibrate.recommendation import Recommendation, Setting

__all__ = ["Calibration", "Recommendation", "Setting", "calibrate_sample"]

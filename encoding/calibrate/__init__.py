"""Which passes suit a file: predicted from its records, copies with mistakes, and made-up strangers."""

from __future__ import annotations

from encoding.calibrate.calibration import ESTIMATED, MEDIUM, Calibration, calibrate
from encoding.calibrate.mistakes import MISTAKE_LEVELS
from encoding.calibrate.prediction import Setting

__all__ = ["ESTIMATED", "MEDIUM", "MISTAKE_LEVELS", "Calibration", "Setting", "calibrate"]

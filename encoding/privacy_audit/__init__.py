"""Attack the agency's own encodings before they leave, under keys that are thrown away."""

from __future__ import annotations

from encoding.privacy_audit.audit import Audit, AuditScope, audit_sample
from encoding.privacy_audit.goals import Outcome, judge_audit

__all__ = ["Audit", "AuditScope", "Outcome", "audit_sample", "judge_audit"]

"""Audit trail: entries, recording, hash chain, checkpoints, denials."""

"""Dispensing queue, locking order, holds, returns, labels."""

"""Records that may be one patient: found by the clock, decided by people."""

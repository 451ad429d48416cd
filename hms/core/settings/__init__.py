"""Settings of the hospital: definitions and stored values."""

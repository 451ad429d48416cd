"""Over which channels a patient wants messages, and in which language."""

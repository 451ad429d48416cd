"""The death of a patient: recorded, corrected, taken back, and what ends with it."""

"""The consultation: encounters, vitals, diagnoses, prescriptions, notes."""

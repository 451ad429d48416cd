"""ICD-10, coded search, diagnoses."""

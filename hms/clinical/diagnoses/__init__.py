"""ICD-10, search for codes, diagnoses of encounters."""

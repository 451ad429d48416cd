"""The problem list of a patient: kept by hand, apart from the diagnoses of visits."""

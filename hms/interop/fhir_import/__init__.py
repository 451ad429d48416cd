"""Import of FHIR bulk files."""

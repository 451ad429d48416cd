"""Export of FHIR bulk files."""

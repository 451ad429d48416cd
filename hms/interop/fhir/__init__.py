"""FHIR R4: fields, NDJSON, references, dosage."""

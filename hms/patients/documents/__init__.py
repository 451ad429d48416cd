"""Documents and the photo of a patient: uploaded, checked, scanned, shown, entered in error."""

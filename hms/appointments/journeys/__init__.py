"""The way of a patient through the hospital on one day."""

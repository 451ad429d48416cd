"""The waiting list: patients who wait for a place with a doctor or in a department, and places that became free."""

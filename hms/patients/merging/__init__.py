"""Two records of one patient become one, and are separated again: requests, approval by a second person, moved rows."""

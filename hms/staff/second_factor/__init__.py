"""One-time codes, recovery codes, enrolment."""

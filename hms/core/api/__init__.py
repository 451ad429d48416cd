"""JSON API: blueprint, pagination, preconditions, audit of reads."""

"""JSON API: blueprint, fields, parameters, pagination, preconditions."""

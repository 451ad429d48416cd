"""Finding patients: query parser, conditions, ranking, duplicate scoring."""

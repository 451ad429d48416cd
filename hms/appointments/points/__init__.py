"""Service points: places with a line of their own, kept by administrators."""

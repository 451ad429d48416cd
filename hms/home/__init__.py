"""Home: the signed-in person's desk of the day and the find box. Reads only."""

"""How long patients wait: the pace of each doctor, from the calls of the last weeks, and what it means for who waits now."""

"""How long patients wait: the pace of each doctor and service point in the last weeks, and what it means for who waits now."""

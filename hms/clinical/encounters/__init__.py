"""The encounter, its history, drafts, addenda, read audit."""

"""Encounters: history, drafts, addenda, audit of reads."""

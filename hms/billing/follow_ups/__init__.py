"""Free follow-up visits: a consultation that was paid covers some visits for some days."""

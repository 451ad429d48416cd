"""The pharmacist's pages of the safety rules: browsing, changing by two, what fired, trying a change, files."""

"""The one page that shows and saves an encounter."""

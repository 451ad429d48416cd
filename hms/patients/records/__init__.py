"""The record: pages, API, banner, card."""

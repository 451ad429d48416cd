"""Allergy, interaction, dose, age and pregnancy checks."""

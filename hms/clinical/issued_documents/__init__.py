"""Documents that a doctor hands out after a visit: prescription, referral letter, sick note and visit summary."""

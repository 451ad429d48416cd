"""What medicines the hospital knows: their strengths, usual doses, allergy classes and interactions."""

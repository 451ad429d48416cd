"""How a message leaves the hospital: e-mail, and SMS through a gateway."""

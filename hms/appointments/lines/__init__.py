"""The lines of service points, and the way of a patient from one line to the next."""

"""Laboratory: tests ordered, samples, results and who has seen them."""

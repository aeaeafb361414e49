"""The parts of the gradient check: a layer set apart, what is sampled, compared and reported."""

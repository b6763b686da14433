"""Model builders, one architecture a file: `build(input_shape, n_classes, ...)` returns a compiled model."""

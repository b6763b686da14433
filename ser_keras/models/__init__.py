"""Model builders: `build(input_shape, n_classes, ...)` returns a compiled `keras.Model`; one architecture a file."""

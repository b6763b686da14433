"""Fitting a model: schedules, activations, batches, scaling."""

"""Evaluation: metrics, intervals, verdicts, comparisons."""

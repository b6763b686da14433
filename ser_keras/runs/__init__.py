"""Runs: what a paper's code asks for, what a run was, its folder, and whether it still counts."""

"""`paper.toml`: what a paper reports and leaves open."""

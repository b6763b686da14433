"""Protocols: named ways to divide examples, views of another protocol's runs, and the audit."""

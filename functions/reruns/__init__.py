"""Reruns in bulk: which files, how far they are, and what came of them."""

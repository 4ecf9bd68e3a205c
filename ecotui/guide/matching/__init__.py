"""Matches error text of any size against the signatures of a guide."""

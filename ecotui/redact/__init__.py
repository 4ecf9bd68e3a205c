"""Masks secrets in text: patterns of tokens and keys, and the redactor that applies them."""

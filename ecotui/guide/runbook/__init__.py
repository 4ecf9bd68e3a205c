"""Turns an entry of a guide into steps that can be run, copied or ticked."""

"""Reads a guide: Markdown documents and their overlays become a library of entries."""

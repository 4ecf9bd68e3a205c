"""Exports of a session: HTML, Markdown and JSON."""

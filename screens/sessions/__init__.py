"""Screens of past sessions: the list, one session, replay, comparison, durations, and the sessions of the team."""

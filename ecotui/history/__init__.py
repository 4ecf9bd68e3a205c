"""Past sessions with their outputs and the guide: replay, comparison, durations, diagnoses, archives, exports."""

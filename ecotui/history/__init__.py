"""Past sessions looked at together with their outputs and the guide: replay, comparison, usual times, diagnoses."""

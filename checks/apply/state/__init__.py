"""What an interrupted apply leaves in the state, or beside it."""

"""How things look: themes, icons, muted text, columns."""

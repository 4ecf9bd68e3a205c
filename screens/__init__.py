"""Everything that is drawn: one module and one .tcss a screen, shared parts in widgets/."""

"""The team's troubleshooting guide: read as written, searched, matched to errors, followed as runbooks."""

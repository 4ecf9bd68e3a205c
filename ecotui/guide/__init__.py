"""The team's troubleshooting guide: read as it is written, searched, and matched to errors."""

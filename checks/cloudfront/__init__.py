"""Step 6: the CloudFront distributions."""

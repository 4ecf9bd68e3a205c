"""What AWS would refuse to destroy."""

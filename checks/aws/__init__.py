"""AWS in general: session, errors, fixes, IAM actions, S3 objects, the lease, quotas of vCPUs, network interfaces."""

"""Why a resource is still being created: what AWS shows of it. One module an AWS service."""

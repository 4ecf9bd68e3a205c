terraform {
  required_version = ">= 1.5"

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = "~> 5.100"
    }
  }
}

provider "aws" {
  region = var.region

  # Buckets by path instead of by host name: the demo's AWS has one address. Real AWS accepts it as well.
  s3_use_path_style = true

  default_tags {
    tags = local.tags
  }
}

# CloudFront takes its certificate from us-east-1 only.
provider "aws" {
  alias             = "us_east_1"
  region            = "us-east-1"
  s3_use_path_style = true

  default_tags {
    tags = local.tags
  }
}

locals {
  tags = {
    Project     = "SeSACTHON"
    ManagedBy   = "Terraform"
    Environment = var.environment
    Team        = "Backend"
  }
}

# A small project of our own, applied for real against a local AWS: one of each kind that collides by its name.
terraform {
  required_version = ">= 1.5"
  required_providers {
    aws = { source = "hashicorp/aws" }
  }
}

provider "aws" {
  region = var.region
}

variable "region" {
  default = "ap-northeast-2"
}

variable "instances" {
  default = 2
}

variable "bucket" {
  default = "prod-fixture-images"
}

variable "password" {
  default   = "not-for-the-screen"
  sensitive = true
}

resource "aws_vpc" "this" {
  cidr_block = "10.9.0.0/16"
  tags       = { Name = "fixture" }
}

resource "aws_subnet" "this" {
  vpc_id     = aws_vpc.this.id
  cidr_block = "10.9.1.0/24"
}

resource "aws_security_group" "node" {
  name   = "fixture-node"
  vpc_id = aws_vpc.this.id
}

resource "aws_key_pair" "this" {
  key_name   = "k8s-cluster-key"
  public_key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ2Vgk1Ya7E3XGXJKH2cJ9mGmFmSbjMJYv1oVjK1aYfP fixture"
}

resource "aws_iam_policy" "controller" {
  name = "prod-alb-controller-policy"
  policy = jsonencode({
    Version   = "2012-10-17"
    Statement = [{ Effect = "Allow", Action = "ec2:DescribeVpcs", Resource = "*" }]
  })
}

resource "aws_iam_role" "node" {
  for_each = toset(["master", "worker"])
  name     = "prod-${each.key}-role"
  assume_role_policy = jsonencode({
    Version   = "2012-10-17"
    Statement = [{ Effect = "Allow", Action = "sts:AssumeRole", Principal = { Service = "ec2.amazonaws.com" } }]
  })
}

resource "aws_iam_instance_profile" "node" {
  name = "prod-node-profile"
  role = aws_iam_role.node["master"].name
}

resource "aws_s3_bucket" "images" {
  bucket = var.bucket
}

resource "aws_cloudwatch_log_group" "cluster" {
  name = "/fixture/cluster"
}

resource "aws_ssm_parameter" "secret" {
  name  = "/fixture/password"
  type  = "SecureString"
  value = var.password
}

resource "aws_dynamodb_table" "locks" {
  name         = "fixture-locks"
  billing_mode = "PAY_PER_REQUEST"
  hash_key     = "id"
  attribute {
    name = "id"
    type = "S"
  }
}

# Its name holds the id of the VPC: nobody can know it before the apply.
resource "aws_ecr_repository" "late" {
  name = "fixture/${aws_vpc.this.id}"
}

resource "aws_instance" "node" {
  count         = var.instances
  ami           = "ami-0123456789abcdef0"
  instance_type = "t3a.large"
  subnet_id     = aws_subnet.this.id
  key_name      = aws_key_pair.this.key_name
}

output "vpc" {
  value = aws_vpc.this.id
}

output "password" {
  value     = var.password
  sensitive = true
}

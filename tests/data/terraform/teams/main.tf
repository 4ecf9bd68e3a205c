# A project of modules: names under for_each and count, inside of modules, and names that nobody can know before.
terraform {
  required_version = ">= 1.5"
  required_providers {
    aws = { source = "hashicorp/aws" }
  }
}

provider "aws" {
  region = "ap-northeast-2"
}

variable "alias_key" {
  type        = string
  description = "A key that is there: its alias is made here"
}

module "team" {
  source   = "./team"
  for_each = toset(["api", "web"])
  name     = each.key
}

module "none" {
  source = "./team"
  count  = 0
  name   = "nobody"
}

# IAM tells names apart neither by their case nor by their path.
resource "aws_iam_role" "case" {
  name               = "Teams-Deployer"
  assume_role_policy = local.assume
}

resource "aws_iam_policy" "path" {
  name = "teams-read"
  path = "/teams/"
  policy = jsonencode({
    Version   = "2012-10-17"
    Statement = [{ Effect = "Allow", Action = "s3:GetObject", Resource = "*" }]
  })
}

resource "aws_iam_user" "robot" {
  count = 3
  name  = "teams-robot-${count.index}"
}

resource "aws_iam_group" "people" {
  name = "teams-people"
}

resource "aws_iam_openid_connect_provider" "actions" {
  url             = "https://token.actions.example.com"
  client_id_list  = ["sts.amazonaws.com"]
  thumbprint_list = ["6938fd4d98bab03faadb97b34396831e3780aea1"]
}

resource "aws_iam_service_linked_role" "scaling" {
  aws_service_name = "autoscaling.amazonaws.com"
}

resource "aws_sqs_queue" "jobs" {
  name                       = "teams-jobs"
  visibility_timeout_seconds = 120
}

resource "aws_secretsmanager_secret" "token" {
  name = "teams/token"
}

resource "aws_kms_alias" "main" {
  name          = "alias/teams"
  target_key_id = var.alias_key
}

resource "aws_dynamodb_table" "sessions" {
  for_each     = { there = "teams-sessions", new = "teams-sessions-2" }
  name         = each.value
  billing_mode = "PAY_PER_REQUEST"
  hash_key     = "id"
  attribute {
    name = "id"
    type = "S"
  }
}

resource "aws_kinesis_stream" "events" {
  name        = "teams-events"
  shard_count = 1
}

# Known only after the apply, although every one of these is free.
resource "aws_ssm_parameter" "late" {
  count = 2
  name  = "/teams/${aws_iam_user.free.unique_id}/${count.index}"
  type  = "String"
  value = "x"
}

resource "aws_iam_user" "free" {
  name = "teams-nobody-has-this"
}

# Made by the provider: nobody has such a name.
resource "aws_iam_role" "generated" {
  name_prefix        = "teams-"
  assume_role_policy = local.assume
}

locals {
  assume = jsonencode({
    Version   = "2012-10-17"
    Statement = [{ Effect = "Allow", Action = "sts:AssumeRole", Principal = { Service = "ec2.amazonaws.com" } }]
  })
}

# What stands before a cluster: load balancers, groups, records, delivery. In a VPC and a zone that are there already, and
# beyond the quotas of the account.
terraform {
  required_version = ">= 1.5"
  required_providers {
    aws = { source = "hashicorp/aws" }
  }
}

provider "aws" {
  region            = "us-west-2"
  s3_use_path_style = true
}

provider "aws" {
  alias  = "far"
  region = "eu-west-1"
}

variable "vpc" {
  type = string
}

variable "subnets" {
  type = list(string)
}

data "aws_route53_zone" "main" {
  name = "edge.example"
}

resource "aws_security_group" "lb" {
  for_each = toset(["edge-lb", "edge-free"])
  name     = each.key
  vpc_id   = var.vpc
}

resource "aws_vpc" "new" {
  cidr_block = "10.77.0.0/16"
}

# The same name as one in the other VPC: in a new one it is free.
resource "aws_security_group" "in_new" {
  name   = "edge-lb"
  vpc_id = aws_vpc.new.id
}

resource "aws_lb" "main" {
  name            = "edge"
  subnets         = var.subnets
  security_groups = [aws_security_group.lb["edge-free"].id]
}

resource "aws_lb_target_group" "main" {
  count    = 2
  name     = "edge-${count.index}"
  port     = 80
  protocol = "HTTP"
  vpc_id   = var.vpc
}

resource "aws_launch_template" "node" {
  name          = "edge-node"
  image_id      = "ami-0123456789abcdef0"
  instance_type = "t3.micro"
}

resource "aws_autoscaling_group" "node" {
  name                      = "edge-nodes"
  availability_zones        = ["us-west-2a"]
  min_size                  = 0
  max_size                  = 2
  desired_capacity          = 0
  wait_for_capacity_timeout = "0"
  launch_template {
    name = "edge-old"
  }
}

resource "aws_key_pair" "operator" {
  for_each   = { here = "edge-operator", other = "edge-operator-2" }
  key_name   = each.value
  public_key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ2Vgk1Ya7E3XGXJKH2cJ9mGmFmSbjMJYv1oVjK1aYfP fixture"
}

# The key pair of this name is in us-west-2; this one is for another region.
resource "aws_key_pair" "far" {
  provider   = aws.far
  key_name   = "edge-operator"
  public_key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ2Vgk1Ya7E3XGXJKH2cJ9mGmFmSbjMJYv1oVjK1aYfP fixture"
}

resource "aws_route53_record" "web" {
  for_each = toset(["www", "api", "*.wild"])
  zone_id  = data.aws_route53_zone.main.zone_id
  name     = each.key
  type     = "A"
  ttl      = 60
  records  = ["192.0.2.7"]
}

# Without a name of its own: the zone's.
resource "aws_route53_record" "apex" {
  zone_id = data.aws_route53_zone.main.zone_id
  name    = ""
  type    = "A"
  ttl     = 60
  records = ["192.0.2.7"]
}

# Of the same name as one that is there, but of another type.
resource "aws_route53_record" "text" {
  zone_id = data.aws_route53_zone.main.zone_id
  name    = "www.edge.example"
  type    = "TXT"
  ttl     = 60
  records = ["x"]
}

resource "aws_s3_bucket" "theirs" {
  bucket = "edge-somebody-elses-bucket"
}

resource "aws_s3_bucket" "ours" {
  bucket = "edge-our-bucket"
}

resource "aws_cloudfront_origin_access_control" "main" {
  name                              = "edge"
  origin_access_control_origin_type = "s3"
  signing_behavior                  = "always"
  signing_protocol                  = "sigv4"
}

resource "aws_cloudfront_function" "rewrite" {
  name    = "edge-rewrite"
  runtime = "cloudfront-js-2.0"
  code    = "function handler(event) { return event.request }"
}

resource "aws_db_subnet_group" "main" {
  name       = "edge"
  subnet_ids = var.subnets
}

# Four addresses are taken of the five that the account may have.
resource "aws_eip" "entry" {
  count  = 3
  domain = "vpc"
}

# 96 vCPUs, where 16 are allowed.
resource "aws_instance" "giant" {
  ami           = "ami-0123456789abcdef0"
  instance_type = "m5.24xlarge"
  subnet_id     = var.subnets[0]
}

# Two of one plan with one name: the second is refused, whichever that is.
resource "aws_cloudwatch_log_group" "first" {
  name = "/edge/twice"
}

resource "aws_cloudwatch_log_group" "second" {
  name       = "/edge/twice"
  depends_on = [aws_cloudwatch_log_group.first]
}

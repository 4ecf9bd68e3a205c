variable "name" {
  type = string
}

resource "aws_ecr_repository" "this" {
  name = "teams/${var.name}"
}

resource "aws_cloudwatch_log_group" "this" {
  name = "/teams/${var.name}"
}

# Two in one module that differ by their key only.
resource "aws_ssm_parameter" "this" {
  for_each = toset(["url", "key"])
  name     = "/teams/${var.name}/${each.key}"
  type     = "String"
  value    = "x"
}

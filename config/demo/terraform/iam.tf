data "aws_iam_policy_document" "ec2_assumes" {
  statement {
    actions = ["sts:AssumeRole"]

    principals {
      type        = "Service"
      identifiers = ["ec2.amazonaws.com"]
    }
  }
}

resource "aws_iam_role" "k8s_node" {
  name               = "${var.environment}-k8s-node-role"
  description        = "The nodes of the cluster"
  assume_role_policy = data.aws_iam_policy_document.ec2_assumes.json
}

resource "aws_iam_instance_profile" "k8s_node" {
  name = "${var.environment}-k8s-node-profile"
  role = aws_iam_role.k8s_node.name
}

data "aws_iam_policy_document" "alb_controller" {
  statement {
    actions = [
      "ec2:DescribeSubnets",
      "ec2:DescribeSecurityGroups",
      "elasticloadbalancing:*",
    ]
    resources = ["*"]
  }
}

resource "aws_iam_policy" "alb_controller" {
  name        = "${var.environment}-alb-controller-policy"
  description = "AWS Load Balancer Controller"
  policy      = data.aws_iam_policy_document.alb_controller.json
}

resource "aws_iam_role_policy_attachment" "alb_controller" {
  role       = aws_iam_role.k8s_node.name
  policy_arn = aws_iam_policy.alb_controller.arn
}

data "aws_iam_policy_document" "s3_presigned_url" {
  statement {
    actions   = ["s3:PutObject", "s3:GetObject"]
    resources = ["${aws_s3_bucket.images.arn}/*"]
  }
}

resource "aws_iam_policy" "s3_presigned_url" {
  name        = "${var.environment}-s3-presigned-url-policy"
  description = "Presigned URLs for the image bucket"
  policy      = data.aws_iam_policy_document.s3_presigned_url.json
}

resource "aws_iam_role_policy_attachment" "s3_presigned_url" {
  role       = aws_iam_role.k8s_node.name
  policy_arn = aws_iam_policy.s3_presigned_url.arn
}

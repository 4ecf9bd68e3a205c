locals {
  # 13 nodes; every one of these types has 2 vCPUs, so the quota L-1216C47A must be 26 or more.
  nodes = merge(
    { "k8s-master" = { role = "master", type = var.master_instance_type, disk = 80 } },
    { for name in ["auth", "my", "scan", "character", "location", "chat"] :
    "k8s-api-${name}" => { role = "api", type = var.api_instance_type, disk = 20 } },
    { for name in ["storage", "ai"] :
    "k8s-worker-${name}" => { role = "worker", type = var.worker_instance_type, disk = 40 } },
    { for name in ["postgresql", "redis", "rabbitmq", "monitoring"] :
    "k8s-infra-${name}" => { role = "infra", type = var.infra_instance_type, disk = 80 } },
  )
  order = sort(keys(local.nodes))
}

data "aws_ami" "ubuntu" {
  most_recent = true
  owners      = ["099720109477"] # Canonical

  filter {
    name   = "name"
    values = ["ubuntu/images/hvm-ssd/ubuntu-jammy-22.04-amd64-server-*"]
  }
}

resource "aws_key_pair" "k8s" {
  key_name   = "k8s-cluster-key"
  public_key = file("${path.module}/k8s-cluster-key.pub")
}

resource "aws_instance" "node" {
  for_each = local.nodes

  ami                    = data.aws_ami.ubuntu.id
  instance_type          = each.value.type
  subnet_id              = aws_subnet.public[index(local.order, each.key) % length(aws_subnet.public)].id
  vpc_security_group_ids = [aws_security_group.nodes.id]
  key_name               = aws_key_pair.k8s.key_name
  iam_instance_profile   = aws_iam_instance_profile.k8s_node.name

  root_block_device {
    volume_size = each.value.disk
    volume_type = "gp3"
  }

  tags = {
    Name = each.key
    Role = each.value.role
  }

  lifecycle {
    ignore_changes = [ami]
  }
}

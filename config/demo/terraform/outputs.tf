output "master_ip" {
  description = "The public address of the master"
  value       = aws_eip.master.public_ip
}

output "node_private_ips" {
  description = "The private address of each node"
  value       = { for name, node in aws_instance.node : name => node.private_ip }
}

output "node_instance_ids" {
  value = { for name, node in aws_instance.node : name => node.id }
}

output "vpc_id" {
  value = aws_vpc.main.id
}

output "cdn_domain" {
  value = aws_cloudfront_distribution.images.domain_name
}

output "images_bucket" {
  value = aws_s3_bucket.images.bucket
}

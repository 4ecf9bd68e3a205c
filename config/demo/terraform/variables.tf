variable "region" {
  type    = string
  default = "ap-northeast-2"
}

variable "environment" {
  type    = string
  default = "prod"
}

variable "domain" {
  type    = string
  default = "growbin.example"
}

variable "master_instance_type" {
  type    = string
  default = "t3a.large"
}

variable "api_instance_type" {
  type    = string
  default = "t3a.medium"
}

variable "worker_instance_type" {
  type    = string
  default = "t3a.large"
}

variable "infra_instance_type" {
  type    = string
  default = "t3a.medium"
}

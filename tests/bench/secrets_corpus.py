"""Output as the tools write it, with made-up secrets in it: each line with the secrets that must not be left of it."""

from __future__ import annotations

import base64
import random
import string
from collections.abc import Iterator
from urllib.parse import quote

ALNUM = string.ascii_letters + string.digits
BASE64 = ALNUM + "+/"
KNOWN = {
    "TF_VAR_db_password": "pa55+w/rd=&ü ok?",
    "GRAFANA_ADMIN_TOKEN": "k9Zt/3q+PlainLooking==7",
    "JWT_SECRET": 'with"quote\\and$igns-42',
}
"""Variables of the session: their values are masked wherever they stand, and however they are written."""


def _word(chance: random.Random, length: int, signs: str = ALNUM) -> str:
    return "".join(chance.choices(signs, k=length - 1)) + chance.choice(string.digits)


def lines(chance: random.Random) -> Iterator[tuple[str, str, list[str]]]:
    """One of each kind: its name, the text (with newlines in it where it has any), its secrets."""
    akid = chance.choice(("AKIA", "ASIA")) + "".join(chance.choices(string.ascii_uppercase + "234567", k=16))
    key, session = _word(chance, 40, BASE64), "IQoJb3JpZ2luX2Vj" + _word(chance, 400, BASE64) + "=="
    yield "aws key id", f"  access_key = {akid}", [akid]
    yield "aws export", f"export AWS_SECRET_ACCESS_KEY={key}", [key]
    yield "aws credentials file", f"aws_secret_access_key = {key}", [key]
    yield "aws session token", f"export AWS_SESSION_TOKEN={session}", [session]
    yield "aws sts json", f'"SecretAccessKey": "{key}", "SessionToken": "{session}",', [key, session]
    for prefix in ("ghp_", "gho_", "ghu_", "ghs_", "ghr_"):
        token = prefix + _word(chance, 36)
        yield f"github {prefix}", f"remote: using {token} for github.com", [token]
    token = f"github_pat_{_word(chance, 22)}_{_word(chance, 59)}"
    yield "github fine-grained", f"GH_TOKEN is {token}.", [token]
    for kind in ("RSA ", "OPENSSH ", "EC ", "ENCRYPTED ", ""):
        body = [_word(chance, 64, BASE64) for _ in range(12)]
        text = f"-----BEGIN {kind}PRIVATE KEY-----\n" + "\n".join(body) + f"\n-----END {kind}PRIVATE KEY-----"
        yield f"private key {kind}", text, body
        yield f"private key {kind}in JSON", '"key": "' + text.replace("\n", "\\n") + '"', body
    password = _word(chance, 14)
    yield "password in a url", f"postgres://app:{password}@db.internal:5432/eco", [password]
    yield "clone url", f"Cloning into https://x-access-token:{token}@github.com/o/r.git", [token]
    yield "redis url", f"redis://:{password}@cache:6379/0", [password]
    data = _word(chance, 1_600, BASE64)
    jwt = ".".join(
        (
            "eyJhbGciOiJSUzI1NiJ9",
            "eyJ" + _word(chance, 600, ALNUM + "-_"),
            _word(chance, 340, ALNUM + "-_"),
        )
    )
    yield "kubeconfig key", f"    client-key-data: {data}==", [data]
    yield "kubeconfig token", f"    token: {jwt}", [jwt[30:]]
    yield "kubeconfig password", f"    password: {password}", [password]
    auth = base64.b64encode(f"eco:{_word(chance, 20)}".encode()).decode()
    yield "docker auth", f'"https://index.docker.io/v1/": {{"auth": "{auth}"}}', [auth]
    yield "docker identity token", f'"identitytoken": "{_word(chance, 3)}{data[:60]}"', [data[:60]]
    yield (
        "dockerconfigjson",
        f"  .dockerconfigjson: {base64.b64encode(data[:120].encode()).decode()}",
        [base64.b64encode(data[:120].encode()).decode()],
    )
    yield "terraform output", f'db_password = "{password}"', [password]
    yield (
        "terraform output json",
        f'"db_password": {{"sensitive": true, "type": "string", "value": "{password}"}}',
        [password],
    )
    yield (
        "terraform value first",
        f'"out": {{"value": "{password}", "type": "string", "sensitive": true}}',
        [password],
    )
    yield "bearer", f"> Authorization: Bearer {jwt}", [jwt[30:]]
    yield "bearer opaque", f"authorization: bearer {_word(chance, 5)}{key[:30]}", [key[:30]]
    yield "basic", f'"Authorization": "Basic {auth}"', [auth]
    yield (
        "kubeadm",
        f"kubeadm join 10.0.1.10:6443 --token {_word(chance, 6).lower()}.{password.lower()}",
        [password.lower()],
    )
    yield "curl -u", f"curl -u eco:{password} https://registry.internal/v2/", [password]
    yield (
        "presigned",
        f"https://b.s3.amazonaws.com/k?X-Amz-Signature={_word(chance, 64, '0123456789abcdef')}",
        [],
    )
    yield (
        "k8s secret",
        f"  api-token: {base64.b64encode(key.encode()).decode()}",
        [base64.b64encode(key.encode()).decode()],
    )
    yield from _tools(chance, akid, key, session, jwt, password)
    yield "env dump", f"SLACK_BOT_TOKEN=xoxb-{_word(chance, 40)}", []
    for name, value in KNOWN.items():
        raw = value.encode()
        for form in (value, base64.b64encode(raw).decode(), quote(value, safe="")):
            yield f"known {name}", f"the value of it is [{form}] there", [form]
        whole = base64.b64encode(b"user:" + raw + b"\n").decode()
        yield f"known {name} inside base64", f"data {whole}", [whole[10:-8]]
        hexed = raw.hex()
        yield f"known {name} in hex", f"data {hexed}", [hexed]


def _tools(
    chance: random.Random, akid: str, key: str, session: str, jwt: str, password: str
) -> Iterator[tuple[str, str, list[str]]]:
    """What tools print when they are asked for everything: TF_LOG=debug, --raw, and the files that logins leave."""
    request = (
        "2026-11-23T14:03:11.512+0900 [DEBUG] provider.terraform-provider-aws_v5.100.0_x5: HTTP Request Sent: "
        f'http.request.header.authorization="AWS4-HMAC-SHA256 Credential={akid[:4]}************{akid[-4:]}/20261123/'
        f'ap-northeast-2/ec2/aws4_request" http.request.header.x_amz_security_token="{session}" http.method=POST'
    )
    yield "terraform provider debug", request, [session]
    headers = (
        f"---[ REQUEST ]---\nHost: ec2.amazonaws.com\nX-Amz-Security-Token: {session}\nX-Amz-Date: 20261123T050311Z"
    )
    yield "aws sdk debug", headers, [session]
    credential = f"Credential={akid}/20261123/ap-northeast-2/ec2/aws4_request, SignedHeaders=host, Signature=0a1b2c"
    yield "signed request", f"Authorization: AWS4-HMAC-SHA256 {credential}", [akid]
    yield "terraform plan", f'      + master_password      = "{password}"', [password]
    yield "terraform plan, changed", f'      ~ auth_token = "{key}" -> "{key[::-1]}"', [key]
    yield (
        "terraform state json",
        f'"values": {{"username": "eco", "password": "{password}", "port": 5432}}',
        [password],
    )
    yield "tfvars", f'db_password="{password}"\ngithub_token = "ghs_{_word(chance, 36)}"', [password]
    data, cert = _word(chance, 1_600, BASE64), _word(chance, 800, BASE64)
    raw = (
        "users:\n- name: eco-admin\n  user:\n"
        f"    client-certificate-data: {cert}==\n    client-key-data: {data}=\n    token: {jwt}\n"
    )
    yield "kubectl config view --raw", raw, [data, jwt[30:]]
    opaque = _word(chance, 32)
    yield "kubeconfig, an opaque token", f"- name: ci\n  user:\n    token: {opaque}", [opaque]
    coded = base64.b64encode(password.encode()).decode()
    yield "kubectl get secret -o yaml", f"data:\n  password: {coded}\n  username: ZWNv", [coded]
    auth = base64.b64encode(f"AWS:{_word(chance, 600, BASE64)}".encode()).decode()
    config = f'{{\n\t"auths": {{\n\t\t"123.dkr.ecr.amazonaws.com": {{\n\t\t\t"auth": "{auth}"\n\t\t}}\n\t}}\n}}'
    yield "docker config.json", config, [auth]
    yield "docker hub token", f"docker login -u eco -p dckr_pat_{opaque[:27]}", [opaque[:27]]
    npm = "npm_" + _word(chance, 36)
    yield "npmrc", f"//registry.npmjs.org/:_authToken={npm}", [npm]
    yield "npmrc, a token of another registry", f"//npm.internal/:_authToken={opaque}", [opaque]
    basic = base64.b64encode(f"eco:{password}".encode()).decode()
    yield "npmrc, basic", f"//npm.internal/:_auth={basic}", [basic]
    yield "npm in an error", f"npm ERR! 401 with {npm}", [npm]
    yield "netrc", f"machine github.com login eco-bot password {password}", [password]
    yield "netrc on lines", f"machine api.github.com\n  login eco-bot\n  password {password}\n", [password]
    yield "netrc, no indent", f"machine api.github.com\nlogin eco-bot\npassword {password}\n", [password]
    pypi = "pypi-AgEIcHlwaS5vcmc" + _word(chance, 150, ALNUM + "-_")
    yield "pypi", f"TWINE uses {pypi} now", [pypi]
    for prefix in ("glpat-", "glrt-", "gldt-", "glcbt-64_"):
        token = prefix + _word(chance, 24)
        yield f"gitlab {prefix}", f"cloning with {token} from gitlab", [token]
    for slack in (
        f"xoxb-{chance.randrange(10**11)}-{chance.randrange(10**12)}-{_word(chance, 24)}",
        f"xoxp-{chance.randrange(10**11)}-{_word(chance, 32).lower()}",
        f"xapp-1-A0{_word(chance, 9).upper()}-{chance.randrange(10**12)}-{_word(chance, 64).lower()}",
        f"xoxe.xoxp-1-{_word(chance, 140)}",
    ):
        yield f"slack {slack[:4]}", f"posting with {slack}", [slack]
    hook = f"T{_word(chance, 9).upper()}/B{_word(chance, 9).upper()}/{_word(chance, 24)}"
    yield "slack webhook", f"curl -X POST https://hooks.slack.com/services/{hook}", [hook]
    google = "AIza" + _word(chance, 35, ALNUM + "-_")
    yield "google api key", f"https://maps.googleapis.com/maps/api/js?key={google}", [google]
    id_token = ".".join(("eyJraWQiOiJhIn0", "eyJ" + _word(chance, 200, ALNUM + "-_"), _word(chance, 86, ALNUM + "-_")))
    yield "jwt in a url", f"GET /callback?id_token={id_token}&state=x", [id_token[20:]]
    yield "jwt in json", f'{{"id_token":"{id_token}","expires_in":3600}}', [id_token[20:]]
    yield "vault", f"VAULT_TOKEN hvs.{_word(chance, 90, ALNUM + '-_')}", []
    yield "export with quotes", f"declare -x DB_PASSWORD='{password}'", [password]
    yield "yaml secret in an error", f'Error: line 12: api_key: "{key}" is not valid', [key]


HARMLESS = (
    "aws_instance.api[{n}]: Still creating... [{n}m10s elapsed] id=i-0{h17}",
    "aws_vpc.main: Creation complete after 2s [id=vpc-0{h17}]",
    "arn:aws:iam::{d12}:role/eco-node-role-{n} arn:aws:secretsmanager:ap-northeast-2:{d12}:secret:eco/db-{h6}",
    "commit {h40} sha256:{h64} refs/heads/main",
    "/home/ubuntu/.ssh/id_rsa.pub /etc/kubernetes/pki/apiserver.key eco/terraform/modules/network/main.tf",
    "Error: creating IAM Policy (eco-{n}): EntityAlreadyExists: A policy called eco-{n} already exists. "
    "status code: 409, request id: {h8}-{h4}-{h4}-{h4}-{h12}",
    "token expired, log in again; the secret eco-db was not found; password required for sudo",
    "serviceaccount/default-token-{h5} kubernetes.io/service-account-token 3 {n}d secret/api-tls kubernetes.io/tls",
    "https://github.com/eco/repo/actions/runs/{d12} https://d{h12}.cloudfront.net/index.html ubuntu@10.0.1.{n}",
    "nodes: k8s-master Ready control-plane v1.28.4 10.0.1.{n} containerd://1.7.2",
    'aws_key_pair.main  key_name = "eco-key" public_key = "ssh-ed25519 AAAAC3Nza{h40} ubuntu@eco"',
    "certificate-authority-data: LS0tLS1CRUdJTi{h40}  max_token_count = 4096 secret_name: eco-db-{h6}",
    'token_ttl = "3600s" password_policy = "none" secret_version_id = "{h8}-{h4}" kms key {h8}-{h4}-{h4}-{h4}-{h12}',
    "xappearance-{h8} glue-{h12} glance-{h8} gloss AIRFLOW-{n} nginxapp-eco-{h6} npm_config_cache _authz = required",
    "basic_auth = enabled login page password reset for eco-{n} x-amz-request-id: {h12} --token-ttl 24h --password-stdin",
    "  password (sensitive value)\n  + token_endpoint = (known after apply) key_id = alias/eco-{n} key pair key-0{h17}",
    "원격 상태를 읽는 중: s3://eco-tfstate-{d12}/prod/terraform.tfstate 비밀번호 변경이 필요합니다",
)


def harmless(chance: random.Random) -> str:
    """A line of ordinary output: ids, ARNs, hashes, paths, and words such as token that are not one."""
    line = chance.choice(HARMLESS)
    for length in (4, 5, 6, 8, 12, 17, 40, 64):
        while f"{{h{length}}}" in line:
            line = line.replace(f"{{h{length}}}", f"{chance.getrandbits(4 * length):0{length}x}", 1)
    return line.replace("{d12}", str(chance.randrange(10**11, 10**12))).replace("{n}", str(chance.randrange(99)))

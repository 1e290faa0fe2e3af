"""Makes rs256.tar.gz and rs256.pem: a bundle signed as OPA's documentation says, by other code than ours.

https://www.openpolicyagent.org/docs/management-bundles#signature-format. Run in this directory with
Python's `cryptography`; the private key is made anew and thrown away.
"""

import base64
import gzip
import hashlib
import io
import json
import tarfile

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

FILES = {
    ".manifest": b'{"roots": ["sark/llm", "llm", "groups"], "revision": "2026-11-28.1",\n "metadata": {"x": 1.50}}',
    "set.yaml": b"# not read by OPA, but signed as it is\n",
    "llm/models.rego": b"# a policy\npackage sark.llm.models\n\ndecisions contains 1 if { false }\n",
    "data.json": '{ "llm": {"z": 1e3, "a": [1.50, -0, "\\u00e9 \\u2028 <&>\\t\\/"], "\\u00ff": null},'
    ' "groups": {} }'.encode(),
    "groups/data.yaml": b"ml-team: [ada, grace]\n",
}


class Number(str):
    pass


def walk(value):
    """Objects with their keys in order, no spaces, numbers as written."""
    if isinstance(value, Number):
        return str(value)
    if isinstance(value, dict):
        keys = sorted(value, key=lambda key: key.encode())
        return "{" + ",".join(text(key) + ":" + walk(value[key]) for key in keys) + "}"
    if isinstance(value, list):
        return "[" + ",".join(walk(item) for item in value) + "]"
    return text(value)


def text(value):
    written = json.dumps(value, ensure_ascii=False)
    return written.replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")


def hashed(name, octets):
    if name.endswith((".manifest", "data.json")):
        octets = walk(json.loads(octets, parse_int=Number, parse_float=Number)).encode()
    if name == "groups/data.yaml":
        octets = b'{"ml-team":["ada","grace"]}'
    return hashlib.sha256(octets).hexdigest()


def encode(octets):
    return base64.urlsafe_b64encode(octets).rstrip(b"=")


key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
entries = [
    {"name": name, "hash": hashed(name, octets), "algorithm": "SHA-256"}
    for name, octets in FILES.items()
]
header = {"alg": "RS256", "typ": "JWT", "kid": "secops"}
claims = {"files": entries, "scope": "write", "iat": 1790000000, "iss": "build"}
signed = b".".join(encode(json.dumps(part).encode()) for part in (header, claims))
token = signed + b"." + encode(key.sign(signed, padding.PKCS1v15(), hashes.SHA256()))
FILES[".signatures.json"] = json.dumps({"signatures": [token.decode()]}).encode()

archive = io.BytesIO()
with tarfile.open(fileobj=archive, mode="w", format=tarfile.PAX_FORMAT) as tar:
    for name, octets in FILES.items():
        # As OPA writes them.
        member = tarfile.TarInfo("/" + name)
        member.size = len(octets)
        tar.addfile(member, io.BytesIO(octets))
with open("rs256.tar.gz", "wb") as file:
    file.write(gzip.compress(archive.getvalue(), mtime=0))
with open("rs256.pem", "wb") as file:
    file.write(
        key.public_key().public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        )
    )

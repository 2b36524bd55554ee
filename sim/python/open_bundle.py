"""Opens an export's bundle with another implementation of HPKE (RFC 9180) and of AES-256-GCM, from docs/formats.md alone.

Arguments: the bundle and the recipient's private key. Prints the names of the files in it, one a line.
"""

import base64
import hmac
import struct
import sys

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand

bundle = open(sys.argv[1], "rb").read()
encoded = open(sys.argv[2]).read().split()[1]
private = X25519PrivateKey.from_private_bytes(base64.urlsafe_b64decode(encoded + "=="))

head, encapsulated, sealed, body = bundle[:74], bundle[74:106], bundle[106:154], bundle[154:]
assert head[:10] == b"SEGELBDL\x00\x01"
# RFC 9180 4.1, 5.1 and 5.2 for one message: sequence number 0.
KEM, SUITE = b"KEM\x00\x20", b"HPKE\x00\x20\x00\x01\x00\x02"


def extract(suite, salt, label, secret):
    return hmac.digest(salt or bytes(32), b"HPKE-v1" + suite + label + secret, "sha256")


def expand(suite, secret, label, info, length):
    info = length.to_bytes(2, "big") + b"HPKE-v1" + suite + label + info
    return HKDFExpand(hashes.SHA256(), length, info).derive(secret)


shared = private.exchange(X25519PublicKey.from_public_bytes(encapsulated))
public = private.public_key().public_bytes_raw()
assert public == head[42:74]
shared = expand(KEM, extract(KEM, b"", b"eae_prk", shared), b"shared_secret", encapsulated + public, 32)
context = b"\x00" + extract(SUITE, b"", b"psk_id_hash", b"")
context += extract(SUITE, b"", b"info_hash", b"segel/bundle@v1\x00")
secret = extract(SUITE, shared, b"secret", b"")
key = AESGCM(expand(SUITE, secret, b"key", context, 32)).decrypt(
    expand(SUITE, secret, b"base_nonce", context, 12), sealed, head
)

# The body: C2SP chunked-encryption, Cobblestone-256.
salt, commitment, chunks = body[:24], body[24:56], body[56:]
info = b"c2sp.org/chunked-encryption@v1+AEAD_AES_256_GCM\x00" + salt + head
derived = HKDFExpand(hashes.SHA512(), 32 + 12 + 32, info).derive(key)
assert derived[44:] == commitment
aead, nonce = AESGCM(derived[:32]), int.from_bytes(derived[32:44], "big")
plain = b""
for number, at in enumerate(range(0, len(chunks), 16400)):
    chunk = chunks[at : at + 16400]
    plain += aead.decrypt((nonce ^ number).to_bytes(12, "big"), chunk, None)
assert len(chunks) % 16400 != 0, "the last chunk is short"

at = 0
while True:
    (length,) = struct.unpack_from(">H", plain, at)
    at += 2
    if length == 0:
        break
    name = plain[at : at + length].decode()
    at += length
    (size,) = struct.unpack_from(">Q", plain, at)
    at += 8 + size
    print(name)
assert at == len(plain)

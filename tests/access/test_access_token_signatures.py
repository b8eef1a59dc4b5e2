import hmac
import uuid

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa

from app.access.jwk import encode_base64url
from tests.support.forged_tokens import (
    CLAIMS,
    HEADER,
    KEY_RING,
    SIGNING_KEY,
    create_tokens,
    forge_token,
    is_rejected,
    sign_raw,
    signing_input,
)

PUBLIC_PEM = SIGNING_KEY.public_key().public_bytes(
    serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
)
PUBLIC_DER = SIGNING_KEY.public_key().public_bytes(
    serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
)
PUBLIC_SSH = SIGNING_KEY.public_key().public_bytes(
    serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH
)


@pytest.mark.parametrize("alg", ["none", "None", "NONE", "nOnE", ""])
@pytest.mark.parametrize("signature", ["", "A" * 86])
def test_unsigned_token_is_rejected(alg: str, signature: str) -> None:
    assert is_rejected(f"{signing_input({**HEADER, 'alg': alg}, CLAIMS)}.{signature}")


@pytest.mark.parametrize(
    "secret",
    [PUBLIC_PEM, PUBLIC_PEM.strip(), PUBLIC_DER, PUBLIC_SSH, b"", KEY_RING.signing_active.encode()],
    ids=["pem", "pem-stripped", "der", "ssh", "empty", "kid"],
)
@pytest.mark.parametrize(("alg", "digest"), [("HS256", "sha256"), ("HS512", "sha512"), ("ES256", "sha512")])
def test_public_key_is_not_accepted_as_hmac_secret(secret: bytes, alg: str, digest: str) -> None:
    message = signing_input({**HEADER, "alg": alg}, CLAIMS)
    assert is_rejected(f"{message}.{encode_base64url(hmac.new(secret, message.encode(), digest).digest())}")


def test_rsa_signature_is_rejected() -> None:
    key = rsa.generate_private_key(65537, 2048)
    for alg in ("RS256", "PS256", "ES256"):
        message = signing_input({**HEADER, "alg": alg}, CLAIMS)
        signature = key.sign(message.encode(), padding.PKCS1v15(), hashes.SHA256())
        assert is_rejected(f"{message}.{encode_base64url(signature)}")


@pytest.mark.parametrize("alg", ["ES384", "ES512", "EdDSA", "es256", "ES256 ", "ES256K"])
def test_other_algorithm_with_signing_key_is_rejected(alg: str) -> None:
    message = signing_input({**HEADER, "alg": alg}, CLAIMS)
    for digest in (hashes.SHA256(), hashes.SHA384(), hashes.SHA512()):
        assert is_rejected(f"{message}.{encode_base64url(sign_raw(message.encode(), SIGNING_KEY, digest))}")


def test_signature_on_another_curve_is_rejected() -> None:
    assert is_rejected(forge_token({**HEADER, "alg": "ES384"}, key=ec.generate_private_key(ec.SECP384R1())))
    assert is_rejected(forge_token(key=ec.generate_private_key(ec.SECP384R1())))


def test_signature_of_another_key_is_rejected() -> None:
    assert is_rejected(forge_token(key=ec.generate_private_key(ec.SECP256R1())))


def test_der_signature_is_rejected() -> None:
    message = signing_input(HEADER, CLAIMS)
    assert is_rejected(
        f"{message}.{encode_base64url(SIGNING_KEY.sign(message.encode(), ec.ECDSA(hashes.SHA256())))}"
    )


@pytest.mark.parametrize(
    "signature",
    [bytes(64), b"\xff" * 64, bytes(63), bytes(65), b"", bytes(31) + b"\1" + bytes(31) + b"\1"],
    ids=["zero", "full", "short", "long", "empty", "ones"],
)
def test_invented_signature_is_rejected(signature: bytes) -> None:
    assert is_rejected(f"{signing_input(HEADER, CLAIMS)}.{encode_base64url(signature)}")


def test_any_changed_character_is_detected() -> None:
    token = forge_token()
    tokens = create_tokens()
    for position, character in enumerate(token):
        for other in {"A", "_", ".", "=", chr(ord(character) ^ 1)} - {character}:
            assert is_rejected(token[:position] + other + token[position + 1 :], tokens)


def test_token_in_another_encoding_is_rejected() -> None:
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    token = forge_token()
    last = alphabet.index(token[-1])
    for other in (last ^ 1, last ^ 2, last ^ 15):  # the last character encodes only two bits of the signature
        assert is_rejected(token[:-1] + alphabet[other])
    for variant in (
        f"{token}=",
        f"{token}==",
        f" {token}",
        f"{token} ",
        f"{token}\n",
        token.replace(".", "=.", 1),
    ):
        assert is_rejected(variant)


def test_parts_of_two_tokens_cannot_be_combined() -> None:
    first, second = (
        forge_token().split("."),
        forge_token(claims={**CLAIMS, "sub": str(uuid.uuid4())}).split("."),
    )
    assert is_rejected(".".join((first[0], first[1], second[2])))
    assert is_rejected(".".join((first[0], second[1], first[2])))

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
def test_unsigned_tokens_are_refused(alg: str, signature: str) -> None:
    assert is_rejected(f"{signing_input({**HEADER, 'alg': alg}, CLAIMS)}.{signature}")


@pytest.mark.parametrize(
    "secret",
    [PUBLIC_PEM, PUBLIC_PEM.strip(), PUBLIC_DER, PUBLIC_SSH, b"", KEY_RING.signing_active.encode()],
    ids=["pem", "pem-stripped", "der", "ssh", "empty", "kid"],
)
@pytest.mark.parametrize(("alg", "digest"), [("HS256", "sha256"), ("HS512", "sha512"), ("ES256", "sha512")])
def test_our_public_key_is_no_shared_secret(secret: bytes, alg: str, digest: str) -> None:
    message = signing_input({**HEADER, "alg": alg}, CLAIMS)
    assert is_rejected(f"{message}.{encode_base64url(hmac.new(secret, message.encode(), digest).digest())}")


def test_rsa_is_refused() -> None:
    key = rsa.generate_private_key(65537, 2048)
    for alg in ("RS256", "PS256", "ES256"):
        message = signing_input({**HEADER, "alg": alg}, CLAIMS)
        signature = key.sign(message.encode(), padding.PKCS1v15(), hashes.SHA256())
        assert is_rejected(f"{message}.{encode_base64url(signature)}")


@pytest.mark.parametrize("alg", ["ES384", "ES512", "EdDSA", "es256", "ES256 ", "ES256K"])
def test_other_algorithms_are_refused_even_under_our_key(alg: str) -> None:
    message = signing_input({**HEADER, "alg": alg}, CLAIMS)
    for digest in (hashes.SHA256(), hashes.SHA384(), hashes.SHA512()):
        assert is_rejected(f"{message}.{encode_base64url(sign_raw(message.encode(), SIGNING_KEY, digest))}")


def test_another_curve_is_refused() -> None:
    assert is_rejected(forge_token({**HEADER, "alg": "ES384"}, key=ec.generate_private_key(ec.SECP384R1())))
    assert is_rejected(forge_token(key=ec.generate_private_key(ec.SECP384R1())))


def test_another_key_is_refused() -> None:
    assert is_rejected(forge_token(key=ec.generate_private_key(ec.SECP256R1())))


def test_a_signature_in_der_is_refused() -> None:
    message = signing_input(HEADER, CLAIMS)
    assert is_rejected(
        f"{message}.{encode_base64url(SIGNING_KEY.sign(message.encode(), ec.ECDSA(hashes.SHA256())))}"
    )


@pytest.mark.parametrize(
    "signature",
    [bytes(64), b"\xff" * 64, bytes(63), bytes(65), b"", bytes(31) + b"\1" + bytes(31) + b"\1"],
    ids=["zero", "full", "short", "long", "empty", "ones"],
)
def test_made_up_signatures_are_refused(signature: bytes) -> None:
    assert is_rejected(f"{signing_input(HEADER, CLAIMS)}.{encode_base64url(signature)}")


def test_one_changed_character_anywhere_is_noticed() -> None:
    token = forge_token()
    tokens = create_tokens()
    for place, character in enumerate(token):
        for other in {"A", "_", ".", "=", chr(ord(character) ^ 1)} - {character}:
            assert is_rejected(token[:place] + other + token[place + 1 :], tokens)


def test_a_token_has_only_one_spelling() -> None:
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    token = forge_token()
    last = alphabet.index(token[-1])
    for other in (last ^ 1, last ^ 2, last ^ 15):  # the last character carries only two bits of the signature
        assert is_rejected(token[:-1] + alphabet[other])
    for spelled in (
        f"{token}=",
        f"{token}==",
        f" {token}",
        f"{token} ",
        f"{token}\n",
        token.replace(".", "=.", 1),
    ):
        assert is_rejected(spelled)


def test_parts_of_two_tokens_do_not_make_a_third() -> None:
    one, two = forge_token().split("."), forge_token(claims={**CLAIMS, "sub": str(uuid.uuid4())}).split(".")
    assert is_rejected(".".join((one[0], one[1], two[2])))
    assert is_rejected(".".join((one[0], two[1], one[2])))

"""Email addresses that differ only in letter case or Unicode form are the same address everywhere."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.services.accounts.users import find_user_by_email
from app.text_folding import fold_email_address
from tests.support.browser import USER_PASSWORD, open_browser, run_sql
from tests.support.responses import expect_json
from tests.support.scenario import Scenario

ADDRESS = "İpek.Weiß.é@fsc.example"
SAME_ADDRESSES = (
    "İPEK.WEIß.É@FSC.EXAMPLE",
    "i\N{COMBINING DOT ABOVE}pek.weiss.é@fsc.example",
    "İpek.Weiẞ.é@fsc.example",
    unicodedata.normalize("NFD", ADDRESS),
    "İpek.Weiß.é@\uff46\uff53\uff43.example",  # full-width letters
    "İp\N{ZERO WIDTH JOINER}ek.Weiß.é@fsc.example",
)
OTHER_ADDRESSES = ("ipek.weiß.é@fsc.example", "ıpek.weiß.é@fsc.example", "İpek.Weiß.e@fsc.example")


@given(st.text(max_size=40))
def test_folding_ignores_letter_case_unicode_form_and_outer_spaces(text: str) -> None:
    folded = fold_email_address(text)
    variants = [
        text.lower(),
        f" {text}\t",
        *(unicodedata.normalize(form, text) for form in ("NFC", "NFD", "NFKD")),
    ]
    assert {fold_email_address(variant) for variant in [folded, *variants]} == {folded}


def test_different_letters_stay_different() -> None:
    assert len({fold_email_address(address) for address in (ADDRESS, *OTHER_ADDRESSES)}) == 4


async def test_email_address_is_unique_in_every_form(scenario: Scenario) -> None:
    # Catches: the unique index is on lower(email): PostgreSQL folds neither `ẞ` nor full-width letters like Python.
    user = {"name": "Sok Dara", "roles": ["me_officer"]}
    expect_json(await scenario.admin.post("/v1/users", {**user, "email": ADDRESS}), 201)
    for address in SAME_ADDRESSES:
        assert (await scenario.admin.post("/v1/users", {**user, "email": address})).status_code == 409, (
            address
        )
    for address in OTHER_ADDRESSES:
        expect_json(await scenario.admin.post("/v1/users", {**user, "email": address}), 201)


@pytest.mark.parametrize("address", [ADDRESS, *SAME_ADDRESSES])
async def test_user_can_sign_in_with_every_form_of_the_address(scenario: Scenario, address: str) -> None:
    user = {"email": ADDRESS, "name": "Sok Dara", "roles": ["me_officer"]}
    created = expect_json(await scenario.admin.post("/v1/users", user), 201)
    credentials = {"email": address, "password": created["initial_password"]}
    assert (await open_browser(scenario).post("/v1/auth/login", credentials)).status_code == 200
    async with scenario.database.session_factory() as session:
        found = await find_user_by_email(session, f"{address} ")
    assert str(found and found.id) == created["id"]


async def test_forms_of_one_address_share_the_limit_of_sign_in_attempts(scenario: Scenario) -> None:
    # Catches: the throttle folds with casefold() alone: each form gets attempts of its own.
    browser = open_browser(scenario)
    for address, status in zip(SAME_ADDRESSES, [401] * 5 + [429], strict=True):
        if status == 429:
            await run_sql(
                scenario,
                "UPDATE sign_in_attempts SET blocked_until = now() + interval '9 seconds' WHERE blocked_until IS NOT NULL",
            )
        credentials = {"email": address, "password": f"not {USER_PASSWORD}"}
        assert (await browser.post("/v1/auth/login", credentials)).status_code == status, address

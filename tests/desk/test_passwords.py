"""New passwords: what is refused because a guesser would try it first."""

from __future__ import annotations

import pytest
from zxcvbn.frequency_lists import FREQUENCY_LISTS

from durhampulse.desk.people.passwords import hash_password, password_fits
from durhampulse.exceptions import InputError

COMMON = [word for word in FREQUENCY_LISTS["passwords"] if len(word) >= 10]


@pytest.mark.parametrize(
    "password",
    ["1234567890", " " * 10, "a" * 200, "qwertyuiop", "password123", "P@ssw0rd2024", "iloveyou123",
     "passwordpassword", "durhampulse", "Durhampulse2026!", "sponsorship1", "pulsepulse1",
     "Özlem Demir", "demirözlem", "özlemdemir1", "19.11.2026", *COMMON[::40]],
)  # fmt: skip
def test_common_and_context_passwords_are_refused(password):
    with pytest.raises(InputError, match="among the first") as error:
        hash_password(password, ["Özlem Demir"])
    assert error.value.field == "password"
    assert password not in str(error.value)


@pytest.mark.parametrize(
    "password",
    [
        "tracing copper owl",
        "a long enough password",
        "4f9a1c77be",
        "Grüße aus Æbleskive",
        "x 7! " * 40,
    ],
)
def test_unlikely_passwords_are_taken_whatever_they_are_made_of(password):
    stored = hash_password(password, ["Özlem Demir"])
    assert password_fits(stored, password)
    assert not password_fits(stored, password + "x")


def test_ones_own_name_counts_in_every_form(visit, desk):
    ann = visit("viewer")
    form = {"csrf": ann.csrf, "present": "a long enough password", "password": f"{ann.who}1"}
    answer = ann.post("/account/password", data=form)
    assert (answer.status_code, "among the first" in answer.text) == (422, True)

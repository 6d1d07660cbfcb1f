"""Who may read the pages."""

import pytest

from tests.settings import settings
from tests.web.conftest import NOWHERE, client_of
from web.access import is_loopback
from web.sources import Sources

TOKEN = "-".join(["a", "token", "of", "many", "letters"])


def nothing():
    """Return sources that no request of these tests reaches."""
    return Sources(settings(), "postgresql://127.0.0.1:1/x", NOWHERE)


@pytest.mark.parametrize(
    ("host", "is_ours"),
    [("127.0.0.1", True), ("127.8.0.1", True), ("localhost", True), ("::1", True), ("[::1]", True),
     ("10.0.0.1", False), ("::", False), ("192.168.1.2", False), ("localhost.evil.example", False), ("", False)],
)  # fmt: skip
def test_a_loopback_address_is_one_that_no_other_machine_reaches(host, is_ours):
    assert is_loopback(host) == is_ours


@pytest.mark.parametrize(
    ("given", "status"),
    [
        ({}, 401),
        ({"Authorization": "Bearer wrong"}, 401),
        ({"Authorization": "Bearer"}, 401),
        ({"Authorization": "Basic !!!"}, 401),
        ({"Authorization": "Basic YW55Ondyb25n"}, 401),
        ({"Authorization": f"Bearer {TOKEN}"}, 200),
        ({"Authorization": "Basic YW55OmEtdG9rZW4tb2YtbWFueS1sZXR0ZXJz"}, 200),
    ],
)
async def test_with_a_token_whoever_has_it_reads(given, status):
    async with client_of(nothing(), token=TOKEN) as client:
        found = await client.get("/style.css", headers={"Host": "maintenance.example", **given})
    assert found.status_code == status
    assert ("www-authenticate" in found.headers) == (status == 401)
    assert found.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("127.0.0.1:8321", 200),
        ("localhost", 200),
        ("[::1]:8321", 200),
        ("evil.example", 403),
        ("evil.example:8321", 403),
    ],
)
async def test_without_a_token_a_name_that_resolves_to_this_machine_is_refused(host, status):
    async with client_of(nothing()) as client:
        assert (await client.get("/style.css", headers={"Host": host})).status_code == status

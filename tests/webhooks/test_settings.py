import base64

import pytest
from pydantic import ValidationError

from memory_maintenance.settings.webhooks import EVENT_TYPES
from tests.settings import settings
from tests.webhooks.receiver import SECRET

URL = "https://hooks.example.com/token"
WRONG = "whsec_" + base64.b64encode(b"short").decode()


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        pytest.param({"webhook_urls": URL}, "WEBHOOK_URLS needs WEBHOOK_SECRET", id="nothing signs"),
        pytest.param({"webhook_urls": "hooks.example.com", "webhook_secret": SECRET}, "entry 1", id="no scheme"),
        pytest.param({"webhook_urls": f"{URL},ftp://x", "webhook_secret": SECRET}, "entry 2", id="another scheme"),
        pytest.param({"webhook_urls": f"{URL},{URL}", "webhook_secret": SECRET}, "different", id="one twice"),
        pytest.param({"webhook_secret": SECRET.removeprefix("whsec_")}, "a secret is whsec_", id="no prefix"),
        pytest.param({"webhook_secret": WRONG}, "24 to 64 random bytes", id="too short"),
        pytest.param({"webhook_secret": ","}, "there is no secret", id="no secret"),
        pytest.param({"webhook_events": "cycle.ended"}, "cycle.finished", id="an unknown type"),
    ],
)
def test_what_is_wrong_is_named_without_the_value(changes, says):
    with pytest.raises(ValidationError) as caught:
        settings(**changes)
    assert says in str(caught.value)
    assert "token" not in str(caught.value)
    assert WRONG not in str(caught.value)


def test_webhooks_are_off_by_default_and_all_types_are_sent_where_they_are_on():
    assert settings().webhook_endpoints == ()
    on = settings(webhook_urls=f" {URL} , http://other:8080/x,", webhook_secret=f"{SECRET},{SECRET}")
    assert on.webhook_endpoints == (URL, "http://other:8080/x")
    assert on.webhook_keys == (bytes(range(32)), bytes(range(32)))
    assert on.webhook_events == EVENT_TYPES

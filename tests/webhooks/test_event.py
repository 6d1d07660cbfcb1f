import base64

from memory_maintenance.webhooks.event import headers
from tests.webhooks.receiver import SECRET, Request

KEY = base64.b64decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")


def test_the_signature_is_the_one_of_the_public_example():
    """The example that implementations of Standard Webhooks share."""
    sent = headers("msg_p5jXN8AQM9LWM0D4loKWxJek", b'{"test": 2432232314}', keys=[KEY], timestamp=1614265330)
    assert sent["webhook-signature"] == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
    assert (sent["webhook-id"], sent["webhook-timestamp"]) == ("msg_p5jXN8AQM9LWM0D4loKWxJek", "1614265330")


def test_each_of_two_keys_signs_so_that_receivers_can_change_over():
    body = b'{"id":"1"}'
    ours = base64.b64decode(SECRET.removeprefix("whsec_"))
    sent = headers("1", body, keys=[KEY, ours], timestamp=1)
    assert len(sent["webhook-signature"].split(" ")) == 2
    assert Request(sent, body).event == {"id": "1"}

"""API10: unsafe consumption of APIs. A hospital's own sign-in provider lies, and so does whoever receives alarms."""

import time
from concurrent.futures import ThreadPoolExecutor

from outside import nonce_of
from world import Key, attack, status

RISK = "API10:2023 Unsafe Consumption of APIs"
FINISH = "/auth/oidc/finish"


def api10(tried, naive, answer="400 invalid_grant, no token"):
    return attack(RISK, "sign-in through a provider", tried, naive, answer)


def begin(world, key):
    answer = world.doors.post("/auth/oidc/begin", json={"provider": "Hospital", "thumbprint": key.thumbprint})
    return nonce_of(status(answer, 200).json()["location"])


def finish(world, key, state, **further):
    body = {"code": "c", "state": state} | further
    return world.doors.post(FINISH, json=body, headers={"DPoP": key.proof("POST", world.doors.signed + FINISH)})


def lied(world, **lie):
    """The whole way through the provider, which lies on the way back."""
    key = Key()
    world.outside.lie = {}
    world.outside.nonce, state = begin(world, key)
    world.outside.lie = lie
    answer = finish(world, key, state)
    world.outside.lie = {}
    return answer


def refused(answer):
    assert answer.status_code == 400 and answer.json()["error"] == "invalid_grant", (answer.status_code, answer.text)


def honest(world):
    """An honest provider signs somebody in: else a refusal would prove nothing."""
    assert status(lied(world), 200).json()["name"] == "clinician RSUD-A"


@api10(
    "an ID token that nobody signed, one by HMAC with the public key, one by a key that its own header names",
    "libraries that do what the token's header says (RFC 8725 2.1)",
)
def _(world):
    honest(world)
    for sign in (world.outside.unsigned, world.outside.by_public_key, world.outside.by_own_key_in_header):
        refused(lied(world, sign=sign))


@api10(
    "an ID token for another client, of another issuer, expired, from the future, without an end",
    "a check of the signature alone (OpenID Connect Core 3.1.3.7)",
)
def _(world):
    honest(world)
    now = int(time.time())
    for claims in (
        {"aud": "another"},
        {"aud": None},
        {"iss": "https://evil.example"},
        {"exp": now - 600},
        {"exp": None},
        {"aud": ["another", "else"]},
        {"exp": "soon"},
    ):
        refused(lied(world, claims=claims))


@api10(
    "an ID token with the nonce of another browser, of an earlier sign-in, or none",
    "a token that was caught elsewhere signs the catcher in",
)
def _(world):
    honest(world)
    other, _ = begin(world, Key())
    earlier = world.outside.nonce
    for nonce in (other, earlier, None, "", [world.outside.nonce]):
        refused(lied(world, claims={"nonce": nonce}))


@api10(
    "names that nobody has, that are lists and objects, and that look like a person's: spaces, case, NUL",
    "accounts that are made for whoever comes, or found by likeness",
)
def _(world):
    honest(world)
    for sub in (
        "nobody",
        ["clinician RSUD-A"],
        {"name": "clinician RSUD-A"},
        " clinician RSUD-A",
        "CLINICIAN RSUD-A",
        "clinician RSUD-A\u0000",
        "clinician\u00a0RSUD-A",
        "clinician RSUD-\u0410",
        "",
        None,
        True,
        "clinician RSUD-A' OR '1'='1",
    ):
        answer = lied(
            world, claims={"sub": sub, "name": "clinician RSUD-A", "email": "clinician RSUD-A", "preferred_username": "clinician RSUD-A"}
        )
        assert answer.status_code == 400, repr(sub)
        refused(answer)


@api10(
    "a state that was made up, used before, or of another browser; the word of another issuer (RFC 9207)",
    "login CSRF and mix-up: the victim goes on as the attacker",
)
def _(world):
    honest(world)
    key, other = Key(), Key()
    world.outside.nonce, state = begin(world, key)
    for wrong in ("", "x", state[:-1], state + "x", state.lower() + "0"):
        refused(finish(world, key, wrong))
    # Brought back by another browser, the nonce is not for its key.
    refused(finish(world, other, state))
    refused(finish(world, key, state))
    world.outside.nonce, state = begin(world, key)
    refused(finish(world, key, state, iss="https://evil.example"))


@api10(
    "metadata that speak for another issuer, are a page, an empty answer, or JSON nested a hundred thousand deep",
    "a client that believes 200 OK",
    "503 in plain words; the archive goes on",
)
def _(world):
    lies = [
        lambda request: request.say(200, b"<html>sign in to the hotel's network</html>", "text/html"),
        lambda request: request.say(200, b"[" * 100_000),
        lambda request: request.say(200, b""),
        lambda request: request.say(500, b"{}"),
        lambda request: request.say(200, world.outside.metadata() | {"issuer": "https://evil.example"}),
        lambda request: request.say(200, world.outside.metadata() | {"token_endpoint": ["x"]}),
    ]
    for lie in lies:
        world.outside.lie = {"metadata": lie}
        answer = status(world.doors.post("/auth/oidc/begin", json={"provider": "Hospital", "thumbprint": Key().thumbprint}), 503)
        assert "hotel" not in answer.text
    honest(world)


@api10(
    "a token answer of two hundred megabytes, one that never ends, one that never comes",
    "a client without limits: memory and workers go",
    "503 or 400 within ten seconds; others are served meanwhile",
)
def _(world):
    key = Key()

    def endless(request):
        request.send_response(200)
        request.send_header("Content-Type", "application/json")
        request.end_headers()
        try:
            for _ in range(20_000):
                request.wfile.write(b" " * 10_000)
        except OSError:
            pass

    def silent(_):
        time.sleep(12)

    for lie in (endless, silent):
        world.outside.lie = {}
        world.outside.nonce, state = begin(world, key)
        world.outside.lie = {"token": lie}
        with ThreadPoolExecutor(1) as pool:
            waiting = pool.submit(finish, world, key, state)
            world.control()
            answer = waiting.result()
        assert answer.status_code in (400, 503) and answer.elapsed.total_seconds() < 11, (answer.status_code, answer.elapsed)
        world.doors.answers.append(answer)
    honest(world)


@api10(
    "a redirection with the code and the client's secret in it, to a service inside and to another provider",
    "clients that follow redirections of a POST",
    "400; nothing is called",
)
def _(world):
    honest(world)
    for code in (301, 302, 303, 307, 308):
        refused(lied(world, token=lambda request, code=code: request.say(code, b"", Location=world.outside.treasure + "/token")))


@api10(
    "an answer that is no token: an error as 200, a page with a token in it, two hundred kilobytes of one, a token of one part",
    "answers that are used before they are looked at",
    "400",
)
def _(world):
    honest(world)
    for body in (
        {"error": "x"},
        {"id_token": 7},
        {"id_token": ""},
        {"id_token": "a.b.c"},
        {"id_token": "x" * 200_000},
        {"id_token": None},
        [],
    ):
        answer = lied(world, token=lambda request, body=body: request.say(200, body))
        assert answer.status_code in (400, 503) and "access_token" not in answer.text, (str(body)[:50], answer.status_code)

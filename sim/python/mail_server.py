"""A mail server that asks for STARTTLS: prints its port, then each mail that it took as a line of JSON."""

import email
import json
import ssl
import sys
import time

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP


class Taker:
    async def handle_DATA(self, server, session, envelope):
        message = email.message_from_bytes(envelope.content)
        text = message.get_payload(decode=True).decode("utf-8")
        print(
            json.dumps(
                {
                    "from": envelope.mail_from,
                    "to": envelope.rcpt_tos,
                    "subject": message["Subject"],
                    "message_id": message["Message-ID"],
                    "text": text,
                    "tls": session.ssl is not None,
                }
            ),
            flush=True,
        )
        return "250 taken"


class Sealed(Controller):
    def factory(self):
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(sys.argv[1], sys.argv[2])
        return SMTP(self.handler, tls_context=context, require_starttls=True)


def main():
    import socket

    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    controller = Sealed(Taker(), hostname="localhost", port=port)
    controller.start()
    print(port, flush=True)
    while True:
        time.sleep(3600)


main()

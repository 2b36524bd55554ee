"""Speaks TLS with a client certificate for a client that cannot: prints its own port, relays one connection after another.

Usage: tls_relay.py HOST:PORT KEY CERTIFICATE
"""
import socket
import ssl
import sys
import threading

host, port = sys.argv[1].split(":")
context = ssl.create_default_context()
context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
context.load_cert_chain(sys.argv[3], sys.argv[2])
listener = socket.create_server(("127.0.0.1", 0))
print(listener.getsockname()[1], flush=True)


def pump(source, target):
    try:
        while data := source.recv(65536):
            target.sendall(data)
    except OSError:
        pass
    finally:
        # A close alone would wait for the other thread, which reads from this socket.
        try:
            target.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        target.close()


while True:
    plain, _ = listener.accept()
    onward = socket.create_connection((host, int(port)))
    for end in (plain, onward):
        end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    sealed = context.wrap_socket(onward)
    back = threading.Thread(target=pump, args=(sealed, plain), daemon=True)
    back.start()
    pump(plain, sealed)
    back.join()

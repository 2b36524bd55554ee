"""Seals and opens files with the `cryptography` package, a second implementation of C2SP chunked-encryption.

Each line of the standard input is: seal|open KEY CONTEXT INPUT OUTPUT, key and context in hexadecimal, `-` for none.
`open` of a file that must not open writes nothing and says `refused`; otherwise each line is answered with `done`.
"""

import sys

from cryptography.exceptions import InvalidTag
from cryptography import cobblestone


def run(verb, key, context, source, target):
    with open(source, "rb") as file:
        data = file.read()
    kind = cobblestone.Cobblestone256Encryptor if verb == "seal" else cobblestone.Cobblestone256Decryptor
    try:
        worker = kind(key, context)
        out = worker.update(data) + worker.finalize()
    except (InvalidTag, ValueError):
        return "refused"
    with open(target, "wb") as file:
        file.write(out)
    return "done"


for line in sys.stdin:
    verb, key, context, source, target = line.split()
    unhex = lambda text: b"" if text == "-" else bytes.fromhex(text)
    print(run(verb, unhex(key), unhex(context), source, target), flush=True)

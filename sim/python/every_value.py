"""What two scripts compare instances by, whatever their encoding."""


def values(dataset):
    """Every value of a data set by its path, for comparison whatever the encoding."""
    found = {}

    def walk(data_set, path):
        for element in data_set:
            if element.tag.element == 0:
                continue
            at = path + (int(element.tag),)
            if element.VR == "SQ":
                for number, item in enumerate(element.value):
                    walk(item, at + (number,))
                continue
            value = element.value
            # Implicit encoding has no VR for what is private, and no difference between octets and words.
            if isinstance(value, (bytes, bytearray)) or element.tag.is_private:
                value = None if element.tag.is_private else bytes(value).rstrip(b"\0")
            found[at] = str(value) if not isinstance(value, bytes) else value

    walk(dataset, ())
    return found

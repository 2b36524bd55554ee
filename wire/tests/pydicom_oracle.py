"""Prints, for every DICOM file that pydicom ships, what pydicom reads in it: one JSON object a line."""

import json
import pathlib
import sys
import warnings

import pydicom
from pydicom import config
from pydicom.filereader import dcmread
from pydicom.uid import UID_dictionary

warnings.simplefilter("ignore")
config.settings.reading_validation_mode = config.IGNORE
# A dangling delimiter or bad value is reported, not repaired.
config.convert_wrong_length_to_UN = False


def element_json(element):
    """One attribute in the DICOM JSON model with all bytes inside it."""
    return element.to_json_dict(None, sys.maxsize)


def data_set_json(data_set):
    out = {}
    for element in data_set:
        if element.tag.elem == 0:
            continue
        key = f"{element.tag:08X}"
        try:
            if element.VR == "SQ":
                attribute = {"vr": "SQ"}
                if element.value:
                    attribute["Value"] = [data_set_json(item) for item in element.value]
            else:
                attribute = element_json(element)
        except Exception as error:  # noqa: BLE001 - whatever pydicom cannot express is not compared
            attribute = {"vr": element.VR, "Inexpressible": type(error).__name__}
        out[key] = attribute
    return out


def main():
    syntaxes = [uid for uid, entry in UID_dictionary.items() if entry[1] == "Transfer Syntax"]
    print(json.dumps({"syntaxes": syntaxes}))
    root = pathlib.Path(pydicom.__file__).parent / "data"
    for path in sorted(p for p in root.rglob("*") if p.is_file()):
        if path.suffix in {".py", ".pyc", ".json", ".txt", ".md", ".gz", ".icc", ".dump"} or path.name == "README":
            continue
        line = {"path": str(path), "name": str(path.relative_to(root))}
        try:
            data_set = dcmread(path, force=True)
            line["syntax"] = str(data_set.file_meta.get("TransferSyntaxUID", ""))
            line["json"] = data_set_json(data_set)
        except Exception as error:  # noqa: BLE001
            line["error"] = f"{type(error).__name__}: {error}"
        print(json.dumps(line))


main()

"""A computed head in a scanner and a computed hand on a plate: a CT series and a radiograph with the modules that a viewer
needs to place, order and measure (Image Plane, Frame of Reference, General Image).

Usage: viewer_phantom.py FOLDER PATIENT_NAME SLICES
"""
import sys
from pathlib import Path

import numpy as np
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import CTImageStorage, ComputedRadiographyImageStorage, ExplicitVRLittleEndian

folder, patient_name, slices = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
ROOT = "1.2.826.0.1.3680043.10.1561.77"
SIDE, SPACING, THICKNESS = 512, 0.45, 3.0
random = np.random.default_rng(77)


def about_patient_and_study(study, description, modality):
    data = Dataset()
    data.SpecificCharacterSet = "ISO_IR 192"
    data.PatientName, data.PatientID, data.PatientBirthDate, data.PatientSex = patient_name, "RM-77000001", "19710203", "F"
    data.StudyInstanceUID, data.StudyID = f"{ROOT}.{study}", str(study)
    data.StudyDate = data.SeriesDate = data.ContentDate = data.AcquisitionDate = "20211228"
    data.StudyTime = data.SeriesTime = data.ContentTime = data.AcquisitionTime = "101500"
    data.StudyDescription, data.AccessionNumber = description, f"ACC-77-{study}"
    data.ReferringPhysicianName, data.Manufacturer = "Perujuk^Dokter", "Computed"
    data.Modality, data.SeriesInstanceUID, data.SeriesNumber = modality, f"{ROOT}.{study}.1", 1
    return data


def save(data, sop_class, name):
    data.SOPClassUID = sop_class
    data.file_meta = FileMetaDataset()
    data.file_meta.MediaStorageSOPClassUID, data.file_meta.MediaStorageSOPInstanceUID = sop_class, data.SOPInstanceUID
    data.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    data.file_meta.ImplementationClassUID = f"{ROOT}.0"
    data.save_as(folder / name, enforce_file_format=True)


def pixels(data, values, stored):
    data.SamplesPerPixel, data.PhotometricInterpretation = 1, "MONOCHROME2"
    data.Rows, data.Columns = values.shape
    data.BitsAllocated, data.BitsStored, data.HighBit, data.PixelRepresentation = 16, stored, stored - 1, 0
    data.add_new("PixelData", "OW", values.astype("<u2").tobytes())


ACROSS, DOWN = np.meshgrid(*(np.linspace(-1, 1, SIDE),) * 2)


def inside(x, y, width, height, turned=0.0):
    """How far inside an ellipse each point lies: 1 well inside, 0 outside, soft over a pixel or two."""
    if width <= 0 or height <= 0:
        return np.zeros_like(ACROSS)
    cos, sin = np.cos(turned), np.sin(turned)
    along, aside = (ACROSS - x) * cos + (DOWN - y) * sin, (DOWN - y) * cos - (ACROSS - x) * sin
    distance = np.sqrt((along / width) ** 2 + (aside / height) ** 2)
    return np.clip((1 - distance) * min(width, height) * SIDE / 3 + 0.5, 0, 1)


def paint(picture, where, value):
    picture += where * (value - picture)


def ripple():
    """Smooth noise, from -1 to 1: the folds of a cortex."""
    coarse = random.normal(size=(40, 40))
    rows = np.linspace(0, 39, SIDE)
    wide = np.array([np.interp(rows, np.arange(40), row) for row in coarse])
    return np.clip(np.array([np.interp(rows, np.arange(40), column) for column in wide.T]).T, -1, 1)


FOLDS = ripple()


def head(z):
    """Hounsfield units of the slice at z, from -1 (base) to 1 (vertex)."""
    round_ = np.sqrt(max(0.0, 1 - (z * 0.86) ** 2))
    wide, long_ = 0.66 * round_, 0.84 * round_
    picture = np.full_like(ACROSS, -1000.0)
    paint(picture, inside(0, 0, wide, long_), 40)
    paint(picture, inside(0, 0, wide - 0.03, long_ - 0.03), 1150)
    paint(picture, inside(0, 0, wide - 0.055, long_ - 0.055), 620)
    paint(picture, inside(0, 0, wide - 0.08, long_ - 0.08), 1250)
    brain = inside(0, 0, wide - 0.1, long_ - 0.1)
    paint(picture, brain, 8)
    cortex = inside(0, 0, wide - 0.115, long_ - 0.115) * np.clip(0.55 + 1.6 * np.abs(FOLDS) + 0.4 * z * FOLDS, 0, 1)
    paint(picture, cortex, 38)
    paint(picture, inside(0, 0, wide - 0.19, long_ - 0.19), 29)
    for side in (-1, 1):
        paint(picture, inside(side * 0.17, 0.02, 0.1 * round_, 0.17 * round_) * (abs(z) < 0.4), 37)
        paint(picture, inside(side * 0.085, -0.14, 0.045, 0.17 * (1 - 1.6 * abs(z - 0.1)), side * 0.28), 7)
        paint(picture, inside(side * 0.12, 0.24, 0.05, 0.16 * (1 - 1.6 * abs(z - 0.1)), -side * 0.3), 7)
    paint(picture, inside(0, 0, 0.008, long_ - 0.13) * (np.abs(DOWN) > 0.3), 55)
    bleed = 0.14 * np.sqrt(max(0.0, 1 - ((z - 0.15) / 0.4) ** 2))
    paint(picture, inside(0.3, -0.08, bleed * 1.45, bleed * 1.9, 0.3), 22)
    paint(picture, inside(0.3, -0.08, bleed, bleed * 1.35, 0.3), 68)
    picture += random.normal(scale=3.0, size=picture.shape)
    return np.clip(np.round(picture), -1024, 3071)


def computed_tomography(number):
    z = -1 + 2 * (number + 0.5) / slices
    data = about_patient_and_study(1, "CT kepala tanpa kontras", "CT")
    data.SOPInstanceUID, data.InstanceNumber = f"{ROOT}.1.1.{number + 1}", number + 1
    data.SeriesDescription, data.BodyPartExamined, data.PatientPosition = "Kepala 3 mm", "HEAD", "HFS"
    data.FrameOfReferenceUID, data.PositionReferenceIndicator = f"{ROOT}.1.9", ""
    data.ImageType, data.AcquisitionNumber, data.KVP = ["ORIGINAL", "PRIMARY", "AXIAL"], 1, 120
    corner = -SIDE / 2 * SPACING
    data.ImagePositionPatient = [corner, corner, round(number * THICKNESS, 3)]
    data.ImageOrientationPatient = [1, 0, 0, 0, 1, 0]
    data.PixelSpacing, data.SliceThickness, data.SliceLocation = [SPACING, SPACING], THICKNESS, round(number * THICKNESS, 3)
    data.RescaleIntercept, data.RescaleSlope, data.RescaleType = -1024, 1, "HU"
    data.WindowCenter, data.WindowWidth = 40, 120
    pixels(data, head(z) + 1024, 12)
    save(data, CTImageStorage, f"ct{number:03}.dcm")


def radiograph():
    """A hand: five rays of bones in soft tissue."""
    data = about_patient_and_study(2, "Tangan kanan PA", "CR")
    data.SOPInstanceUID, data.InstanceNumber = f"{ROOT}.2.1.1", 1
    data.SeriesDescription = "Tangan PA"
    data.BodyPartExamined, data.ViewPosition, data.ImageLaterality = "HAND", "PA", "R"
    data.ImageType, data.PatientOrientation, data.KVP = ["ORIGINAL", "PRIMARY"], ["L", "F"], 52
    data.ImagerPixelSpacing = [0.4, 0.4]
    data.WindowCenter, data.WindowWidth = 2000, 3600
    picture = np.full_like(ACROSS, 300.0)
    paint(picture, inside(0, 0.42, 0.42, 0.42), 1100)
    for finger, turned in enumerate((-0.75, -0.28, -0.08, 0.12, 0.33)):
        x, y = np.sin(turned), -np.cos(turned)
        reach = (0.72, 1.1, 1.2, 1.12, 0.95)[finger]
        paint(picture, inside(x * 0.62, 0.5 + y * 0.62, 0.09, reach * 0.58, turned), 1050)
        for joint, (at, half) in enumerate(((0.36, 0.16), (0.66, 0.11), (0.86, 0.07), (1.0, 0.045))):
            along = at * reach
            bone = inside(x * along, 0.5 + y * along, 0.045 - joint * 0.006, half * reach, turned)
            paint(picture, bone, 2600)
            paint(picture, inside(x * along, 0.5 + y * along, 0.018, half * reach * 0.7, turned), 2150)
    picture += random.normal(scale=25.0, size=picture.shape)
    pixels(data, np.clip(picture, 0, 4095), 12)
    save(data, ComputedRadiographyImageStorage, "cr.dcm")


folder.mkdir(parents=True, exist_ok=True)
for number in range(slices):
    computed_tomography(number)
radiograph()

"""One instance of each kind that hospitals send most, as conformant as `dciodvfy` can tell: what goes in clean must come
out clean."""
import math

import numpy as np
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.sequence import Sequence
from pydicom.uid import (
    BasicTextSRStorage,
    ComputedRadiographyImageStorage,
    CTImageStorage,
    DigitalXRayImageStorageForPresentation,
    EncapsulatedPDFStorage,
    EnhancedMRImageStorage,
    ExplicitVRLittleEndian,
    MultiFrameTrueColorSecondaryCaptureImageStorage,
    SecondaryCaptureImageStorage,
    TwelveLeadECGWaveformStorage,
)

ROOT = "1.2.826.0.1.3680043.10.1561.88"


def code(value, scheme, meaning):
    item = Dataset()
    item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning = value, scheme, meaning
    return item


def items(*datasets):
    return Sequence(list(datasets))


def of(**values):
    data = Dataset()
    for keyword, value in values.items():
        setattr(data, keyword, value)
    return data


def instance(number, sop_class, modality):
    """The Patient, General Study, General Series, General Equipment and SOP Common modules."""
    study = f"{ROOT}.{number}"
    data = of(
        SpecificCharacterSet="ISO_IR 192", InstanceCreationDate="20211228", InstanceCreationTime="101501",
        SOPClassUID=sop_class, SOPInstanceUID=f"{study}.1.1",
        StudyDate="20211228", SeriesDate="20211228", ContentDate="20211228", AcquisitionDate="20211228",
        StudyTime="101500", SeriesTime="101500", ContentTime="101500", AcquisitionTime="101500",
        AccessionNumber=f"ACC-88-{number}", Modality=modality, Manufacturer="Computed", InstitutionName="RSUD A",
        ReferringPhysicianName="Perujuk^Dokter", StudyDescription=f"{modality} pemeriksaan", SeriesDescription="Série 1",
        ManufacturerModelName="Phantom", DeviceSerialNumber="88", SoftwareVersions="1",
        PatientName="Müller^Łucja^Śmiała", PatientID=f"RM-8800{number:04}", PatientBirthDate="19710203", PatientSex="F",
        PatientAge="050Y", StudyInstanceUID=study, SeriesInstanceUID=f"{study}.1", StudyID=str(number),
        SeriesNumber=1, InstanceNumber=1,
    )
    data.file_meta = FileMetaDataset()
    data.file_meta.MediaStorageSOPClassUID, data.file_meta.MediaStorageSOPInstanceUID = sop_class, data.SOPInstanceUID
    data.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    data.file_meta.ImplementationClassUID = f"{ROOT}.0"
    return data


def without_acquisition(data):
    """For the kinds that have one AcquisitionDateTime, or none."""
    del data.AcquisitionDate, data.AcquisitionTime


def grey(data, values, stored, pixels="PixelData"):
    """The Image Pixel module of one or more frames of one sample."""
    data.SamplesPerPixel, data.PhotometricInterpretation = 1, "MONOCHROME2"
    data.Rows, data.Columns = values.shape[-2:]
    data.BitsAllocated = 16 if stored > 8 else 8
    data.BitsStored, data.HighBit, data.PixelRepresentation = stored, stored - 1, 0
    kind = "<u2" if stored > 8 else "u1"
    data.add_new(pixels, "OW", values.astype(kind).tobytes())


def slope(rows, columns, most, frames=None):
    """A picture that differs from frame to frame."""
    down, across = np.mgrid[0:rows, 0:columns]
    frame = (down * 7 + across * 3) % (most + 1)
    return frame if frames is None else np.stack([(frame + 11 * n) % (most + 1) for n in range(frames)])


def computed_tomography():
    data = instance(1, CTImageStorage, "CT")
    data.ImageType = ["ORIGINAL", "PRIMARY", "AXIAL"]
    data.PatientPosition, data.BodyPartExamined = "HFS", "HEAD"
    data.FrameOfReferenceUID, data.PositionReferenceIndicator = f"{ROOT}.1.9", None
    data.KVP, data.AcquisitionNumber, data.SliceThickness = "120", 1, "3"
    data.ImagePositionPatient, data.ImageOrientationPatient = ["-115", "-115", "42"], ["1", "0", "0", "0", "1", "0"]
    data.PixelSpacing, data.SliceLocation = ["0.45", "0.45"], "42"
    data.RescaleIntercept, data.RescaleSlope, data.RescaleType = "-1024", "1", "HU"
    data.WindowCenter, data.WindowWidth = "40", "80"
    grey(data, slope(128, 128, 4095), 12)
    return data


def computed_radiography():
    data = instance(2, ComputedRadiographyImageStorage, "CR")
    data.ImageType = ["ORIGINAL", "PRIMARY"]
    data.BodyPartExamined, data.ViewPosition, data.KVP, data.PlateID = "CHEST", "PA", "120", "7"
    data.PatientOrientation, data.ImagerPixelSpacing = ["L", "F"], ["0.2", "0.2"]
    grey(data, slope(120, 100, 1023), 10)
    return data


def digital_x_ray():
    data = instance(3, DigitalXRayImageStorageForPresentation, "DX")
    data.PresentationIntentType, data.ImageType = "FOR PRESENTATION", ["ORIGINAL", "PRIMARY", ""]
    data.ImageLaterality, data.PatientOrientation, data.BurnedInAnnotation = "U", ["L", "F"], "NO"
    data.AnatomicRegionSequence = items(code("51185008", "SCT", "Chest"))
    data.ViewCodeSequence = items(code("399348003", "SCT", "postero-anterior"))
    data.ViewCodeSequence[0].ViewModifierCodeSequence = items()
    data.PixelIntensityRelationship, data.PixelIntensityRelationshipSign = "LOG", -1
    data.RescaleIntercept, data.RescaleSlope, data.RescaleType = "0", "1", "US"
    data.PresentationLUTShape, data.LossyImageCompression = "IDENTITY", "00"
    data.WindowCenter, data.WindowWidth = "512", "1024"
    data.AcquisitionContextSequence = items()
    data.ImagerPixelSpacing, data.DetectorType, data.DetectorID = ["0.2", "0.2"], "DIRECT", "7"
    data.DetectorConfiguration, data.PositionerType = "AREA", "NONE"
    data.KVP, data.ExposureTime, data.XRayTubeCurrent, data.Exposure = "120", "10", "200", "2"
    grey(data, slope(110, 90, 1023), 10)
    return data


def secondary_capture():
    data = instance(4, SecondaryCaptureImageStorage, "OT")
    data.ConversionType, data.ImageType, data.PatientOrientation = "WSD", ["DERIVED", "SECONDARY"], None
    data.BodyPartExamined = "CHEST"
    colours = np.stack([slope(63, 61, 255)] * 3, axis=-1) + np.array([0, 40, 80])
    data.SamplesPerPixel, data.PhotometricInterpretation, data.PlanarConfiguration = 3, "RGB", 0
    data.Rows, data.Columns = 63, 61
    data.BitsAllocated = data.BitsStored = 8
    data.HighBit, data.PixelRepresentation = 7, 0
    data.PixelData = (colours % 256).astype("u1").tobytes() + b"\0"
    return data


def multi_frame_secondary_capture():
    data = instance(5, MultiFrameTrueColorSecondaryCaptureImageStorage, "OT")
    data.ConversionType, data.ImageType, data.PatientOrientation = "WSD", ["DERIVED", "SECONDARY"], None
    data.BodyPartExamined = "CHEST"
    data.BurnedInAnnotation = "NO"
    data.NumberOfFrames, data.FrameIncrementPointer, data.FrameTime = 3, 0x00181063, "100"
    data.SamplesPerPixel, data.PhotometricInterpretation, data.PlanarConfiguration = 3, "RGB", 0
    data.Rows, data.Columns = 40, 50
    data.BitsAllocated = data.BitsStored = 8
    data.HighBit, data.PixelRepresentation = 7, 0
    data.LossyImageCompression = "00"
    data.PixelData = np.stack([slope(40, 50, 255, 3)] * 3, axis=-1).astype("u1").tobytes()
    return data


def enhanced_magnetic_resonance():
    data = instance(6, EnhancedMRImageStorage, "MR")
    without_acquisition(data)
    data.ImageType = ["ORIGINAL", "PRIMARY", "VOLUME", "NONE"]
    data.FrameOfReferenceUID, data.PositionReferenceIndicator, data.PatientPosition = f"{ROOT}.6.9", None, "HFS"
    data.AcquisitionNumber, data.AcquisitionDateTime, data.AcquisitionDuration = 1, "20211228101500", 12.5
    data.ContentQualification, data.ResonantNucleus, data.KSpaceFiltering = "RESEARCH", "1H", "NONE"
    data.MagneticFieldStrength, data.ApplicableSafetyStandardAgency = 1.5, "IEC"
    data.PixelPresentation, data.VolumetricProperties = "MONOCHROME", "VOLUME"
    data.VolumeBasedCalculationTechnique, data.ComplexImageComponent = "NONE", "MAGNITUDE"
    data.AcquisitionContrast, data.BurnedInAnnotation, data.LossyImageCompression = "T1", "NO", "00"
    data.PresentationLUTShape, data.AcquisitionContextSequence = "IDENTITY", items()
    data.PulseSequenceName, data.MRAcquisitionType, data.EchoPulseSequence = "SE", "2D", "SPIN"
    data.MultipleSpinEcho, data.MultiPlanarExcitation, data.PhaseContrast = "NO", "NO", "NO"
    data.TimeOfFlightContrast, data.SteadyStatePulseSequence, data.EchoPlanarPulseSequence = "NO", "NONE", "NO"
    data.SaturationRecovery, data.SpectrallySelectedSuppression, data.OversamplingPhase = "NO", "NONE", "NONE"
    data.GeometryOfKSpaceTraversal, data.SegmentedKSpaceTraversal = "RECTILINEAR", "SINGLE"
    data.RectilinearPhaseEncodeReordering, data.NumberOfKSpaceTrajectories = "LINEAR", 1
    data.NumberOfFrames = 4
    organization = f"{ROOT}.6.8"
    data.DimensionOrganizationSequence = items(of(DimensionOrganizationUID=organization))
    data.DimensionIndexSequence = items(of(
        DimensionOrganizationUID=organization, DimensionIndexPointer=0x00209057, FunctionalGroupPointer=0x00209111,
    ))
    data.SharedFunctionalGroupsSequence = items(shared_groups())
    data.PerFrameFunctionalGroupsSequence = items(*(of(
        FrameContentSequence=items(of(
            FrameAcquisitionNumber=1, FrameReferenceDateTime="20211228101500", FrameAcquisitionDateTime="20211228101500",
            FrameAcquisitionDuration=3.0, DimensionIndexValues=[n + 1], InStackPositionNumber=n + 1, StackID="1",
        )),
        PlanePositionSequence=items(of(ImagePositionPatient=["-30", "-30", str(3 * n)])),
    ) for n in range(4)))
    grey(data, slope(64, 64, 4095, 4), 12)
    return data


def shared_groups():
    return of(
        PixelMeasuresSequence=items(of(PixelSpacing=["0.9", "0.9"], SliceThickness="3")),
        PlaneOrientationSequence=items(of(ImageOrientationPatient=["1", "0", "0", "0", "1", "0"])),
        FrameAnatomySequence=items(of(
            FrameLaterality="U", AnatomicRegionSequence=items(code("12738006", "SCT", "Brain")),
        )),
        PixelValueTransformationSequence=items(of(RescaleIntercept="0", RescaleSlope="1", RescaleType="US")),
        FrameVOILUTSequence=items(of(WindowCenter="2048", WindowWidth="4096")),
        MRImageFrameTypeSequence=items(of(
            FrameType=["ORIGINAL", "PRIMARY", "VOLUME", "NONE"], PixelPresentation="MONOCHROME",
            VolumetricProperties="VOLUME", VolumeBasedCalculationTechnique="NONE", ComplexImageComponent="MAGNITUDE",
            AcquisitionContrast="T1",
        )),
        MRTimingAndRelatedParametersSequence=items(of(
            RepetitionTime="500", FlipAngle="90", EchoTrainLength=1, RFEchoTrainLength=1, GradientEchoTrainLength=0,
            SpecificAbsorptionRateSequence=items(of(
                SpecificAbsorptionRateDefinition="IEC_WHOLE_BODY", SpecificAbsorptionRateValue=0.5,
            )),
            OperatingModeSequence=items(
                of(OperatingModeType="STATIC FIELD", OperatingMode="IEC_NORMAL"),
                of(OperatingModeType="RF", OperatingMode="IEC_NORMAL"),
                of(OperatingModeType="GRADIENT", OperatingMode="IEC_NORMAL"),
            ),
            GradientOutputType="DB_DT", GradientOutput=0.5,
        )),
        MRFOVGeometrySequence=items(of(
            InPlanePhaseEncodingDirection="ROW", MRAcquisitionFrequencyEncodingSteps=64,
            MRAcquisitionPhaseEncodingStepsInPlane=64, MRAcquisitionPhaseEncodingStepsOutOfPlane=1,
            PercentSampling="100", PercentPhaseFieldOfView="100",
        )),
        MREchoSequence=items(of(EffectiveEchoTime=15.0)),
        MRModifierSequence=items(of(
            InversionRecovery="NO", FlowCompensation="NONE", Spoiling="NONE", T2Preparation="NO",
            SpectrallySelectedExcitation="NONE", SpatialPresaturation="NONE", PartialFourier="NO",
            ParallelAcquisition="NO",
        )),
        MRImagingModifierSequence=items(of(
            MagnetizationTransfer="NONE", BloodSignalNulling="NO", Tagging="NONE", TransmitterFrequency=63.8,
            PixelBandwidth="130",
        )),
        MRReceiveCoilSequence=items(of(
            ReceiveCoilName="HEAD", ReceiveCoilManufacturerName="Computed", ReceiveCoilType="VOLUME",
            QuadratureReceiveCoil="YES",
        )),
        MRTransmitCoilSequence=items(of(
            TransmitCoilName="BODY", TransmitCoilManufacturerName="Computed", TransmitCoilType="BODY",
        )),
        MRAveragesSequence=items(of(NumberOfAverages="1")),
    )


def encapsulated_pdf():
    data = instance(7, EncapsulatedPDFStorage, "DOC")
    without_acquisition(data)
    data.ConversionType, data.BurnedInAnnotation, data.DocumentTitle = "WSD", "YES", "Surat rujukan"
    data.AcquisitionDateTime, data.MIMETypeOfEncapsulatedDocument = "20211228101500", "application/pdf"
    data.ConceptNameCodeSequence = items(code("57133-1", "LN", "Referral note"))
    pages = b"%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n2 0 obj<</Type/Pages/Count 0/Kids[]>>endobj\n"
    pdf = pages + b"trailer<</Root 1 0 R>>\n%%EOF\n" + b"%" * 40_001
    data.EncapsulatedDocumentLength = len(pdf)
    data.EncapsulatedDocument = pdf + b"\0" * (len(pdf) % 2)
    return data


LEADS = [("2:1", "Lead I"), ("2:2", "Lead II"), ("2:61", "Lead III"), ("2:62", "aVR, augmented voltage, right"),
         ("2:63", "aVL, augmented voltage, left"), ("2:64", "aVF, augmented voltage, foot"), ("2:3", "Lead V1"),
         ("2:4", "Lead V2"), ("2:5", "Lead V3"), ("2:6", "Lead V4"), ("2:7", "Lead V5"), ("2:8", "Lead V6")]


def electrocardiogram():
    data = instance(8, TwelveLeadECGWaveformStorage, "ECG")
    without_acquisition(data)
    data.AcquisitionDateTime, data.SynchronizationFrameOfReferenceUID = "20211228101500", f"{ROOT}.8.9"
    data.SynchronizationTrigger, data.AcquisitionTimeSynchronized = "NO TRIGGER", "N"
    data.AcquisitionContextSequence, data.WaveformSequence = items(), items()
    channels = items(*(of(
        ChannelSourceSequence=items(code(value, "MDC", meaning)), ChannelSensitivity="2.5",
        ChannelSensitivityUnitsSequence=items(code("uV", "UCUM", "microvolt")),
        ChannelSensitivityCorrectionFactor="1", ChannelBaseline="0", ChannelSampleSkew="0", WaveformBitsStored=16,
        FilterLowFrequency="0.05", FilterHighFrequency="150",
    ) for value, meaning in LEADS))
    beats = [int(300 * math.sin(n / 9) * (1 + lead / 12)) for n in range(500) for lead in range(12)]
    group = of(
        WaveformOriginality="ORIGINAL", NumberOfWaveformChannels=12,
        NumberOfWaveformSamples=500, SamplingFrequency="500", MultiplexGroupLabel="RHYTHM",
        ChannelDefinitionSequence=channels, WaveformBitsAllocated=16, WaveformSampleInterpretation="SS",
    )
    group.add_new("WaveformData", "OW", np.array(beats, "<i2").tobytes())
    data.WaveformSequence.append(group)
    return data


def report():
    data = instance(9, BasicTextSRStorage, "SR")
    without_acquisition(data)
    data.ReferencedPerformedProcedureStepSequence = items()
    data.ValueType, data.ContinuityOfContent = "CONTAINER", "SEPARATE"
    data.ConceptNameCodeSequence = items(code("11528-7", "LN", "Radiology Report"))
    data.CompletionFlag, data.VerificationFlag = "PARTIAL", "UNVERIFIED"
    data.PerformedProcedureCodeSequence = items()
    data.ContentSequence = items(
        of(RelationshipType="HAS OBS CONTEXT", ValueType="CODE",
           ConceptNameCodeSequence=items(code("121005", "DCM", "Observer Type")),
           ConceptCodeSequence=items(code("121006", "DCM", "Person"))),
        of(RelationshipType="CONTAINS", ValueType="CONTAINER", ContinuityOfContent="SEPARATE",
           ConceptNameCodeSequence=items(code("121070", "DCM", "Findings")),
           ContentSequence=items(of(
               RelationshipType="CONTAINS", ValueType="TEXT",
               ConceptNameCodeSequence=items(code("121071", "DCM", "Finding")),
               TextValue="Paru dalam batas normal, Łucja: 5 µg\r\nTidak ada kelainan."))),
    )
    return data


KINDS = {
    maker.__name__: maker
    for maker in (
        computed_tomography, computed_radiography, digital_x_ray, secondary_capture, multi_frame_secondary_capture,
        enhanced_magnetic_resonance, encapsulated_pdf, electrocardiogram, report,
    )
}

//! Which SOP classes and transfer syntaxes are proposed for the instances of a study.
//!
//! Each pair gets a presentation context of its own: with several syntaxes in one context the PACS would choose one of them
//! for all instances, and convert or fail the others.

use super::listing::Listed;
use super::pacs::Pair;
use dicom_dictionary_std::uids;
use wire::syntax::{EXPLICIT_LITTLE, IMPLICIT_LITTLE};

/// What is proposed where the PACS does not say in which syntax it keeps an instance: the uncompressed ones, which every
/// PACS has (PS3.5 10.1), then compressed ones by how often they are met.
pub const SYNTAXES: [&str; 15] = [
    EXPLICIT_LITTLE,
    IMPLICIT_LITTLE,
    uids::JPEG_LOSSLESS_SV1,
    uids::JPEG2000_LOSSLESS,
    uids::JPEGLS_LOSSLESS,
    uids::JPEG_BASELINE8_BIT,
    uids::RLE_LOSSLESS,
    uids::JPEG2000,
    uids::JPEG_EXTENDED12_BIT,
    uids::JPEGLS_NEAR_LOSSLESS,
    uids::MPEG4HP41,
    uids::HTJ2K_LOSSLESS,
    wire::syntax::EXPLICIT_BIG,
    wire::syntax::DEFLATED,
    uids::JPEG_LOSSLESS,
];

/// What is proposed where the PACS does not say of which class an instance is, by how often they are met.
pub const CLASSES: [&str; 34] = [
    uids::CT_IMAGE_STORAGE,
    uids::MR_IMAGE_STORAGE,
    uids::COMPUTED_RADIOGRAPHY_IMAGE_STORAGE,
    uids::DIGITAL_X_RAY_IMAGE_STORAGE_FOR_PRESENTATION,
    uids::ULTRASOUND_IMAGE_STORAGE,
    uids::ULTRASOUND_MULTI_FRAME_IMAGE_STORAGE,
    uids::SECONDARY_CAPTURE_IMAGE_STORAGE,
    uids::DIGITAL_MAMMOGRAPHY_X_RAY_IMAGE_STORAGE_FOR_PRESENTATION,
    uids::X_RAY_ANGIOGRAPHIC_IMAGE_STORAGE,
    uids::X_RAY_RADIOFLUOROSCOPIC_IMAGE_STORAGE,
    uids::POSITRON_EMISSION_TOMOGRAPHY_IMAGE_STORAGE,
    uids::NUCLEAR_MEDICINE_IMAGE_STORAGE,
    uids::ENHANCED_CT_IMAGE_STORAGE,
    uids::ENHANCED_MR_IMAGE_STORAGE,
    uids::BREAST_TOMOSYNTHESIS_IMAGE_STORAGE,
    uids::DIGITAL_X_RAY_IMAGE_STORAGE_FOR_PROCESSING,
    uids::DIGITAL_MAMMOGRAPHY_X_RAY_IMAGE_STORAGE_FOR_PROCESSING,
    uids::GRAYSCALE_SOFTCOPY_PRESENTATION_STATE_STORAGE,
    uids::KEY_OBJECT_SELECTION_DOCUMENT_STORAGE,
    uids::BASIC_TEXT_SR_STORAGE,
    uids::ENHANCED_SR_STORAGE,
    uids::COMPREHENSIVE_SR_STORAGE,
    uids::X_RAY_RADIATION_DOSE_SR_STORAGE,
    uids::ENCAPSULATED_PDF_STORAGE,
    uids::VL_PHOTOGRAPHIC_IMAGE_STORAGE,
    uids::VL_ENDOSCOPIC_IMAGE_STORAGE,
    uids::TWELVE_LEAD_ECG_WAVEFORM_STORAGE,
    uids::GENERAL_ECG_WAVEFORM_STORAGE,
    uids::SEGMENTATION_STORAGE,
    uids::RT_IMAGE_STORAGE,
    uids::RT_DOSE_STORAGE,
    uids::RT_STRUCTURE_SET_STORAGE,
    uids::RT_PLAN_STORAGE,
    uids::MULTI_FRAME_TRUE_COLOR_SECONDARY_CAPTURE_IMAGE_STORAGE,
];

/// The pairs of these instances, the most certain first.
pub fn pairs(instances: &[Listed]) -> Vec<Pair> {
    let mut pairs: Vec<Pair> = Vec::new();
    let mut add = |sop_class: &str, syntax: &str| {
        let pair = (sop_class.to_owned(), syntax.to_owned());
        if !pairs.contains(&pair) {
            pairs.push(pair);
        }
    };
    let mut classes: Vec<&str> = instances.iter().filter_map(|listed| listed.sop_class.as_deref()).collect();
    classes.sort_unstable();
    classes.dedup();
    for listed in instances {
        if let (Some(sop_class), Some(syntax)) = (&listed.sop_class, &listed.transfer_syntax) {
            add(sop_class, syntax);
        }
    }
    // A PACS that converts does it into these; one that names a syntax may still keep another.
    for syntax in SYNTAXES {
        for sop_class in &classes {
            add(sop_class, syntax);
        }
    }
    if classes.is_empty() || instances.iter().any(|listed| listed.sop_class.is_none()) {
        for syntax in SYNTAXES {
            for sop_class in CLASSES {
                add(sop_class, syntax);
            }
        }
    }
    pairs
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listed(sop_class: Option<&str>, syntax: Option<&str>) -> Listed {
        Listed {
            series: "1".into(),
            instance: "1.1".into(),
            sop_class: sop_class.map(Into::into),
            transfer_syntax: syntax.map(Into::into),
        }
    }

    #[test]
    fn what_the_pacs_says_comes_first_and_what_it_does_not_say_is_tried() {
        let told = pairs(&[listed(Some("1.2.3"), Some("1.2.840.10008.1.2.4.90")), listed(Some("1.2.4"), None)]);
        assert_eq!(told[0], ("1.2.3".to_owned(), "1.2.840.10008.1.2.4.90".to_owned()));
        assert_eq!(told.len(), 2 * SYNTAXES.len());
        let untold = pairs(&[listed(None, None)]);
        assert_eq!(untold.len(), CLASSES.len() * SYNTAXES.len());
        assert_eq!(untold[0], (uids::CT_IMAGE_STORAGE.to_owned(), EXPLICIT_LITTLE.to_owned()));
    }
}

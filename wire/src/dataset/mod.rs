//! Data sets (PS3.5 section 7): a bounded structural pass over bytes that may be hostile, and the metadata it leaves.
//!
//! [`Scanner`] takes the bytes of a data set in chunks of any size. It keeps no more than the metadata, whatever a length
//! field says, and refuses what is not there: values beyond their parents, beyond the end, deeper than
//! `limits::DATASET_DEPTH_MAX`. The result is an [`Outline`]: every element with its place, small values in memory, large
//! ones as offset and length. [`Draft`] goes the other way, for the few data sets that Segel itself makes.

mod header;
mod inflate;
mod json;
mod outline;
mod recode;
mod scan;
mod vr;
mod walk;
mod write;

pub use dicom_core::{Tag, VR};
pub use inflate::Inflater;
pub use json::{parse_tag, read_json, tag_key};
pub use outline::{DataSet, Element, Outline, Span, Value};
pub use recode::{Edit, Recoder};
pub use scan::Scanner;
pub(crate) use vr::has_long_length;
pub use vr::{keyword_of, tag_of, vr_of};
pub use write::{Draft, write};

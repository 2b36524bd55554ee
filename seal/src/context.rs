//! What a sealed object is bound to. Every field has a fixed width, so no two contexts share their bytes.

use crate::message::{Context, Part};

/// The sealed parts of one object version. Metadata and content lie under one key and differ in their context.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PartName {
    /// Identity and what lists show.
    Summary,
    /// The full metadata.
    Metadata,
    /// The bytes as they came.
    Content,
}

impl PartName {
    /// The key that opens it.
    #[must_use]
    pub fn part(self) -> Part {
        match self {
            Self::Summary => Part::Summary,
            Self::Metadata | Self::Content => Part::Content,
        }
    }

    /// A number of the format: never reused.
    fn number(self) -> u8 {
        match self {
            Self::Summary => 0,
            Self::Metadata => 1,
            Self::Content => 2,
        }
    }
}

const OBJECT_LABEL: &[u8] = b"segel/object@v1\x00";
const WRAPPED_LABEL: &[u8] = b"segel/wrapped-key@v1\x00";

/// The Cobblestone context of one sealed part.
#[must_use]
pub fn bytes(context: &Context, name: PartName) -> Vec<u8> {
    let mut bytes = labelled(OBJECT_LABEL, context);
    bytes.push(name.number());
    bytes
}

/// The associated data of a wrapped key: the same identity, which of the two keys, and the epoch it is wrapped in.
pub(crate) fn wrapped(context: &Context, part: Part, epoch: u32) -> Vec<u8> {
    let mut bytes = labelled(WRAPPED_LABEL, context);
    bytes.push(match part {
        Part::Summary => 0,
        Part::Content => 1,
    });
    bytes.extend_from_slice(&epoch.to_be_bytes());
    bytes
}

fn labelled(label: &[u8], context: &Context) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(label.len() + 41);
    bytes.extend_from_slice(label);
    bytes.extend_from_slice(&context.patient.0);
    bytes.extend_from_slice(&context.object.0);
    bytes.extend_from_slice(&context.version.to_be_bytes());
    bytes
}

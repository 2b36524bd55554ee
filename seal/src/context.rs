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
    let mut bytes = Vec::with_capacity(label.len() + 16 + 16 + 4 + 5);
    bytes.extend_from_slice(label);
    bytes.extend_from_slice(&context.patient.0);
    bytes.extend_from_slice(&context.object.0);
    bytes.extend_from_slice(&context.version.to_be_bytes());
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;
    use record::{ObjectId, Pseudonym};
    use std::collections::HashSet;

    const CONTEXT: Context = Context { patient: Pseudonym([1; 16]), object: ObjectId([2; 16]), version: 0x0304_0506 };

    #[test]
    fn contexts_have_the_bytes_they_always_had() {
        let ids = [[1; 16], [2; 16]].concat();
        let object = |part: u8| [b"segel/object@v1\x00".as_slice(), &ids, &[3, 4, 5, 6, part]].concat();
        for (name, part) in [(PartName::Summary, 0), (PartName::Metadata, 1), (PartName::Content, 2)] {
            assert_eq!(bytes(&CONTEXT, name), object(part));
            assert_eq!(object(part).len(), 53);
        }
        let key = |part: u8| [b"segel/wrapped-key@v1\x00".as_slice(), &ids, &[3, 4, 5, 6, part, 0, 0, 0, 9]].concat();
        assert_eq!(wrapped(&CONTEXT, Part::Summary, 9), key(0));
        assert_eq!(wrapped(&CONTEXT, Part::Content, 9), key(1));
    }

    #[test]
    fn no_two_places_have_one_context() {
        let mut seen = HashSet::new();
        for (patient, object, version) in [(1, 2, 3), (2, 1, 3), (1, 2, 4), (3, 2, 1)] {
            let context = Context { patient: Pseudonym([patient; 16]), object: ObjectId([object; 16]), version };
            for name in [PartName::Summary, PartName::Metadata, PartName::Content] {
                assert!(seen.insert(bytes(&context, name)));
            }
            for part in [Part::Summary, Part::Content] {
                assert!(seen.insert(wrapped(&context, part, 1)));
            }
        }
    }
}

//! Which transfer syntax an instance can be brought into from the one it is kept in, without losing anything.

use wire::syntax::{self, DEFLATED, EXPLICIT_BIG, EXPLICIT_LITTLE, IMPLICIT_LITTLE};

/// What instances can be written in: the encodings that keep every value, most wanted first.
pub const WRITTEN: [&str; 4] = [EXPLICIT_LITTLE, IMPLICIT_LITTLE, DEFLATED, EXPLICIT_BIG];

/// Whether an instance that is kept in this syntax can be had in each of [`WRITTEN`].
pub fn is_rewritable(transfer_syntax_uid: &str) -> bool {
    is_native(transfer_syntax_uid) || decodes_exactly(transfer_syntax_uid)
}

/// Whether pixels of this syntax are not encapsulated.
pub fn is_native(transfer_syntax_uid: &str) -> bool {
    matches!(
        transfer_syntax_uid,
        syntax::IMPLICIT_LITTLE | syntax::EXPLICIT_LITTLE | syntax::EXPLICIT_BIG | syntax::DEFLATED
    )
}

/// Whether every decoder makes the same values of this syntax, which are those that were encoded: only such pixels may stand
/// in an instance that says that they are the ones that were sent.
fn decodes_exactly(transfer_syntax_uid: &str) -> bool {
    matches!(
        transfer_syntax_uid,
        "1.2.840.10008.1.2.1.98" // Encapsulated Uncompressed Explicit VR Little Endian
            | "1.2.840.10008.1.2.5" // RLE Lossless
            | "1.2.840.10008.1.2.4.57" // JPEG Lossless, Non-Hierarchical (Process 14)
            | "1.2.840.10008.1.2.4.70" // JPEG Lossless, First-Order Prediction
            | "1.2.840.10008.1.2.4.80" // JPEG-LS Lossless
            | "1.2.840.10008.1.2.4.90" // JPEG 2000, Lossless Only
            | "1.2.840.10008.1.2.4.110" // JPEG XL Lossless
            | "1.2.840.10008.1.2.4.201" // High-Throughput JPEG 2000, Lossless Only
            | "1.2.840.10008.1.2.4.202" // High-Throughput JPEG 2000 RPCL, Lossless Only
            | "1.2.840.10008.1.2.8.1" // Deflated Image Frame Compression
    )
}

//! Bounded readers of the bytes of strangers. No I/O.

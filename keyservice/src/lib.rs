//! Releases keys, and writes down that it did.

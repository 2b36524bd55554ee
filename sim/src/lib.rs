//! Tests only: real clients, faults and the adversary against the real binaries.

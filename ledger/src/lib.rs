//! The transparency log (C2SP tlog-tiles). Knows no medicine.

//! Indonesian names: how they are taken apart to be found again.

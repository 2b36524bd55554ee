//! Who may read what, why and how much, as pure functions.

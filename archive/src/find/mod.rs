//! Finding: tokens narrow to candidates, summaries of candidates are opened, and the standard's rules decide on them.

mod query;
mod resources;

pub use query::{Level, Matching, Query, Row, Tag};
pub use resources::{ResourceQuery, ResourceRow};

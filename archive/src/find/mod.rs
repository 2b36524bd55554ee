//! Finding: tokens narrow to candidates, summaries of candidates are opened, and the standard's rules decide on them.

mod compare;
mod images;
mod narrow;
mod query;
mod resources;
mod rows;

pub(crate) use images::images;
pub use query::{Level, Matching, Query, Row, Tag};
pub(crate) use resources::resources;
pub use resources::{Accept, ResourceQuery, ResourceRow};

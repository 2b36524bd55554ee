//! Finding: tokens narrow to candidates, summaries of candidates are opened, and the standard's rules decide on them.

mod candidates;
mod compare;
mod decide;
mod images;
mod moment;
mod narrow;
mod query;
mod resources;

pub use compare::matches;
pub(crate) use images::page;
pub use narrow::keys;
pub use query::{Agreed, Level, Matching, Page, Position, Query, Row, Tag};
pub(crate) use resources::resources;
pub use resources::{Accept, ResourceQuery, ResourceRow};

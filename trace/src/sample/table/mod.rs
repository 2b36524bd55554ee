//! Tables written as text, streamed row by row.

pub(crate) mod delimited;
mod dialect;
mod heading;
pub(crate) mod json;
mod lead;
pub(crate) mod sql;
pub(crate) mod workbook;

//! Goods of unknown shape: a folder, an archive or a file becomes rows of tables, files, and remarks on what was not read.
//!
//! Everything is streamed. Nothing of a sample is executed, followed out of it or written anywhere; memory has a bound
//! whatever its size, and a damaged piece never ends the whole.

pub mod columns;
mod database;
mod emit;
pub mod limits;
mod piece;
mod progress;
mod remark;
mod table;
mod text;
mod walk;

pub use emit::Summary;
pub use piece::{File, Flow, Kind, Row, Sink, Table};
pub use progress::{Done, Progress};
pub use remark::{Fault, Remark};
pub use walk::{read, read_bytes};

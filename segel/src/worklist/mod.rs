//! What is to be done: orders as a modality's worklist (PS3.4 Annex K), and the model that both worklist doors share.
//!
//! An order comes as a FHIR ServiceRequest. Beside it, in the same durable write, an item is kept: the data set that a
//! modality will be answered, sealed as the summary of a resource of the type [`ITEM`] with the order's id. A query opens the
//! items that its station and days name, and no order.
//!
//! An order is on the list while its status is `active`, its intent is an order's, it is about imaging (category
//! SNOMED 363679005 or `RAD`, or a modality in `orderDetail`) and `occurrence[x]` says when. Its item leaves the list with the version
//! of the order that says otherwise; images that arrive change nothing, because only the department knows when a step is done.
//!
#![doc = include_str!("mapping.md")]

pub mod element;
pub mod item;
pub mod keys;
pub mod order;
pub mod query;

pub use element::Attributes;

/// The resource type of an order's item.
pub const ITEM: &str = "ModalityWorklistItem";

//! The DICOMweb services, as the door's own description has them.

use super::table::Table;
use crate::openapi::OPERATIONS;

/// Every operation that a section of PS3.18 defines.
pub fn operations() -> String {
    let mut table = Table::new(&["Service", "Request", "What it does", "Query parameters", "Answer"]);
    for operation in OPERATIONS.iter().filter(|operation| operation.section.contains("PS3.18")) {
        let request = format!("`{} {}`", operation.method, operation.path);
        let list = |all: &[&str]| if all.is_empty() { "-".to_owned() } else { all.join(", ") };
        table.row([operation.section, &request, operation.summary, &list(operation.query), &list(operation.gives)]);
    }
    table.end()
}

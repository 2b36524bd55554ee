use serde_json::json;

/// Prints what an attack yielded as one line that `cargo xtask attack` gathers; whether it is no more than it may be.
pub fn finding(row: &str, way: &str, yielded: f64, limit: f64, unit: &str, note: &str) -> bool {
    let met = yielded <= limit;
    let line = json!({
        "row": row, "way": way, "yielded": yielded, "limit": limit, "unit": unit, "met": met, "note": note,
    });
    println!("ATTACK {line}");
    met
}

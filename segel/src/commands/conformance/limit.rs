//! Limits by their names in `record::limits`, in words.

use record::limits;

macro_rules! named {
    ($mark:expr, $($name:ident)*) => {
        match $mark {
            $(stringify!($name) => u64::try_from(limits::$name).ok(),)*
            _ => None,
        }
    };
}

/// The limit of this name.
pub fn of(name: &str) -> Option<String> {
    let value = named!(name,
        PDU_BYTES_MAX PRESENTATION_CONTEXTS_MAX ASSOCIATIONS_MAX ASSOCIATIONS_PER_PEER_MAX ARTIM_MS_MAX
        ASSOCIATION_IDLE_MS_MAX PDU_PROGRESS_MS_MAX OPERATION_PROGRESS_MS_MAX PEER_CONNECT_MS_MAX DRAIN_MS_MAX
        COMMITMENT_REFERENCES_MAX COMMITMENT_REPORTS_MAX COMMITMENT_REPORT_SECONDS_MAX QUERY_BYTES_MAX SEARCH_OPENED_MAX
        SEARCH_RESULTS_MAX LOCATED_MAX FILTER_VALUES_MAX WORKLIST_ITEMS_MAX DATASET_DEPTH_MAX DATASET_ELEMENTS_MAX
        METADATA_BYTES_MAX INFLATED_BYTES_MAX FRAME_BYTES_MAX DECODED_FRAME_BYTES_MAX FREE_BYTES_MIN LEASE_MS_MAX
        ASSOCIATE_BYTES_MAX PARTS_MAX WORKITEM_BYTES_MAX
    )?;
    Some(if name.contains("_MS_") {
        format!("{} s", value / 1_000)
    } else if name.contains("_SECONDS_") {
        format!("{} hours", value / 3_600)
    } else if name.contains("BYTES") {
        bytes(value)
    } else {
        grouped(value)
    })
}

fn bytes(value: u64) -> String {
    let units = [("GiB", 30), ("MiB", 20), ("KiB", 10)];
    let unit = units.into_iter().find(|(_, shift)| value >> shift << shift == value && value >> shift > 0);
    unit.map_or_else(
        || format!("{} bytes", grouped(value)),
        |(unit, shift)| format!("{} {unit}", grouped(value >> shift)),
    )
}

fn grouped(value: u64) -> String {
    let digits = value.to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_are_said_in_their_units() {
        for (name, words) in [
            ("PDU_BYTES_MAX", "128 KiB"),
            ("FRAME_BYTES_MAX", "64 GiB"),
            ("ARTIM_MS_MAX", "30 s"),
            ("COMMITMENT_REPORT_SECONDS_MAX", "96 hours"),
            ("DATASET_ELEMENTS_MAX", "1,000,000"),
            ("SEARCH_RESULTS_MAX", "1,000"),
            ("DATASET_DEPTH_MAX", "64"),
        ] {
            assert_eq!(of(name).as_deref(), Some(words));
        }
        assert_eq!(of("NO_LIMIT"), None);
    }
}

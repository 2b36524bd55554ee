//! TLS as it is offered, and the character sets that are read.

use super::table::Table;
use std::fmt::Debug;

/// The cipher suites, by version.
pub fn suites() -> String {
    let mut table = Table::new(&["Version", "Cipher suites"]);
    let provider = crate::tls::provider();
    for (version, of) in [("TLS 1.3", &rustls::version::TLS13), ("TLS 1.2", &rustls::version::TLS12)] {
        let suites = provider.cipher_suites.iter().filter(|suite| suite.version().version == of.version);
        let names: Vec<String> = suites.map(|suite| named(&suite.suite())).collect();
        table.row([version, &names.join(", ")]);
    }
    table.end()
}

/// The groups of key exchange.
pub fn groups() -> String {
    crate::tls::provider().kx_groups.iter().map(|group| named(&group.name())).collect::<Vec<_>>().join(", ")
}

/// The name in IANA's registry.
fn named(what: &impl Debug) -> String {
    format!("{what:?}").replace("TLS13_", "TLS_")
}

/// The defined terms of Specific Character Set.
pub fn character_sets() -> String {
    let mut table = Table::new(&["Alone", "With code extensions (ISO 2022)"]);
    for (alone, extended) in wire::charset::defined_terms() {
        table.row([alone.unwrap_or_else(|| "-".to_owned()), extended.unwrap_or_else(|| "-".to_owned())]);
    }
    table.end()
}

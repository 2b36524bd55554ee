//! Settings that two people hold. From the moment that there are two approvers, everything in `keyservice.toml` but names and
//! addresses counts as it stood then: who changes the file changes nothing, until the change was approved.

use crate::config::Config;
use crate::error::{Error, Result};
use crate::keys::Keys;
use crate::request::Turn;
use crate::store::quorum as stored;
use rusqlite::Connection;
use toml::Table;

const SETTINGS: &str = "settings";
/// What one administrator sets: where the service listens, and what its ledger is called.
const FREE: [&str; 3] = ["origin", "node", "admin"];

/// Reads settings that shall be held.
///
/// # Errors
/// Invalid for what is no setting, or is one of a single administrator.
pub fn parse(text: &str) -> Result<()> {
    let table: Table = toml::from_str(text).map_err(|error| Error::invalid(format!("the settings: {error}")))?;
    if let Some(free) = FREE.iter().find(|key| table.contains_key(**key)) {
        return Err(Error::invalid(format!("{free} is no setting that is held: change it in the file")));
    }
    let config: Config = toml::from_str(text).map_err(|error| Error::invalid(format!("the settings: {error}")))?;
    config.engine()?;
    config.quorum.rules().map(|_| ())
}

/// Holds the settings that count now.
///
/// # Errors
/// Busy or Damaged if the disk fails.
pub fn hold_first(turn: &mut Turn<'_>) -> Result<()> {
    let held = held_part(&turn.quorum.settings_text)?;
    stored::put_fact(turn.db, turn.keys, SETTINGS, &held)
}

/// Puts approved settings in place of those that were held. They count from the next start.
///
/// # Errors
/// Invalid for what is no setting.
pub fn replace(turn: &mut Turn<'_>, text: &str) -> Result<()> {
    parse(text)?;
    stored::put_fact(turn.db, turn.keys, SETTINGS, &text.to_owned())
}

/// The settings that count: those that are held, whatever the file says, and names and addresses from the file.
///
/// # Errors
/// Damaged if what is held is not what was written.
pub fn in_force(db: &Connection, keys: &Keys, config: Config) -> Result<Config> {
    let Some(held) = stored::fact::<String>(db, keys, SETTINGS)? else { return Ok(config) };
    let read = |text: &str| -> Result<Table> {
        toml::from_str(text).map_err(|_| Error::damaged("the settings that are held are none"))
    };
    if read(&held)? != read(&held_part(&config.text)?)? {
        tracing::warn!(
            "keyservice.toml differs from the settings that were approved: those count, and the file does not"
        );
    }
    let mut table = read(&held)?;
    for (key, value) in read(&config.text)? {
        if FREE.contains(&key.as_str()) {
            table.insert(key, value);
        }
    }
    let text = toml::to_string(&table).map_err(|_| Error::damaged("the settings cannot be joined"))?;
    let approved = Config::parse(&text, &config.beside)?;
    // What a program set itself, and no file, stays as it is.
    Ok(Config { origin: config.origin, node: config.node, admin: config.admin, ..approved })
}

/// What of a file's text is held.
fn held_part(text: &str) -> Result<String> {
    let mut table: Table = toml::from_str(text).map_err(|error| Error::invalid(format!("the settings: {error}")))?;
    table.retain(|key, _| !FREE.contains(&key));
    toml::to_string(&table).map_err(|_| Error::invalid("the settings cannot be written"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_addresses_are_one_persons_and_everything_else_is_held() {
        assert!(parse("").is_ok() && parse("[quorum.export]\napprovals = 3\n").is_ok());
        for wrong in
            ["origin = \"x\"", "[node]\nlisten = \"127.0.0.1:1\"", "colour = 1", "[quorum.export]\napprovals = 1", "="]
        {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
        let held = held_part("origin = \"x\"\n[quorum.export]\napprovals = 3\n").unwrap();
        assert!(held.contains("approvals = 3") && !held.contains("origin"));
    }
}

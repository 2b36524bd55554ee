//! Archives of any size, made through the same code that takes instances in at the doors, and how long a search of them takes.
//!
//! `scale fill DATA PATIENTS [SENDERS]`: stores one small radiograph each of so many patients into the data folder, which
//! `segel serve --data DATA` opens afterwards. The passphrase of its key service is in `SEGEL_PASSPHRASE`, as for `serve`. A
//! later run with a larger number adds what is missing.
//! `scale files FOLDER FIRST PATIENTS`: writes the same instances as files (PS3.10), for another archive.
//! `scale find DATA ROUNDS`: milliseconds of searches for a patient's number, the beginning of a name, and a week of one
//! modality, each as DICOMweb asks the archive: 100 rows at most, opened in the key service over its socket.

mod fill;
mod find;
mod patient;
mod place;

use std::error::Error;
use std::path::Path;

type Result<T> = std::result::Result<T, Box<dyn Error + Send + Sync>>;

/// Instances that are on their way at once when nobody says how many: enough to fill the groups of both programs.
const SENDERS: usize = 96;

#[tokio::main]
async fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["fill", data, patients] => fill::run(Path::new(data), patients.parse()?, SENDERS).await,
        ["fill", data, patients, senders] => fill::run(Path::new(data), patients.parse()?, senders.parse()?).await,
        ["files", folder, first, patients] => fill::write(Path::new(folder), first.parse()?, patients.parse()?),
        ["find", data, rounds] => find::run(Path::new(data), rounds.parse()?).await,
        _ => {
            Err("scale fill DATA PATIENTS [SENDERS] | scale files FOLDER FIRST PATIENTS | scale find DATA ROUNDS"
                .into())
        }
    }
}

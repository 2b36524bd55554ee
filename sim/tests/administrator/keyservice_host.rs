//! What the administrator of the key service's operating system tries, where the passphrase is somebody else's to type.

use sim::Result;
use sim::adversary::administrator::Administrator::KeyServiceHost;
use sim::adversary::administrator::{Abuse, Attempt, Noticed, Scene};
use sim::process::{Archive, PASSPHRASE};

fn abuse(name: &'static str, hope: &'static str, noticed: Noticed, attempt: Attempt) -> Abuse {
    Abuse { name, by: KeyServiceHost, hope, noticed, attempt }
}

pub fn abuses() -> Vec<Abuse> {
    let mut abuses = settings();
    abuses.extend(older());
    abuses.extend(ledger());
    abuses.extend(starts());
    abuses.extend(surroundings());
    abuses
}

fn write(scene: &Scene<'_>, settings: &str) -> Result<()> {
    Ok(std::fs::write(scene.data.join("keyservice/keyservice.toml"), settings)?)
}

fn settings() -> Vec<Abuse> {
    use Attempt::Files;
    use Noticed::Nothing;
    vec![
        abuse(
            "budgets that only count",
            "settings in which nobody is refused",
            Nothing,
            Files(|scene| write(scene, "[budgets]\nmode = \"observe\"\n")),
        ),
        abuse(
            "budgets without an end",
            "larger numbers in the settings",
            Nothing,
            Files(|scene| {
                write(
                    scene,
                    "[budgets.actor.radiographer]\ncontents = { hour = 9000, day = 9000 }\nsummaries = { hour = 9000, day = 9000 }\n",
                )
            }),
        ),
        abuse(
            "rules of one's own",
            "another set of rules in the settings",
            Nothing,
            Files(|scene| {
                let folder = scene.folder.join("rules");
                std::fs::create_dir_all(&folder)?;
                std::fs::write(folder.join("all.cedar"), "permit(principal, action, resource);")?;
                write(scene, &format!("[policies]\nfolder = \"{}\"\n", folder.display()))
            }),
        ),
        abuse(
            "no settings",
            "the file taken away",
            Nothing,
            Files(|scene| Ok(std::fs::remove_file(scene.data.join("keyservice/keyservice.toml"))?)),
        ),
        abuse(
            "witnesses that nobody asks",
            "settings without witnesses",
            Nothing,
            Files(|scene| write(scene, "[witnesses]\nneeded = 0\nlist = []\n")),
        ),
    ]
}

fn older() -> Vec<Abuse> {
    use Attempt::{Files, Witnessed};
    use Noticed::{Nothing, Start};
    vec![
        abuse(
            "yesterday's state",
            "people, approvers and budgets as they were",
            Start,
            Files(|scene| scene.put_back("keyservice/state.sqlite")),
        ),
        abuse(
            "yesterday's ledger",
            "a log that is shorter",
            Nothing,
            Files(|scene| scene.put_back("keyservice/ledger")),
        ),
        abuse(
            "yesterday's state and ledger",
            "both, which fit each other",
            Start,
            Witnessed(|scene| {
                scene.put_back("keyservice/state.sqlite")?;
                scene.put_back("keyservice/ledger")
            }),
        ),
        abuse(
            "yesterday's key service, whole",
            "its whole folder",
            Start,
            Witnessed(|scene| scene.put_back("keyservice")),
        ),
        abuse(
            "yesterday's machine, whole",
            "both folders",
            Start,
            Witnessed(|scene| {
                scene.put_back("keyservice")?;
                scene.put_back("archive")
            }),
        ),
        abuse("yesterday's vault", "who was erased", Nothing, Files(|scene| scene.put_back("keyservice/vault.key"))),
    ]
}

fn ledger() -> Vec<Abuse> {
    use Attempt::Files;
    use Noticed::Start;
    fn tile(scene: &Scene<'_>, kind: &str) -> Result<std::path::PathBuf> {
        let all = sim::kept::files(&scene.data.join("keyservice/ledger/tile").join(kind))?;
        let wide =
            |path: &std::path::PathBuf| path.file_name().and_then(|n| n.to_str()?.parse::<usize>().ok()).unwrap_or(0);
        all.into_iter().max_by_key(wide).ok_or_else(|| "no tile".into())
    }
    fn flip(path: &std::path::Path) -> Result<()> {
        let mut bytes = std::fs::read(path)?;
        *bytes.get_mut(40).ok_or("a short file")? ^= 1;
        Ok(std::fs::write(path, bytes)?)
    }
    vec![
        abuse("a leaf rewritten", "another entry in the log's files", Start, Files(|scene| flip(&tile(scene, "0")?))),
        abuse("an entry rewritten", "another hash of an event", Start, Files(|scene| flip(&tile(scene, "entries")?))),
        abuse(
            "a checkpoint rewritten",
            "another size of the log",
            Start,
            Files(|scene| {
                let path = scene.data.join("keyservice/ledger/checkpoint");
                let text = std::fs::read_to_string(&path)?;
                let size = text.lines().nth(1).ok_or("no size")?.to_owned();
                let smaller = (size.parse::<u64>()? - 1).to_string();
                Ok(std::fs::write(&path, text.replacen(&size, &smaller, 1))?)
            }),
        ),
    ]
}

fn starts() -> Vec<Abuse> {
    use Attempt::Starting;
    use Noticed::Start;
    vec![
        abuse(
            "a start without the passphrase",
            "a service without whoever types it",
            Start,
            Starting(|scene| {
                let home = scene.folder.join("home").display().to_string();
                Archive::start_in(
                    &scene.data,
                    &[],
                    &[("HOME".to_owned(), home.clone()), ("XDG_CONFIG_HOME".to_owned(), home)],
                )
            }),
        ),
        abuse(
            "a start with another passphrase",
            "a guess",
            Start,
            Starting(|scene| {
                Archive::start_in(
                    &scene.data,
                    &[],
                    &[("SEGEL_PASSPHRASE".to_owned(), "the tests' own passphrasf".to_owned())],
                )
            }),
        ),
        abuse(
            "another root",
            "a root that one knows",
            Start,
            Starting(|scene| {
                let own = scene.folder.join("own");
                Archive::start(&own)?.stop()?;
                std::fs::copy(own.join("keyservice/root.key"), scene.data.join("keyservice/root.key"))?;
                Archive::start(&scene.data)
            }),
        ),
        abuse(
            "a vault of one's own",
            "keys that one makes oneself",
            Start,
            Starting(|scene| {
                std::fs::remove_file(scene.data.join("keyservice/vault.key"))?;
                Archive::start(&scene.data)
            }),
        ),
    ]
}

fn environment(further: &[(&str, &str)]) -> Vec<(String, String)> {
    let passphrase = [("SEGEL_PASSPHRASE", PASSPHRASE)];
    passphrase.iter().chain(further).map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

fn surroundings() -> Vec<Abuse> {
    use Attempt::Starting;
    use Noticed::Nothing;
    const FAKETIME: &str = "/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1";
    vec![
        abuse(
            "a clock that is two days ahead",
            "windows of budgets that are over",
            Nothing,
            Starting(|scene| {
                Archive::start_in(&scene.data, &[], &environment(&[("LD_PRELOAD", FAKETIME), ("FAKETIME", "+2d")]))
            }),
        ),
        abuse(
            "a clock that is two days behind",
            "windows of time that have not ended",
            Nothing,
            Starting(|scene| {
                Archive::start_in(&scene.data, &[], &environment(&[("LD_PRELOAD", FAKETIME), ("FAKETIME", "-2d")]))
            }),
        ),
        abuse(
            "the log files",
            "names and numbers in what the service writes down",
            Nothing,
            Starting(|scene| {
                Archive::start_in(&scene.data, &[], &environment(&[("RUST_LOG", "trace"), ("SEGEL_LOG", "trace")]))
            }),
        ),
    ]
}

//! The root in a token: SoftHSM, in a store of the test's own.

use crate::support::PASSPHRASE;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

const PIN: &str = "246810";
/// Where Debian puts the library.
const MODULES: [&str; 2] = ["/usr/lib/softhsm/libsofthsm2.so", "/usr/lib/x86_64-linux-gnu/softhsm/libsofthsm2.so"];

/// A token of the test's own, and a key service's folder with settings that name it.
struct Stage {
    folder: tempfile::TempDir,
}

impl Stage {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path();
        let module = MODULES.iter().find(|module| Path::new(module).exists());
        let module = module.expect("SoftHSM is needed: apt-get install softhsm2");
        std::fs::create_dir(path.join("tokens")).unwrap();
        let store = format!("directories.tokendir = {}\nobjectstore.backend = file\n", path.join("tokens").display());
        std::fs::write(path.join("softhsm2.conf"), store).unwrap();
        std::fs::write(path.join("pin"), format!("{PIN}\n")).unwrap();
        let settings = format!(
            "[root]\npkcs11 = {{ module = \"{module}\", token = \"segel-test\", key = \"root\", pin_file = \"pin\" }}\n"
        );
        std::fs::write(path.join("keyservice.toml"), settings).unwrap();
        let stage = Self { folder };
        let made = Command::new("softhsm2-util")
            .args(["--init-token", "--free", "--label", "segel-test", "--pin", PIN, "--so-pin", "135790"])
            .env("SOFTHSM2_CONF", stage.path("softhsm2.conf"))
            .output()
            .expect("softhsm2-util is needed: apt-get install softhsm2");
        assert!(made.status.success(), "{made:?}");
        stage
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The key service's program on the stage's folder.
    fn run(&self, passphrase: &str, arguments: &[&str]) -> Output {
        Command::new(env!("CARGO_BIN_EXE_segel-keyservice"))
            .arg("--data")
            .arg(self.path("data"))
            .arg("--config")
            .arg(self.path("keyservice.toml"))
            .args(arguments)
            .env("SEGEL_PASSPHRASE", passphrase)
            .env("SOFTHSM2_CONF", self.path("softhsm2.conf"))
            .output()
            .unwrap()
    }

    fn events(&self, passphrase: &str) -> Option<String> {
        let output = self.run(passphrase, &["--events"]);
        output.status.success().then(|| String::from_utf8(output.stdout).unwrap())
    }
}

/// Starts the service and ends it again, so that there is a state.
fn begin(stage: &Stage) {
    let mut child = Command::new(env!("CARGO_BIN_EXE_segel-keyservice"))
        .arg("--data")
        .arg(stage.path("data"))
        .arg("--config")
        .arg(stage.path("keyservice.toml"))
        .arg("--exit-with-stdin")
        .env("SEGEL_PASSPHRASE", PASSPHRASE)
        .env("SOFTHSM2_CONF", stage.path("softhsm2.conf"))
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    std::io::BufRead::read_line(&mut std::io::BufReader::new(child.stdout.take().unwrap()), &mut line).unwrap();
    assert!(line.starts_with("ready "), "{line:?}");
    drop(child.stdin.take());
    assert!(child.wait().unwrap().success());
}

#[test]
fn the_root_moves_into_a_token_and_back_and_the_token_is_needed() {
    let stage = Stage::new();
    begin(&stage);
    let starts = |text: &str| text.matches("\"Start\"").count();
    assert_eq!(starts(&stage.events(PASSPHRASE).unwrap()), 1);

    let moved = stage.run(PASSPHRASE, &["rotate", "--to-token"]);
    assert!(moved.status.success(), "{moved:?}");
    // The passphrase plays no part any more; the token does.
    begin(&stage);
    assert_eq!(starts(&stage.events("any other").unwrap()), 2);
    std::fs::write(stage.path("pin"), "000000").unwrap();
    let refused = stage.run(PASSPHRASE, &["--events"]);
    assert!(String::from_utf8_lossy(&refused.stderr).contains("lets nobody in"), "{refused:?}");
    std::fs::write(stage.path("pin"), PIN).unwrap();
    std::fs::rename(stage.path("tokens"), stage.path("away")).unwrap();
    std::fs::create_dir(stage.path("tokens")).unwrap();
    let refused = stage.run(PASSPHRASE, &["--events"]);
    assert!(String::from_utf8_lossy(&refused.stderr).contains("no token segel-test"), "{refused:?}");
    std::fs::remove_dir(stage.path("tokens")).unwrap();
    std::fs::rename(stage.path("away"), stage.path("tokens")).unwrap();

    // From one key of the token to another, and back to a passphrase.
    let again = stage.run(PASSPHRASE, &["rotate", "--to-token"]);
    assert!(again.status.success(), "{again:?}");
    std::fs::write(stage.path("new"), "a passphrase again").unwrap();
    let new = stage.path("new").display().to_string();
    let back = stage.run(PASSPHRASE, &["rotate", "--new-passphrase-file", &new]);
    assert!(back.status.success(), "{back:?}");
    std::fs::remove_dir_all(stage.path("tokens")).unwrap();
    let events = stage.events("a passphrase again").unwrap();
    assert_eq!(events.matches("\"RotateRoot\"").count(), 3);
    assert!(stage.events(PASSPHRASE).is_none(), "the first passphrase opens nothing");
}

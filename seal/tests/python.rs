//! Python's `cryptography` opens what we seal, and we open what it seals.

#[cfg(test)]
mod interop {
    use seal::cobblestone::{CHUNK_BYTES, open, seal};
    use seal::context::{PartName, bytes};
    use seal::message::{Context, DataKey};
    use seal::wrap;
    use std::fmt::Write as _;
    use std::io::Write as _;
    use std::path::{Path, PathBuf};
    use std::process::{Command, Stdio};

    const LENGTHS: [usize; 10] = [
        0,
        1,
        100,
        CHUNK_BYTES - 1,
        CHUNK_BYTES,
        CHUNK_BYTES + 1,
        2 * CHUNK_BYTES,
        50_000,
        300 * CHUNK_BYTES,
        300 * CHUNK_BYTES + 7,
    ];

    fn python() -> PathBuf {
        let manifest = Path::new(env!("CARGO_MANIFEST_DIR"));
        let venv = std::env::var_os("SEGEL_VENV").map_or_else(|| manifest.join("../.venv"), PathBuf::from);
        let python = venv.join("bin/python");
        assert!(python.exists(), "{} is missing: run `cargo xtask test`, which sets it up", python.display());
        python
    }

    fn run(lines: &str) -> Vec<String> {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cobblestone.py");
        let mut child = Command::new(python())
            .arg(script)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("Python starts");
        child.stdin.take().unwrap().write_all(lines.as_bytes()).unwrap();
        let out = child.wait_with_output().unwrap();
        assert!(out.status.success(), "the Python script failed: it needs `cryptography` 50 or later");
        String::from_utf8(out.stdout).unwrap().lines().map(str::to_owned).collect()
    }

    fn context(number: usize) -> Vec<u8> {
        let number = u8::try_from(number).unwrap();
        let context = Context {
            patient: record::Pseudonym([number; 16]),
            object: record::ObjectId([number; 16]),
            version: u32::from(number),
        };
        if number == 0 { Vec::new() } else { bytes(&context, PartName::Content) }
    }

    fn hexed(bytes: &[u8]) -> String {
        if bytes.is_empty() { "-".to_owned() } else { hex::encode(bytes) }
    }

    fn message(len: usize) -> Vec<u8> {
        (0..len).map(|i| u8::try_from(i * 31 % 253).unwrap()).collect()
    }

    fn line(verb: &str, key: &DataKey, context: &[u8], from: &Path, to: &Path) -> String {
        format!("{verb} {} {} {} {}\n", hex::encode(key.0), hexed(context), from.display(), to.display())
    }

    #[test]
    fn python_opens_what_we_seal() {
        let dir = tempfile::tempdir().unwrap();
        let file = |name: &str, at: usize| dir.path().join(format!("{name}-{at}"));
        let mut lines = String::new();
        for (at, len) in LENGTHS.into_iter().enumerate() {
            let key = wrap::generate().unwrap();
            std::fs::write(file("sealed", at), seal(&key, &context(at), &message(len)).unwrap()).unwrap();
            lines += &line("open", &key, &context(at), &file("sealed", at), &file("opened", at));
            // The same bytes under another context must not open there either.
            write!(lines, "{}", line("open", &key, b"another", &file("sealed", at), &file("wrong", at))).unwrap();
        }
        assert_eq!(run(&lines), ["done", "refused"].repeat(LENGTHS.len()));
        for (at, len) in LENGTHS.into_iter().enumerate() {
            assert!(std::fs::read(file("opened", at)).unwrap() == message(len), "{len} bytes");
        }
    }

    #[test]
    fn we_open_what_python_seals() {
        let dir = tempfile::tempdir().unwrap();
        let file = |name: &str, at: usize| dir.path().join(format!("{name}-{at}"));
        let keys: Vec<DataKey> = LENGTHS.iter().map(|_| wrap::generate().unwrap()).collect();
        let mut lines = String::new();
        for (at, len) in LENGTHS.into_iter().enumerate() {
            std::fs::write(file("plain", at), message(len)).unwrap();
            lines += &line("seal", &keys[at], &context(at), &file("plain", at), &file("sealed", at));
        }
        assert_eq!(run(&lines), ["done"].repeat(LENGTHS.len()));
        for (at, len) in LENGTHS.into_iter().enumerate() {
            let sealed = std::fs::read(file("sealed", at)).unwrap();
            assert!(open(&keys[at], &context(at), &sealed).unwrap() == message(len), "{len} bytes");
            assert!(open(&keys[at], b"another", &sealed).is_err());
        }
    }
}

//! `segel demo --once` is the README's first command: its story must end without a failed step.

#[cfg(test)]
mod tests {
    use sim::process::segel_output;
    use sim::program;
    use std::process::Command;

    #[test]
    fn the_story_ends_without_a_failed_step() {
        let demo = Command::new(program::ours("segel").unwrap()).args(["demo", "--once"]).output().unwrap();
        let told = String::from_utf8(demo.stdout).unwrap();
        print!("{told}");
        assert!(demo.status.success(), "{told}{}", String::from_utf8_lossy(&demo.stderr));
        assert!(told.contains("none found") && told.contains("verifies") && !told.contains("FAILED"));
    }

    #[test]
    fn a_folder_that_holds_something_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("mine"), "x").unwrap();
        let refused = segel_output(folder.path(), "demo", &["--once"]).unwrap();
        assert_eq!(refused.status.code(), Some(1));
        assert_eq!(std::fs::read(folder.path().join("mine")).unwrap(), b"x");
    }
}

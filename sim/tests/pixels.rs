//! Frames through a real pixel worker: bit for bit beside independent decoders, and damaged ones.

#[cfg(test)]
mod tests {
    use sim::program;

    fn script(what: &str, rest: &[&str]) -> String {
        let segel = program::ours("segel").unwrap();
        let arguments = [&[what, segel.to_str().unwrap()], rest].concat();
        program::script("pixels.py", &arguments).unwrap()
    }

    /// Every transfer syntax that is read here, some 350 frames of many sizes, depths and predictors.
    #[test]
    fn every_transfer_syntax_is_decoded_bit_for_bit() {
        assert!(script("exact", &[]).contains("exact: done"));
    }

    /// Frames cut, bent and lied about: each is answered or refused, in bounded time and memory.
    #[test]
    fn damaged_frames_are_answered_in_bounded_time_and_memory() {
        let seconds = sim::amount(10, 60).to_string();
        assert!(script("hostile", &[&seconds]).contains("hostile: done"));
    }
}

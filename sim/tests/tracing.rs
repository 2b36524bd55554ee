//! What tracing says of made-up leaks: how often it names the right one, and that it names nobody else.

#[cfg(test)]
mod tests {
    use sim::leak::figures::{self, Figure};
    use sim::{amount, random};

    fn held(figures: &[Figure]) {
        for figure in figures {
            println!("{}: {} ({})", figure.what, figure.measured, figure.reach);
        }
        let missed: Vec<&Figure> = figures.iter().filter(|figure| !figure.is_met).collect();
        assert!(missed.is_empty(), "{missed:#?}");
    }

    fn trials(short: usize, long: usize) -> u64 {
        u64::try_from(amount(short, long)).unwrap()
    }

    fn seed() -> u64 {
        let seed = random::seed();
        println!("SEGEL_SEED={seed}");
        seed
    }

    #[test]
    fn colluders_are_named_by_one_bit_a_row_and_nobody_else() {
        held(&figures::named_by_bits(trials(2, 600), seed()).unwrap());
    }

    #[test]
    fn colluders_are_named_by_the_microseconds_that_are_left() {
        held(&[figures::named_by_tags(trials(40, 600), seed()).unwrap()]);
    }

    #[test]
    fn innocents_are_accused_no_more_often_than_is_allowed() {
        held(&[figures::innocents(trials(100_000, 1_000_000), seed()).unwrap()]);
    }

    #[test]
    fn the_time_of_copying_lies_in_a_short_window() {
        held(&[figures::dated(trials(100, 1000), seed())]);
    }

    #[test]
    fn what_was_sent_ranks_the_source_and_never_leaves_one_who_may_have_been_framed() {
        held(&figures::sent(u32::try_from(amount(300_000, 6_000_000)).unwrap(), 1, seed()));
    }
}

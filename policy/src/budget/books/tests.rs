use super::super::Scope;
use super::*;
use proptest::prelude::*;

fn of(name: &str) -> Holder {
    Holder { scope: Scope::Actor, name: name.to_owned() }
}

fn some(patients: impl IntoIterator<Item = PatientNumber>) -> HashSet<PatientNumber> {
    patients.into_iter().collect()
}

#[test]
fn one_patient_opened_a_thousand_times_counts_once() {
    let mut books = Books::default();
    for at in 0..1_000 {
        books.charge(&of("a"), Measure::Content, 1, at);
    }
    assert_eq!(books.counts(&of("a"), Measure::Content, 1_000), Counts { patients_hour: 1, patients_day: 1 });
    assert!(books.days.values().all(|day| day.openings.len() <= DEAD_MIN + 3), "dead openings are not kept");
}

#[test]
fn holders_and_measures_are_counted_apart() {
    let mut books = Books::default();
    books.charge(&of("a"), Measure::Summary, 1, 0);
    books.charge(&of("a"), Measure::Content, 2, 0);
    books.charge(&of("b"), Measure::Content, 3, 0);
    books.charge(&of("b"), Measure::Content, 4, 0);
    books.charge(&Holder { scope: Scope::Device, name: "a".to_owned() }, Measure::Content, 5, 0);
    assert_eq!(books.counts(&of("a"), Measure::Summary, 0).patients_day, 1);
    assert_eq!(books.counts(&of("a"), Measure::Content, 0).patients_day, 1);
    assert_eq!(books.counts(&of("b"), Measure::Content, 0).patients_day, 2);
    assert_eq!(books.counts(&of("c"), Measure::Content, 0), Counts::default());
}

#[test]
fn windows_end_to_the_second() {
    let mut books = Books::default();
    books.charge(&of("a"), Measure::Content, 1, 0);
    for (now, hour, day) in
        [(HOUR_SECONDS, 1, 1), (HOUR_SECONDS + 1, 0, 1), (DAY_SECONDS, 0, 1), (DAY_SECONDS + 1, 0, 0)]
    {
        let expected = Counts { patients_hour: hour, patients_day: day };
        assert_eq!(books.counts(&of("a"), Measure::Content, now), expected, "at {now}");
    }
    books.charge(&of("a"), Measure::Content, 1, 0);
    books.forget_before(DAY_SECONDS);
    assert_eq!(books.len(), 1);
    books.forget_before(DAY_SECONDS + 1);
    assert!(books.is_empty());
}

#[test]
fn a_clock_that_steps_back_forgets_nothing() {
    let mut books = Books::default();
    books.charge(&of("a"), Measure::Content, 1, HOUR_SECONDS);
    books.charge(&of("a"), Measure::Content, 1, 0);
    assert_eq!(books.counts(&of("a"), Measure::Content, HOUR_SECONDS + 1).patients_hour, 1);
}

#[test]
fn the_last_patient_fits_and_one_more_does_not() {
    let mut books = Books::default();
    let numbers = Numbers { hour: 3, day: 4 };
    let fits = |books: &mut Books, patients: &[PatientNumber], now| {
        books.fits(&of("a"), Measure::Content, &some(patients.iter().copied()), numbers, now)
    };
    assert_eq!(fits(&mut books, &[1, 2, 3], 0), Ok(()));
    let never = fits(&mut books, &[1, 2, 3, 4], 0).unwrap_err();
    assert_eq!((never.window, never.wanted, never.retry_after_seconds), (Window::Hour, 4, None));
    for (patient, at) in [(1, 0), (2, 10), (3, 20)] {
        books.charge(&of("a"), Measure::Content, patient, at);
    }
    assert_eq!(fits(&mut books, &[1, 2, 3], 30), Ok(()), "who counts already needs no room");
    let spent = fits(&mut books, &[4], 30).unwrap_err();
    let expected = Spent {
        scope: Scope::Actor,
        window: Window::Hour,
        limit: 3,
        counted: 3,
        wanted: 1,
        retry_after_seconds: Some(HOUR_SECONDS + 1 - 30),
    };
    assert_eq!(spent, expected);
    assert_eq!(fits(&mut books, &[4, 5], 30).unwrap_err().retry_after_seconds, Some(HOUR_SECONDS + 11 - 30));
    // The time that was told is right to the second.
    assert!(fits(&mut books, &[4], HOUR_SECONDS).is_err());
    assert_eq!(fits(&mut books, &[4], HOUR_SECONDS + 1), Ok(()));
    books.charge(&of("a"), Measure::Content, 4, HOUR_SECONDS + 1);
    let day = fits(&mut books, &[5], 2 * HOUR_SECONDS).unwrap_err();
    assert_eq!((day.window, day.counted), (Window::Day, 4));
    assert_eq!(day.retry_after_seconds, Some(DAY_SECONDS + 1 - 2 * HOUR_SECONDS));
    let lowered = Numbers { hour: 1, day: 1 };
    let known = books.fits(&of("a"), Measure::Content, &some([1, 2]), lowered, 2 * HOUR_SECONDS);
    assert!(known.is_err_and(|spent| spent.window == Window::Hour), "both have left the hour");
    assert_eq!(books.fits(&of("a"), Measure::Content, &some([4]), lowered, HOUR_SECONDS + 2), Ok(()));
}

#[test]
fn the_books_have_an_end_and_say_so_before_it() {
    let mut books = Books::default();
    let last = PatientNumber::try_from(METERED_OPENINGS_MAX - 1).unwrap();
    for patient in 0..last {
        books.charge(&of("a"), Measure::Content, patient, 0);
    }
    assert!(books.has_room(1) && !books.has_room(2));
    books.charge(&of("b"), Measure::Content, 0, 0);
    assert_eq!(books.len(), METERED_OPENINGS_MAX);
    assert!(books.has_room(0) && !books.has_room(1));
    books.forget_before(DAY_SECONDS + 1);
    assert!(books.has_room(METERED_OPENINGS_MAX));
}

/// Every opening of a holder, recounted from scratch.
fn recount(openings: &[(u8, u32, Seconds)], actor: u8, now: Seconds) -> Counts {
    let distinct = |span: Seconds| {
        let seen: HashSet<u32> = openings
            .iter()
            .filter(|(of, _, at)| *of == actor && *at <= now && now - at <= span)
            .map(|(_, patient, _)| *patient)
            .collect();
        u32::try_from(seen.len()).unwrap()
    };
    Counts { patients_hour: distinct(HOUR_SECONDS), patients_day: distinct(DAY_SECONDS) }
}

proptest! {
    #[test]
    fn counts_equal_a_plain_recount(
        openings in prop::collection::vec((0u8..3, 0u32..20, 0..2 * DAY_SECONDS), 0..400),
        looks in prop::collection::vec(0..3 * DAY_SECONDS, 0..50),
    ) {
        let mut openings = openings;
        openings.sort_by_key(|(_, _, at)| *at);
        let mut looks = looks;
        looks.sort_unstable();
        let mut books = Books::default();
        let mut charged = openings.iter().peekable();
        for now in looks {
            while let Some((actor, patient, at)) = charged.next_if(|(_, _, at)| *at <= now) {
                books.charge(&of(&actor.to_string()), Measure::Content, *patient, *at);
                if at % 7 == 0 {
                    books.forget_before(*at);
                }
            }
            for actor in 0u8..3 {
                let expected = recount(&openings, actor, now);
                prop_assert_eq!(books.counts(&of(&actor.to_string()), Measure::Content, now), expected);
            }
        }
    }

    #[test]
    fn whoever_asks_first_never_gets_beyond_the_limit(
        asked in prop::collection::vec((prop::collection::hash_set(0u32..40, 1..8), 0..400u32), 1..200),
        hour in 1u32..10,
        more in 0u32..10,
    ) {
        let numbers = Numbers { hour, day: hour + more };
        let (mut books, mut now) = (Books::default(), 0);
        let mut opened: Vec<(u8, u32, Seconds)> = Vec::new();
        for (patients, pause) in asked {
            now += pause;
            let fits = books.fits(&of("a"), Measure::Content, &patients, numbers, now);
            let before = recount(&opened, 0, now);
            let mut after = opened.clone();
            after.extend(patients.iter().map(|patient| (0, *patient, now)));
            let counts = recount(&after, 0, now);
            let grows = counts != before;
            let within = counts.patients_hour <= numbers.hour && counts.patients_day <= numbers.day;
            prop_assert_eq!(fits.is_ok(), within || !grows, "{:?} {:?}", fits, counts);
            match fits {
                Ok(()) => {
                    patients.iter().for_each(|patient| books.charge(&of("a"), Measure::Content, *patient, now));
                    opened = after;
                    prop_assert!(within);
                }
                Err(spent) => if let Some(seconds) = spent.retry_after_seconds {
                    let mut later = books.clone();
                    let one = later.fits(&of("a"), Measure::Content, &patients, numbers, now + seconds);
                    prop_assert!(one.is_ok() || one.is_err_and(|other| other.window != spent.window));
                }
            }
        }
    }
}

//! Real films, marked, leaked in several ways, and found again. The films are no part of this repository.

#[expect(dead_code, reason = "figures use the rest")]
#[path = "../../sim/src/leak/pictures.rs"]
mod pictures;
#[expect(dead_code, reason = "figures use the rest")]
#[path = "../../sim/src/random.rs"]
mod random;

/// A number from 0 up to 1, as the attacks draw it.
fn unit(chance: &mut random::Random) -> f64 {
    f64::from(u32::try_from(chance.below(1 << 30)).unwrap_or_default()) / f64::from(1_u32 << 30)
}

#[cfg(test)]
mod tests {
    use super::pictures::{Attack, read, with_side};
    use super::random::Random;
    use std::path::PathBuf;
    use trace::image::detect::Reading;
    use trace::image::features::Feature;
    use trace::image::index::Index;
    use trace::image::lookup;
    use trace::image::mark::{Mark, marked};
    use trace::image::register::{Leaked, Original, lay};
    use trace::image::{MarkKey, Picture};

    /// Every so many of the films, from `SEGEL_RADIOGRAPHS` or the folder beside the workspace.
    fn films(step: usize) -> Vec<Picture> {
        let beside = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../shared/data/radiographs");
        let folder = std::env::var_os("SEGEL_RADIOGRAPHS").map_or(beside, PathBuf::from);
        let Ok(files) = std::fs::read_dir(&folder) else {
            println!("SKIPPED: there are no radiographs in {} (set SEGEL_RADIOGRAPHS)", folder.display());
            return Vec::new();
        };
        let mut files: Vec<PathBuf> = files.map(|file| file.unwrap().path()).collect();
        files.retain(|file| file.extension().is_some_and(|extension| extension == "png"));
        files.sort();
        files.iter().step_by(step).map(|file| read(&std::fs::read(file).unwrap()).unwrap()).collect()
    }

    #[test]
    fn marks_of_real_films_are_found_after_a_market_place_had_them() {
        let is_long = std::env::var_os("SEGEL_LONG").is_some();
        let carriers = MarkKey::new(&[7; 16]);
        for (number, film) in (0_u8..).zip(films(if is_long { 5 } else { 33 })) {
            let picture = with_side(&film, 1024).unwrap();
            let (image, own) = ([number; 16], MarkKey::new(&[number.wrapping_add(100); 16]));
            let mark = Mark { image, disclosure: &own, carriers: &carriers, number: 77_000 + u64::from(number) };
            let copy = marked(&picture, &mark, 48.0).unwrap();
            let original = Original::new(&picture);
            let attacks = [Attack::Chain(50, 0.1), Attack::Screenshot, Attack::Phone, Attack::Crop(0.25)];
            for attack in attacks {
                let leaked = attack.on(&copy, &mut Random::new(u64::from(number) + 3)).unwrap();
                let laid = lay(&original, &Leaked::new(&leaked)).unwrap();
                let reading = Reading::of(image, original.canonical(), &laid.leaked, &laid.valid, &carriers).unwrap();
                let score = reading.score(&own).unwrap();
                assert!(score > 10.0, "film {number}, {attack:?}: {score}");
                assert_eq!(reading.number(), Some(mark.number), "film {number}, {attack:?}");
                let innocent = reading.score(&MarkKey::new(&[99; 16])).unwrap();
                assert!(innocent < 6.0, "film {number}, {attack:?}: {innocent}");
            }
        }
    }

    #[test]
    fn real_films_are_looked_up_by_what_is_left_of_them_and_others_are_not_taken_for_them() {
        let films = films(9);
        let Some((missing, held)) = films.split_last() else { return };
        let originals: Vec<Original> = held.iter().map(|film| Original::new(&with_side(film, 1024).unwrap())).collect();
        let examples: Vec<Feature> =
            originals.iter().flat_map(|original| original.features().iter().step_by(4).cloned()).collect();
        let mut index = Index::new(&[5; 16], &examples).unwrap();
        for original in &originals {
            index.add(original.features());
        }
        let look_up = |picture: &Picture| {
            let leaked = Leaked::new(picture);
            let places: Vec<usize> =
                index.candidates(leaked.features()).iter().map(|candidate| candidate.original as usize).collect();
            let candidates: Vec<&Original> = places.iter().map(|place| &originals[*place]).collect();
            lookup::find(&leaked, &candidates).map(|found| places[found.original])
        };
        for (place, attack) in
            [(0, Attack::Screenshot), (3, Attack::Phone), (5, Attack::Crop(0.25)), (8, Attack::Chain(30, 0.1))]
        {
            let picture = with_side(&held[place], 1024).unwrap();
            let leaked = attack.on(&picture, &mut Random::new(place as u64)).unwrap();
            assert_eq!(look_up(&leaked), Some(place), "{attack:?}");
            let stranger = attack.on(&with_side(missing, 1024).unwrap(), &mut Random::new(place as u64)).unwrap();
            assert_eq!(look_up(&stranger), None, "{attack:?} of a film that is not held");
        }
    }
}

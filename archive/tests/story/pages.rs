//! Pages of a search that stay right while others store.

use super::world::{Image, World};
use archive::find::{Level, Matching, Page, Position, Query};
use std::collections::BTreeSet;
use std::sync::Arc;

const PATIENT_NAME: u32 = 0x0010_0010;

fn image(n: usize) -> Image {
    const DATES: [&str; 5] = ["20220105", "20220301", "20211224", "20220106", ""];
    const NAMES: [&str; 3] = ["AMINAH^SITI", "Soeharto^Bambang", "Siti Nurhaliza"];
    const NUMBERS: [&str; 7] = ["1", "2", "3", "4", "5", "6", "7"];
    Image { date: DATES[n % 5], ..Image::new(NUMBERS[n % 7], NAMES[n % 7 % 3], &format!("1.7.{n}"), 1) }
}

fn uids(page: &Page) -> Vec<String> {
    let uid = |row: &archive::find::Row| row.attributes["0020000D"]["Value"][0].as_str().unwrap().to_owned();
    page.rows.iter().map(uid).collect()
}

async fn turn(world: &World, query: &Query, after: Option<Position>) -> Page {
    world.archive.find_page(&world.a, &Query { after, ..query.clone() }).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_there_at_the_start_appears_once_while_others_store() {
    let world = Arc::new(World::new().await);
    let before: BTreeSet<String> = (0..60).map(|n| format!("1.7.{n}")).collect();
    for n in 0..60 {
        world.store(&world.a, &image(n).bytes()).await.unwrap();
    }
    let plain = Query { limit: Some(7), ..Query::at(Level::Study) };
    let sealed = plain.clone().with(PATIENT_NAME, Matching::parse("PN", "*s*"));
    let mut next = 60;
    for query in [plain, sealed] {
        let storing = {
            let world = Arc::clone(&world);
            tokio::spawn(async move {
                for n in next..next + 40 {
                    world.store(&world.a, &image(n).bytes()).await.unwrap();
                }
            })
        };
        let first = turn(&world, &query, None).await;
        // Some of what was stored up to here may have come before the search began, and nothing of what comes now.
        let known: BTreeSet<String> = (0..next).map(|n| format!("1.7.{n}")).collect();
        storing.await.unwrap();
        let (mut found, mut after) = (uids(&first), first.next);
        while let Some(position) = after {
            // A client may ask for the same page twice and gets the same.
            let page = turn(&world, &query, Some(position.to_string().parse().unwrap())).await;
            assert_eq!(uids(&page), uids(&turn(&world, &query, Some(position)).await));
            found.extend(uids(&page));
            after = page.next;
        }
        let distinct: BTreeSet<String> = found.iter().cloned().collect();
        assert_eq!(distinct.len(), found.len(), "nothing twice: {found:?}");
        assert!(known.is_subset(&distinct) && before.is_subset(&distinct), "nothing left out: {found:?}");
        next += 40;
    }
}

#[tokio::test]
async fn a_total_is_given_only_if_every_row_was_looked_at() {
    let world = World::new().await;
    for n in 0..5 {
        world.store(&world.a, &image(n).bytes()).await.unwrap();
    }
    let plain = Query::at(Level::Study);
    let sealed = plain.clone().with(PATIENT_NAME, Matching::parse("PN", "*siti*"));
    for (query, limit, offset, rows, has_next, total) in [
        (&plain, 5, 0, 5, false, Some(5)),
        (&plain, 9, 0, 5, false, Some(5)),
        (&plain, 4, 0, 4, true, None),
        (&plain, 9, 2, 3, false, None),
        (&sealed, 9, 0, 3, false, Some(3)),
        (&sealed, 9, 2, 1, false, Some(3)),
        (&sealed, 1, 2, 1, true, None),
        (&sealed, 9, 9, 0, false, None),
    ] {
        let query = Query { limit: Some(limit), offset, ..query.clone() };
        let page = world.archive.find_page(&world.a, &query).await.unwrap();
        let found = (page.rows.len(), page.next.is_some(), page.total);
        assert_eq!(found, (rows, has_next, total), "{limit} {offset}");
    }
}

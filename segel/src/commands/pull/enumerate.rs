//! Which studies the old PACS has, although it may answer only so many at a time and not say so.
//!
//! A limit cuts every answer at the same number, so an answer that is shorter than the longest one seen was not cut. Every
//! longest one is asked again in parts, divided where its answers lie, until its parts are shorter. A PACS without a
//! limit costs two or three further questions; one with a limit is emptied all the same.

use super::listing::Study;
use super::range::Range;
use anyhow::{Result, bail};
use record::limits::PULL_STUDIES_MAX;
use std::collections::BTreeMap;

/// What a question brought.
pub struct Answer {
    /// The studies.
    pub studies: Vec<Study>,
    /// The PACS itself says that there are more.
    pub cut: bool,
}

/// What there is.
#[derive(Default)]
pub struct Studies {
    /// Every study that was told, by its UID.
    pub found: BTreeMap<String, Study>,
    /// The PACS tells at most so many at a time.
    pub limit: Option<usize>,
    /// Where it may have more than it tells even so.
    pub unsure: Vec<Range>,
}

/// Asks for a range, in parts where that is needed.
pub async fn enumerate(whole: Range, mut ask: impl AsyncFnMut(Range) -> Result<Answer>) -> Result<Studies> {
    let mut studies = Studies::default();
    let mut longest = 0;
    let mut points = Vec::new();
    let mut limited = false;
    let mut waiting = vec![(whole, false)];
    while let Some((range, is_part)) = waiting.pop() {
        let Answer { studies: answers, cut } = ask(range).await?;
        let before = studies.found.len();
        studies.found.extend(answers.iter().map(|study| (study.study.clone(), study.clone())));
        if studies.found.len() > PULL_STUDIES_MAX {
            bail!("there are more than {PULL_STUDIES_MAX} studies: pull them in several --date ranges");
        }
        // A part that brings what the whole did not bring: the whole was cut.
        limited |= cut || (is_part && studies.found.len() > before);
        if answers.is_empty() || (answers.len() < longest && !cut) {
            continue;
        }
        longest = longest.max(answers.len());
        match range.divided(&answers) {
            Some(parts) => waiting.extend(parts.into_iter().map(|part| (part, true))),
            None => points.push(range),
        }
    }
    if limited {
        studies.limit = Some(longest);
        studies.unsure = points;
    }
    Ok(studies)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn study(n: usize, date: &str, time: &str) -> Study {
        Study { study: format!("1.2.{n}"), date: date.into(), time: time.into(), instances: None }
    }

    /// A PACS that answers the first `limit` of what fits.
    async fn pull(all: &[Study], limit: usize) -> (Studies, usize) {
        let mut questions = 0;
        let studies = enumerate(Range::All, async |range: Range| {
            questions += 1;
            let (days, minutes) = range.keys();
            let within = |value: &str, key: &str| {
                let (from, to) = key.split_once('-').unwrap_or((key, key));
                key.is_empty() || (!value.is_empty() && from <= value && value <= to)
            };
            let fit = all.iter().filter(|study| within(&study.date, &days) && within(&study.time, &minutes));
            Ok(Answer { studies: fit.take(limit).cloned().collect(), cut: false })
        });
        (studies.await.unwrap(), questions)
    }

    #[tokio::test]
    async fn a_pacs_that_tells_a_few_at_a_time_is_told_apart_and_emptied() {
        let mut all: Vec<Study> = (0..500)
            .map(|n| study(n, &format!("20{:02}{:02}{:02}", n % 20, 1 + n % 12, 1 + n % 28), "120000"))
            .collect();
        all.extend((500..560).map(|n| study(n, "20210315", &format!("{:02}{:02}00", n % 24, n % 60))));
        for limit in [10, 50, 100, 559] {
            let (studies, questions) = pull(&all, limit).await;
            assert_eq!(studies.found.len(), all.len(), "limit {limit}");
            assert_eq!(studies.limit, Some(limit));
            assert!(studies.unsure.is_empty() && questions < 4 * all.len(), "{questions} questions");
        }
    }

    #[tokio::test]
    async fn a_pacs_without_a_limit_costs_few_further_questions() {
        let all: Vec<Study> =
            (0..500).map(|n| study(n, &format!("2020{:02}{:02}", 1 + n % 12, 1 + n % 28), "10")).collect();
        for (all, most) in [(&all[..], 6), (&all[..1], 12), (&[], 1), (&[study(1, "", "")], 3)] {
            let (studies, questions) = pull(all, usize::MAX).await;
            assert_eq!((studies.found.len(), studies.limit), (all.len(), None));
            assert!(questions <= most, "{questions} questions for {} studies", all.len());
        }
    }

    #[tokio::test]
    async fn where_even_a_minute_holds_too_many_is_said() {
        let mut all: Vec<Study> = (0..30).map(|n| study(n, "20210315", "101500")).collect();
        all.push(study(99, "20210316", "101500"));
        let (studies, _) = pull(&all, 20).await;
        assert_eq!((studies.found.len(), studies.limit), (21, Some(20)));
        let named: Vec<String> = studies.unsure.iter().map(ToString::to_string).collect();
        assert_eq!(named, ["20210315 101500-101559"]);
    }

    #[tokio::test]
    async fn a_pacs_that_admits_that_it_cut_is_believed() {
        let studies = enumerate(Range::All, async |range: Range| {
            let whole = matches!(range, Range::All);
            let count = if whole { 1 } else { 0 };
            Ok(Answer { studies: (0..count).map(|n| study(n, "20200101", "")).collect(), cut: whole })
        });
        assert_eq!(studies.await.unwrap().limit, Some(1));
    }
}

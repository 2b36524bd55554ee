//! What is waited for, and how long.

use super::*;
use crate::pixels::description::Tone;
use crate::pixels::view::Format;
use record::Outcome;
use record::limits::{DECODED_FRAME_BYTES_MAX, JPEG_2000_SAMPLES_MAX, JPEG_XL_SAMPLES_MAX};
use rustix::process::{Pid, Signal, kill_process};
use std::path::Path;
use std::pin::Pin;
use std::task::{Context, Waker};
use std::time::Instant;

const LITTLE: &str = "1.2.840.10008.1.2.1";

fn description(rows: u16, columns: u16) -> PixelDescription {
    PixelDescription {
        rows,
        columns,
        samples: 1,
        bits_allocated: 8,
        bits_stored: 8,
        high_bit: 7,
        signed: false,
        photometric: Photometric::Monochrome2,
        planar: false,
        frames: 1,
        tone: Tone::default(),
        palette: None,
    }
}

fn frame() -> Encoded {
    Encoded { transfer_syntax_uid: LITTLE.into(), description: description(4, 4), bytes: vec![7; 16] }
}

/// Worker processes of this test.
fn workers() -> Vec<i32> {
    let tasks = std::fs::read_dir("/proc/self/task").unwrap().flatten();
    let children = tasks.filter_map(|task| std::fs::read_to_string(task.path().join("children")).ok());
    children.flat_map(|list| list.split_whitespace().map(|id| id.parse().unwrap()).collect::<Vec<i32>>()).collect()
}

/// Whether it is done when it is looked at once.
fn is_ready<F: Future>(future: &mut Pin<Box<F>>) -> bool {
    future.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_ready()
}

fn outcome<T>(done: Result<T, Error>) -> Option<Outcome> {
    done.err().map(|error| error.outcome())
}

#[tokio::test]
async fn as_many_wait_as_may_and_the_next_is_told_to_come_back() {
    let pixels = Pixels::default();
    let mut turns = Vec::new();
    for _ in 0..pixels.pool.size() * 2 {
        turns.push(pixels.turn().await.unwrap());
    }
    let mut waiting: Vec<_> = (0..PIXEL_WAITING_MAX).map(|_| Box::pin(pixels.turn())).collect();
    for one in &mut waiting {
        assert!(!is_ready(one));
    }
    assert_eq!(outcome(pixels.turn().await), Some(Outcome::Busy));
    // One that gives up makes room for another, and one that is done lets the first of them in.
    waiting.pop();
    let mut last = Box::pin(pixels.turn());
    assert!(!is_ready(&mut last));
    turns.pop();
    tokio::task::yield_now().await;
    assert!(is_ready(&mut waiting[0]));
}

#[tokio::test]
async fn bytes_under_way_may_reach_their_limit_and_not_pass_it() {
    let pixels = Pixels::default();
    let largest = description(16_384, 16_384);
    assert_eq!(largest.frame_bytes(), DECODED_FRAME_BYTES_MAX);
    let first = pixels.memory(&largest, DECODED_FRAME_BYTES_MAX).await.unwrap();
    let _second = pixels.memory(&largest, DECODED_FRAME_BYTES_MAX).await.unwrap();
    let small = description(1, 1);
    let mut third = Box::pin(pixels.memory(&small, 0));
    assert!(!is_ready(&mut third));
    drop(first);
    assert!(is_ready(&mut third));
}

#[tokio::test]
async fn who_waits_longer_than_a_turn_may_take_is_told_to_come_back() {
    let pixels = Pixels::with(Times { turn: Duration::from_millis(50), ..Times::default() });
    let mut turns = Vec::new();
    for _ in 0..pixels.pool.size() * 2 {
        turns.push(pixels.turn().await.unwrap());
    }
    assert_eq!(outcome(pixels.turn().await), Some(Outcome::Busy));
    turns.pop();
    assert_eq!(outcome(pixels.turn().await), None);
    assert!(workers().is_empty(), "waiting starts no worker");
}

#[tokio::test]
async fn a_frame_that_takes_too_long_is_refused_and_its_worker_is_no_more() {
    let pixels = Pixels::with(Times { job: Duration::from_secs(2), ..Times::default() });
    pixels.native(frame()).await.unwrap();
    let begun = Instant::now();
    let mut stopped = Vec::new();
    // A frame that comes while the first worker is still on its way back to its place gets another.
    let error = loop {
        for worker in workers() {
            kill_process(Pid::from_raw(worker).unwrap(), Signal::STOP).unwrap();
            stopped.push(worker);
        }
        if let Err(error) = pixels.native(frame()).await {
            break error;
        }
    };
    assert!(error.to_string().contains("too long") && error.outcome() == Outcome::Invalid, "{error}");
    assert!(begun.elapsed() >= Duration::from_secs(2));
    let is_gone = |worker: &i32| !Path::new(&format!("/proc/{worker}")).exists();
    assert!(stopped.iter().any(is_gone), "it would keep its memory");
    // Another may have been stopped with it; nothing but that ends the waiting.
    while stopped.iter().any(|worker| !is_gone(worker)) {
        let _refused_or_done = tokio::join!(pixels.native(frame()), pixels.native(frame()));
    }
    pixels.native(frame()).await.unwrap();
}

#[tokio::test]
async fn a_worker_without_work_is_ended_and_another_takes_its_place() {
    let pixels = Pixels::with(Times { idle: Duration::from_millis(100), ..Times::default() });
    pixels.native(frame()).await.unwrap();
    assert_eq!(workers().len(), 1);
    let begun = Instant::now();
    while !workers().is_empty() {
        assert!(begun.elapsed() < Duration::from_secs(30), "the worker stays");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let picture = pixels.render(frame(), View::plain(Format::Png)).await.unwrap();
    assert_eq!(picture.media_type, "image/png");
}

#[test]
fn a_frame_may_have_as_many_samples_as_its_decoder_has_memory_for() {
    for (syntax, most) in
        [("1.2.840.10008.1.2.4.90", JPEG_2000_SAMPLES_MAX), ("1.2.840.10008.1.2.4.110", JPEG_XL_SAMPLES_MAX)]
    {
        let says = |rows: u64| {
            let description = description(u16::try_from(rows).unwrap(), 8_192);
            let frame = Encoded { transfer_syntax_uid: syntax.into(), description, bytes: vec![0; 100] };
            crate::pixels::work::native(frame).unwrap_err().to_string()
        };
        assert!(!says(most / 8_192).contains("too large"), "{syntax}");
        assert!(says(most / 8_192 + 1).contains("too large"), "{syntax}");
    }
}

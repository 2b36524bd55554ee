//! Measures sealing against what bounds it, and what padding costs. Prints JSON for `cargo xtask bench`.
//!
//! `sealing speed ROUNDS`: bytes per second of a memory copy, of bare AES-256-GCM, of sealing and of opening.
//! `sealing padding [FOLDER]`: lengths before and after padding, of a folder's files or of a stated distribution.

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use seal::cobblestone::{self, CHUNK_BYTES, Opener, SEALED_CHUNK_BYTES, SEALED_HEADER_BYTES, Sealer, TAG_BYTES};
use seal::message::DataKey;
use seal::padded;
use std::collections::BTreeSet;
use std::error::Error;
use std::hint::black_box;
use std::path::Path;
use std::time::Instant;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// A radiograph's thumbnail or a compressed slice, and more than any cache holds.
const MESSAGE_BYTES: [usize; 2] = [120_000, 64 << 20];
/// What one measurement works through: long beside the clock's resolution, short beside the machine's moods.
const WORK_BYTES: usize = 256 << 20;
/// Pieces arrive from a network, so they do not end where chunks end.
const PIECE_BYTES: usize = 64_000;
const CONTEXT: &[u8] = b"measured";

/// Lengths of the stated distribution: evenly spread over the logarithm, from 1 KB to 100 MB.
const LENGTHS: u32 = 100_000;
const SHORTEST_BYTES: f64 = 1e3;
const DECADES: f64 = 5.0;

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["speed", rounds] => speed(rounds.parse()?)?,
        ["padding"] => padding(&log_uniform(), "lengths spread evenly over the logarithm from 1 KB to 100 MB"),
        ["padding", folder] => {
            let mut lengths = Vec::new();
            lengths_below(Path::new(folder), &mut lengths)?;
            padding(&lengths, "the files of a folder");
        }
        _ => return Err("usage: sealing speed ROUNDS | sealing padding [FOLDER]".into()),
    }
    Ok(())
}

/// Every round measures all four, one after the other: what disturbs the machine disturbs them alike.
fn speed(rounds: usize) -> Result<()> {
    let mut sizes = Vec::new();
    for message_bytes in MESSAGE_BYTES {
        let mut bench = Bench::new(message_bytes)?;
        bench.round()?;
        let measured: Vec<String> = (0..rounds).map(|_| bench.round()).collect::<Result<_>>()?;
        sizes.push(format!("{{\"bytes\":{message_bytes},\"rounds\":[{}]}}", measured.join(",")));
    }
    println!("[{}]", sizes.join(","));
    Ok(())
}

struct Bench {
    key: DataKey,
    bare: LessSafeKey,
    plain: Vec<u8>,
    out: Vec<u8>,
}

impl Bench {
    fn new(message_bytes: usize) -> Result<Self> {
        let (mut key, mut plain) = ([0; 32], vec![0; message_bytes]);
        aws_lc_rs::rand::fill(&mut key)?;
        aws_lc_rs::rand::fill(&mut plain)?;
        let bare = LessSafeKey::new(UnboundKey::new(&AES_256_GCM, &key)?);
        let out = Vec::with_capacity(message_bytes + message_bytes / 512 + CHUNK_BYTES);
        Ok(Self { key: DataKey(key), bare, plain, out })
    }

    fn round(&mut self) -> Result<String> {
        let copy = self.rate(|bench| {
            bench.out.clear();
            bench.out.extend_from_slice(black_box(&bench.plain));
            black_box(&bench.out);
            Ok(())
        })?;
        let bare = self.rate(Self::encrypt_barely)?;
        let sealing = self.rate(Self::seal)?;
        let sealed = cobblestone::seal(&self.key, CONTEXT, &self.plain)?;
        let opening = self.rate(|bench| bench.open(&sealed))?;
        Ok(format!("{{\"copy\":{copy:.4},\"bare\":{bare:.4},\"sealing\":{sealing:.4},\"opening\":{opening:.4}}}"))
    }

    /// AES-256-GCM over chunks of the same size where they lie: no copy, no key schedule per message, no commitment.
    fn encrypt_barely(&mut self) -> Result<()> {
        for (chunk, index) in self.plain.chunks_mut(CHUNK_BYTES).zip(0_u64..) {
            let mut nonce = [0; 12];
            nonce.iter_mut().skip(4).zip(index.to_be_bytes()).for_each(|(to, from)| *to = from);
            let nonce = Nonce::assume_unique_for_key(nonce);
            let tag = self.bare.seal_in_place_separate_tag(nonce, Aad::empty(), chunk)?;
            assert_eq!(black_box(tag.as_ref()).len(), TAG_BYTES);
        }
        Ok(())
    }

    fn seal(&mut self) -> Result<()> {
        self.out.clear();
        let mut sealer = Sealer::new(&self.key, CONTEXT)?;
        self.out.extend_from_slice(&sealer.header());
        for piece in self.plain.chunks(PIECE_BYTES) {
            sealer.update(black_box(piece), &mut self.out)?;
        }
        sealer.finish(&mut self.out)?;
        black_box(&self.out);
        Ok(())
    }

    /// Chunk by chunk into memory that is there already, as the archive reads an object.
    fn open(&mut self, sealed: &[u8]) -> Result<()> {
        self.out.clear();
        let (header, chunks) = sealed.split_first_chunk::<SEALED_HEADER_BYTES>().ok_or("shorter than a header")?;
        let opener = Opener::new(&self.key, CONTEXT, header)?;
        for (chunk, index) in chunks.chunks(SEALED_CHUNK_BYTES).zip(0..) {
            opener.open_chunk(index, chunk.len() < SEALED_CHUNK_BYTES, black_box(chunk), &mut self.out)?;
        }
        assert_eq!(self.out.len(), self.plain.len());
        black_box(&self.out);
        Ok(())
    }

    /// GB (10^9 bytes) of plaintext per second.
    fn rate(&mut self, mut once: impl FnMut(&mut Self) -> Result<()>) -> Result<f64> {
        let times = WORK_BYTES.div_ceil(self.plain.len());
        let begun = Instant::now();
        for _ in 0..times {
            once(self)?;
        }
        Ok((times * self.plain.len()) as f64 / begun.elapsed().as_secs_f64() / 1e9)
    }
}

fn log_uniform() -> Vec<u64> {
    let nth = |n: u32| SHORTEST_BYTES * 10_f64.powf(DECADES * (f64::from(n) + 0.5) / f64::from(LENGTHS));
    (0..LENGTHS).map(|n| nth(n) as u64).collect()
}

fn lengths_below(folder: &Path, lengths: &mut Vec<u64>) -> Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        let kind = entry.file_type()?;
        if kind.is_dir() {
            lengths_below(&entry.path(), lengths)?;
        } else if kind.is_file() {
            lengths.push(entry.metadata()?.len());
        }
    }
    Ok(())
}

fn padding(lengths: &[u64], source: &str) {
    let padded = |len: &u64| len + padded::padding_for(*len);
    let sealed = |len: u64| cobblestone::sealed_len(len);
    let mut shares: Vec<f64> =
        lengths.iter().map(|len| padded::padding_for(*len) as f64 / (*len).max(1) as f64).collect();
    shares.sort_by(f64::total_cmp);
    let share = |at: usize| shares.get(at).copied().unwrap_or_default() * 100.0;
    println!(
        "{{\"source\":\"{source}\",\"objects\":{},\"shortest\":{},\"longest\":{},\"bytes\":{},\"padded\":{},\"sealed_bare\":{},\
         \"sealed\":{},\"median_percent\":{:.4},\"largest_percent\":{:.4},\"lengths\":{},\"padded_lengths\":{}}}",
        lengths.len(),
        lengths.iter().min().copied().unwrap_or_default(),
        lengths.iter().max().copied().unwrap_or_default(),
        lengths.iter().sum::<u64>(),
        lengths.iter().map(padded).sum::<u64>(),
        lengths.iter().map(|len| sealed(*len)).sum::<u64>(),
        lengths.iter().map(|len| sealed(padded(len))).sum::<u64>(),
        share(shares.len() / 2),
        share(shares.len().saturating_sub(1)),
        lengths.iter().collect::<BTreeSet<_>>().len(),
        lengths.iter().map(padded).collect::<BTreeSet<_>>().len(),
    );
}

//! Decoding: a parsed frame to all fits with all their fields, every format of that length tried, one thread; and what
//! every command pays at its start, loading the built-in files with their proofs.
#![allow(missing_docs, reason = "criterion's macros make public functions")]

use std::hint::black_box;

use cardbridge::{
    card::{Kind, PacsBits},
    protocols::Protocols,
};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};

/// Frames of mixed lengths from 26 to 56 bits, one in eight intact, the others random: what a busy line carries and more.
fn frames(protocols: &Protocols) -> Vec<PacsBits> {
    let lengths = [26, 27, 28, 29, 30, 31, 32, 33, 34, 35, 36, 37, 38, 40, 42, 46, 48, 56];
    let mut state = 0x9E37_79B9_7F4A_7C15_u64;
    let mut random = move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state
    };
    let samples = protocols.formats.iter().flat_map(|format| &format.samples);
    let intact: Vec<PacsBits> = samples.map(|sample| sample.bits.bits()).filter(|bits| (26..=56).contains(&bits.len())).collect();
    (0..4096)
        .filter_map(|at| match at % 8 {
            0 => intact.get(at / 8 % intact.len()).copied(),
            _ => {
                let len = lengths.get(random() as usize % lengths.len())?;
                PacsBits::from_left_aligned(&random().to_be_bytes(), *len).ok()
            }
        })
        .collect()
}

fn decode(criterion: &mut Criterion) {
    let protocols = Protocols::built_in();
    let catalog = protocols.catalog(&[]);
    let frames = frames(&protocols);
    let mut group = criterion.benchmark_group("decode");
    group.throughput(Throughput::Elements(frames.len() as u64));
    group.bench_function("frame to all fits", |bencher| {
        let mut fits = Vec::new();
        bencher.iter(|| {
            for frame in &frames {
                catalog.lay(Kind::Wiegand, black_box(frame), &mut fits);
                black_box(&fits);
            }
        });
    });
    // The floor: two parities of each frame as bare masks, with no format, no field and no verdict around them.
    let words: Vec<u64> = frames.iter().map(|frame| frame.words()[0]).collect();
    group.bench_function("two masks alone", |bencher| {
        bencher.iter(|| {
            let held = |word: &u64| (word & 0x7FF8_0000_0000_0000).count_ones() ^ (word & 0x0007_FFC0_0000_0000).count_ones();
            words.iter().fold(0, |odd, word| odd + (held(black_box(word)) & 1))
        });
    });
    group.finish();
}

fn load(criterion: &mut Criterion) {
    criterion.bench_function("load built-in protocols, proofs included", |bencher| bencher.iter(Protocols::built_in));
}

criterion_group!(benches, decode, load);
criterion_main!(benches);

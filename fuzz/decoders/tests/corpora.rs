//! The committed corpora through every target, and random changes of them. Stable Rust: what CI runs in place of libFuzzer.

use std::path::{Path, PathBuf};
use strongroom_fuzz_decoders::{TARGETS, Target, seeds};

/// Changed inputs for each target; `STRONGROOM_MUTATIONS` for others.
const MUTATIONS: u64 = 8_000;
/// The seed of the changes; `STRONGROOM_FUZZ_SEED` for others.
const SEED: u64 = 7;

fn inputs(target: &str) -> Vec<(PathBuf, Vec<u8>)> {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("../corpus");
    let directory = std::fs::read_dir(corpus.join(target)).unwrap_or_else(|e| {
        panic!("no corpus of {target} ({e}); cargo run -p strongroom-fuzz-decoders -- seeds")
    });
    let mut files: Vec<PathBuf> = directory.map(|entry| entry.unwrap().path()).collect();
    files.sort();
    let read = |file: PathBuf| {
        let data = std::fs::read(&file).unwrap();
        (file, data)
    };
    files.into_iter().map(read).collect()
}

/// Says what was fed when something falls.
struct Fed<'a> {
    target: &'a str,
    seed: u64,
    data: Vec<u8>,
}

impl Drop for Fed<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let hex: String = self.data.iter().map(|b| format!("{b:02x}")).collect();
            eprintln!("{} (seed {}) was fed {hex}", self.target, self.seed);
        }
    }
}

fn feed(name: &str, target: Target, seed: u64, data: Vec<u8>) -> bool {
    let fed = Fed {
        target: name,
        seed,
        data,
    };
    target(&fed.data)
}

#[test]
fn every_corpus_keeps_the_promises_of_its_target_and_reaches_what_is_accepted() {
    for (name, target) in TARGETS {
        let inputs = inputs(name);
        let accepted = inputs
            .into_iter()
            .filter(|(_, data)| feed(name, *target, 0, data.clone()))
            .count();
        assert!(
            accepted > 0,
            "nothing of the corpus of {name} is accepted any more: see docs/fuzzing.md, seeds"
        );
    }
}

#[test]
fn every_target_has_seeds_and_a_binary_for_libfuzzer() {
    for (name, _) in TARGETS {
        assert!(!seeds::of(name).is_empty(), "{name} has no seeds");
        let binary =
            Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("../fuzz_targets/{name}.rs"));
        let source = std::fs::read_to_string(&binary).unwrap();
        assert!(
            source.contains(&format!("::{name}(data)")),
            "{}",
            binary.display()
        );
    }
    let binaries = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz_targets");
    assert_eq!(std::fs::read_dir(binaries).unwrap().count(), TARGETS.len());
}

#[test]
fn changed_inputs_keep_the_promises_of_their_target() {
    let number =
        |name, default| std::env::var(name).map_or(default, |text| text.parse().expect("a number"));
    let (seed, mutations) = (
        number("STRONGROOM_FUZZ_SEED", SEED),
        number("STRONGROOM_MUTATIONS", MUTATIONS),
    );
    println!("seed {seed}");
    for (name, target) in TARGETS {
        let inputs = inputs(name);
        let mut rng = Rng(seed);
        for _ in 0..mutations {
            let mut data = rng.pick(&inputs).1.clone();
            for _ in 0..=rng.below(4) {
                rng.change(&mut data, &inputs);
            }
            feed(name, *target, seed, data);
        }
    }
}

/// SplitMix64.
struct Rng(u64);

impl Rng {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next() % end.max(1) as u64).unwrap()
    }

    fn pick<'a, T>(&mut self, list: &'a [T]) -> &'a T {
        &list[self.below(list.len())]
    }

    /// One change: a bit, a byte, bytes that go or come twice, the end cut off, or the end of another input.
    fn change(&mut self, data: &mut Vec<u8>, inputs: &[(PathBuf, Vec<u8>)]) {
        let at = self.below(data.len());
        let end = (at + 1 + self.below(16)).min(data.len());
        match self.below(7) {
            _ if data.is_empty() => data.extend(self.next().to_le_bytes()),
            0 => data[at] ^= 1 << self.below(8),
            1 => data[at] = *self.pick(&[0, 1, 0x7f, 0x80, 0xff, b'"', b'-', b'9']),
            2 => drop(data.drain(at..end)),
            3 => data.extend_from_within(at..end),
            4 => data.truncate(at),
            5 => data.insert(at, self.next().to_le_bytes()[0]),
            _ => {
                let other = &self.pick(inputs).1;
                let from = self.below(other.len());
                data.truncate(at);
                data.extend(&other[from.min(other.len())..]);
            }
        }
    }
}

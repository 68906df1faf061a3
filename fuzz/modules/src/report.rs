//! What is counted.

use std::collections::BTreeMap;
use std::time::Duration;

use strongroom_vm::PrepareError;

/// Examples of one kind that are shown.
const EXAMPLES_MAX: usize = 5;

/// The counts of a run.
#[derive(Default)]
pub(crate) struct Report {
    pub(crate) modules: u64,
    pub(crate) prepared: u64,
    pub(crate) admitted: u64,
    pub(crate) compared: u64,
    compiled: u64,
    not_compiled: u64,
    engine_refused: u64,
    faults: u64,
    excused: u64,
    differences: u64,
    refusals: BTreeMap<String, u64>,
    ends: BTreeMap<&'static str, u64>,
    examples: BTreeMap<String, Vec<u64>>,
}

impl Report {
    pub(crate) fn refused(&mut self, number: u64, refused: &PrepareError) {
        if matches!(refused, PrepareError::Engine) {
            return self.fault(number, "a panic in prepare");
        }
        let mut text = refused.to_string();
        // Without the place.
        if let Some(at) = text.find("(#") {
            let rest = text
                .get(at..)
                .and_then(|t| t.split_once("): "))
                .map(|(_, r)| r.to_owned());
            text = rest.unwrap_or(text);
        }
        *self.refusals.entry(text).or_default() += 1;
    }

    pub(crate) fn engine_refused(&mut self, number: u64, text: &str) {
        self.engine_refused += 1;
        self.example(format!("the engine cannot load: {text}"), number);
    }

    pub(crate) fn fault(&mut self, number: u64, text: &str) {
        self.faults += 1;
        self.example(format!("fault: {text}"), number);
    }

    pub(crate) fn differs(&mut self, number: u64, ours: &str, theirs: &str) {
        self.differences += 1;
        if self.differences <= 20 {
            println!("module {number} differs\n  ours   {ours}\n  theirs {theirs}");
        }
        self.example("differs".to_owned(), number);
    }

    /// It ran on the fast tier as well.
    #[cfg(feature = "winch")]
    pub(crate) fn compiled(&mut self) {
        self.compiled += 1;
    }

    /// The fast tier did not take it: the interpreter's to run.
    #[cfg(feature = "winch")]
    pub(crate) fn not_compiled(&mut self, number: u64, text: &str) {
        self.not_compiled += 1;
        self.example(format!("not compiled: {text}"), number);
    }

    /// It differs, perhaps by the payload of a NaN.
    pub(crate) fn excused(&mut self, number: u64) {
        self.excused += 1;
        self.example("may differ by a NaN's payload".to_owned(), number);
    }

    pub(crate) fn count(&mut self, ends: &[&'static str]) {
        for end in ends {
            *self.ends.entry(end).or_default() += 1;
        }
    }

    fn example(&mut self, kind: String, number: u64) {
        let examples = self.examples.entry(kind).or_default();
        if examples.len() < EXAMPLES_MAX {
            examples.push(number);
        }
    }

    /// Whether something happened that must not.
    pub(crate) fn failed(&self) -> bool {
        self.engine_refused + self.faults + self.differences > 0 || self.admitted == 0
    }

    pub(crate) fn add(&mut self, other: Self) {
        self.modules += other.modules;
        self.prepared += other.prepared;
        self.admitted += other.admitted;
        self.compared += other.compared;
        self.compiled += other.compiled;
        self.not_compiled += other.not_compiled;
        self.engine_refused += other.engine_refused;
        self.faults += other.faults;
        self.excused += other.excused;
        self.differences += other.differences;
        for (key, n) in other.refusals {
            *self.refusals.entry(key).or_default() += n;
        }
        for (key, n) in other.ends {
            *self.ends.entry(key).or_default() += n;
        }
        for (kind, numbers) in other.examples {
            for number in numbers {
                self.example(kind.clone(), number);
            }
        }
    }

    pub(crate) fn progress(&self, elapsed: Duration) {
        println!(
            "{} s: {} modules, {} run, {} compared, {} compiled, {} not compiled, {} not loaded, {} faults, {} differences, {} excused",
            elapsed.as_secs(),
            self.modules,
            self.admitted,
            self.compared,
            self.compiled,
            self.not_compiled,
            self.engine_refused,
            self.faults,
            self.differences,
            self.excused
        );
    }

    pub(crate) fn print(&self, seed: u64, elapsed: Duration) {
        self.progress(elapsed);
        println!(
            "seed {seed}; {} prepared of {}",
            self.prepared, self.modules
        );
        println!("calls ended: {:?}", self.ends);
        let mut refusals: Vec<_> = self.refusals.iter().collect();
        refusals.sort_by_key(|(_, n)| std::cmp::Reverse(**n));
        for (text, n) in refusals.into_iter().take(12) {
            println!("refused {n}: {text}");
        }
        for (kind, numbers) in &self.examples {
            println!("{kind}: modules {numbers:?}");
        }
        // What `cargo xtask` reads.
        println!(
            "fuzz result: {} modules; {} run; {} compared; {} failed",
            self.modules,
            self.admitted,
            self.compared,
            self.engine_refused + self.faults + self.differences
        );
    }
}

//! Two traces side by side. Of each kind and step the first difference is told; what follows from one that is told is not.

use super::trace::{Seen, SeenEvent, Step, Text, Trace};
use super::{Kind, Leak};
use crate::world::Read;

pub(super) fn all(one: &Trace, other: &Trace) -> Vec<Leak> {
    let mut found = Vec::new();
    for (number, (a, b)) in one.steps.iter().zip(&other.steps).enumerate() {
        let what = if a.what == b.what {
            a.what.clone()
        } else {
            format!("{} | {}", a.what, b.what)
        };
        let mut told = Told {
            step: number.saturating_add(1),
            what,
            found: &mut found,
        };
        step(a, b, &mut told);
    }
    found
}

/// Where differences of a step are told.
struct Told<'f> {
    step: usize,
    what: String,
    found: &'f mut Vec<Leak>,
}

impl Told<'_> {
    fn leak(&mut self, kind: Kind, one: String, other: String) {
        let (step, what) = (self.step, self.what.clone());
        if !self
            .found
            .iter()
            .any(|leak| leak.kind == kind && leak.step == step)
        {
            self.found.push(Leak {
                step,
                what,
                kind,
                one,
                other,
            });
        }
    }

    /// Tells whether the two are the same.
    fn same<T: PartialEq + ToString>(
        &mut self,
        kind: Kind,
        unit: &str,
        one: &T,
        other: &T,
    ) -> bool {
        if one != other {
            self.leak(
                kind,
                format!("{}{unit}", one.to_string()),
                format!("{}{unit}", other.to_string()),
            );
        }
        one == other
    }
}

fn step(a: &Step, b: &Step, told: &mut Told<'_>) {
    told.same(
        Kind::SubMessages,
        " calls in the block",
        &a.txs.len(),
        &b.txs.len(),
    );
    let mut same_calls = true;
    for (a, b) in a.txs.iter().zip(&b.txs) {
        same_calls &= tx(a, b, told);
    }
    let contracts = [Step::of(&a.reads, true), Step::of(&b.reads, true)];
    records(&contracts, [Kind::ReadCount, Kind::ReadSize], "read", told);
    let contracts = [Step::of(&a.writes, true), Step::of(&b.writes, true)];
    records(
        &contracts,
        [Kind::WriteCount, Kind::WriteSize],
        "written",
        told,
    );
    if same_calls {
        public(
            &[Step::of(&a.reads, false), Step::of(&b.reads, false)],
            "reads",
            told,
        );
        public(
            &[Step::of(&a.writes, false), Step::of(&b.writes, false)],
            "writes",
            told,
        );
    }
}

/// Whether both called the same, with the same end.
fn tx(a: &Seen, b: &Seen, told: &mut Told<'_>) -> bool {
    told.same(Kind::MessageLength, " bytes", &a.message, &b.message);
    told.same(Kind::Gas, " gas", &a.gas, &b.gas);
    let same_end = told.same(Kind::Outcome, "", &a.outcome, &b.outcome);
    if same_end {
        told.same(Kind::AnswerLength, " bytes", &a.answer, &b.answer);
    }
    // A call that fails leaves no events.
    let same_calls =
        same_end && told.same(Kind::SubMessages, "", &calls(&a.events), &calls(&b.events));
    if same_calls {
        events(&a.events, &b.events, told);
    }
    same_calls
}

/// Who was called, in order: events that the chain emits for each call and each movement of coins. Those that contracts think up are left
/// to their own comparison.
fn calls(events: &[SeenEvent]) -> String {
    let own = events
        .iter()
        .filter(|event| !event.kind.starts_with("wasm-"));
    let names = own.map(|event| {
        let of = event
            .attributes
            .iter()
            .find_map(|(key, value)| match (key, value) {
                (Text::Plain(key), Text::Plain(value)) if key == "contract_address" => {
                    Some(value.as_str())
                }
                _ => None,
            });
        match of {
            Some(contract) => format!("{} {contract}", event.kind),
            None => event.kind.clone(),
        }
    });
    names.collect::<Vec<_>>().join(", ")
}

fn events(a: &[SeenEvent], b: &[SeenEvent], told: &mut Told<'_>) {
    let kinds = |events: &[SeenEvent]| {
        events
            .iter()
            .map(|e| e.kind.clone())
            .collect::<Vec<_>>()
            .join(", ")
    };
    if !told.same(Kind::EventShape, "", &kinds(a), &kinds(b)) {
        return;
    }
    for (a, b) in a.iter().zip(b) {
        let unit = format!(" attributes of {}", a.kind);
        if !told.same(
            Kind::EventShape,
            &unit,
            &a.attributes.len(),
            &b.attributes.len(),
        ) {
            continue;
        }
        for ((key_a, value_a), (key_b, value_b)) in a.attributes.iter().zip(&b.attributes) {
            text(&a.kind, "a key", key_a, key_b, told);
            let of = match key_a {
                Text::Plain(key) => key.as_str(),
                Text::Sealed(_) => "a sealed key",
                Text::Chance(_) => "a key that is new each time",
            };
            text(&a.kind, of, value_a, value_b, told);
        }
    }
}

fn text(event: &str, of: &str, a: &Text, b: &Text, told: &mut Told<'_>) {
    let say = |text: &Text| match text {
        Text::Plain(text) => format!("{event}, {of}: {text}"),
        Text::Sealed(bytes) => format!("{event}, {of}: sealed, {bytes} bytes"),
        Text::Chance(known) => {
            let shown: Vec<u8> = known.iter().map(|byte| byte.unwrap_or(b'*')).collect();
            let shown = String::from_utf8_lossy(&shown);
            format!("{event}, {of}: {shown} (* is new each time)")
        }
    };
    if a != b {
        let sealed = [a, b].map(|text| matches!(text, Text::Sealed(_)));
        let kind = if sealed.contains(&true) {
            Kind::EventShape
        } else {
            Kind::EventText
        };
        told.leak(kind, say(a), say(b));
    }
}

/// Records of contracts: how many, how long, which.
fn records([a, b]: &[Vec<&Read>; 2], [count, size]: [Kind; 2], done: &str, told: &mut Told<'_>) {
    if !told.same(count, &format!(" {done}"), &a.len(), &b.len()) {
        return;
    }
    // Which ones they are is another matter: lengths are compared as they are seen, from short to long where the keys differ.
    let lengths = |records: &[&Read]| {
        let mut lengths: Vec<String> = records
            .iter()
            .map(|r| r.bytes.map_or_else(|| "none".to_owned(), |n| n.to_string()))
            .collect();
        lengths.sort();
        lengths.join(", ")
    };
    told.same(size, &format!(" bytes {done}"), &lengths(a), &lengths(b));
    let mut differ = a.iter().zip(b).filter(|(a, b)| a.key != b.key);
    if let Some((a, b)) = differ.next() {
        let say = |read: &Read| format!("{} {done}", short(&read.key));
        told.leak(Kind::StorageKeys, say(a), say(b));
    }
}

/// Whatever is not a contract's.
fn public([a, b]: &[Vec<&Read>; 2], done: &str, told: &mut Told<'_>) {
    let say = |read: Option<&&Read>| match read {
        Some(read) => format!(
            "{done} {} ({} bytes)",
            read.key.escape_ascii(),
            read.bytes.unwrap_or(0)
        ),
        None => format!("{done} nothing more"),
    };
    let longest = a.len().max(b.len());
    let first = (0..longest).find(|at| a.get(*at) != b.get(*at));
    if let Some(at) = first {
        told.leak(Kind::PublicState, say(a.get(at)), say(b.get(at)));
    }
}

/// The end of a raw key: enough to see that two are not the same. It begins with what all of a contract have in common.
fn short(key: &[u8]) -> String {
    let text = hex::encode(key);
    let end = text.len().saturating_sub(16);
    format!("record …{}", text.get(end..).unwrap_or(&text))
}

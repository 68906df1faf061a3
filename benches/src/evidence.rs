//! Evidence of hardware: what judging one piece of it costs, by kind. Recorded evidence lies beside the repository
//! (`../shared/evidence`, or where `STRONGROOM_EVIDENCE` says); without it this bench says so and measures nothing.

use crate::figures::{Samples, ms, ratio, table};
use p384::ecdsa::signature::{Signer as _, Verifier as _};
use p384::ecdsa::{SigningKey, VerifyingKey};
use std::fs;
use std::path::{Path, PathBuf};
use strongroom_attest::{Collateral, Evidence, admit, items_of_pccs};

const ROUNDS: usize = 101;

/// One piece of evidence.
struct Case {
    name: &'static str,
    evidence: Evidence,
    collateral: Collateral,
    time: u64,
}

pub(crate) fn run() {
    let root = std::env::var_os("STRONGROOM_EVIDENCE").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/evidence"),
        PathBuf::from,
    );
    if !root.is_dir() {
        println!(
            "evidence: skipped, nothing is recorded at {}",
            root.display()
        );
        return;
    }
    let cases = cases(&root);
    let (unit, mut baseline) = (Signature::new(), Samples::default());
    let mut all = vec![Samples::default(); cases.len()];
    // In turns: what disturbs the machine disturbs all.
    for _ in 0..ROUNDS {
        baseline.time(|| unit.check());
        for (case, samples) in cases.iter().zip(&mut all) {
            let checked = samples.time(|| case.evidence.check(&case.collateral, case.time));
            assert!(checked.is_ok(), "{}: {checked:?}", case.name);
        }
    }
    let mut rows = vec![row(
        "baseline: one signature of P-384",
        &baseline,
        &baseline,
    )];
    rows.extend(
        cases
            .iter()
            .zip(&all)
            .map(|(case, samples)| row(case.name, samples, &baseline)),
    );
    rows.push(row(
        "admitting a table of firmware",
        &admission(&root),
        &baseline,
    ));
    table(
        &format!("Evidence of hardware ({ROUNDS} times each)"),
        &["what", "ratio", "ms (median)", "quartiles"],
        &rows,
    );
}

/// A signature of P-384 by itself.
struct Signature {
    key: VerifyingKey,
    signature: p384::ecdsa::Signature,
}

const SIGNED: &[u8] = b"one signature";

impl Signature {
    fn new() -> Self {
        let key = SigningKey::from_slice(&[7; 48]).expect("a key");
        Self {
            signature: key.sign(SIGNED),
            key: VerifyingKey::from(&key),
        }
    }

    fn check(&self) {
        assert!(self.key.verify(SIGNED, &self.signature).is_ok());
    }
}

fn cases(root: &Path) -> Vec<Case> {
    let dcap = |name, case: &str, time| Case {
        name,
        evidence: Evidence::DcapV1(read(root, &format!("{case}/quote.bin"))),
        collateral: collateral(root, case),
        time,
    };
    let snp = |name, case: &str| Case {
        name,
        evidence: Evidence::SnpV1 {
            report: read(root, &format!("{case}/report.bin")),
            vcek: read(root, &format!("{case}/vcek.der")),
        },
        collateral: Collateral::new(),
        time: 1_780_000_000,
    };
    vec![
        dcap("SGX, quote version 3", "sgx/phala-hello", 1_751_624_924),
        dcap("TDX, quote version 4", "tdx/gcp-cos113", 1_761_920_231),
        dcap("TDX, quote version 5", "tdx/gcp-v5-td15", 1_772_707_803),
        snp("SEV-SNP, Milan", "snp/milan-virtee"),
        snp("SEV-SNP, Genoa", "snp/genoa-azure"),
        Case {
            name: "AWS Nitro",
            evidence: Evidence::NitroV1(read(root, "nitro/dstack-a.cose")),
            collateral: Collateral::new(),
            time: 1_766_678_659,
        },
    ]
}

/// A table of firmware, which weighs more than the other items.
fn admission(root: &Path) -> Samples {
    let case = "tdx/gcp-cos113";
    let evidence = Evidence::DcapV1(read(root, &format!("{case}/quote.bin")));
    let key = evidence.collateral_keys()[2];
    let all = collateral(root, case);
    let item = all.get(&key).expect("the table of this platform");
    let mut samples = Samples::default();
    for _ in 0..ROUNDS {
        let admitted = samples.time(|| admit(item, None, 1_761_920_231));
        assert_eq!(admitted, Ok(key));
    }
    samples
}

fn row(name: &str, samples: &Samples, baseline: &Samples) -> Vec<String> {
    let (low, high) = samples.quartiles();
    vec![
        name.to_owned(),
        format!("{:.1}", ratio(samples.median(), baseline.median())),
        ms(samples.median()),
        format!("{}–{}", ms(low), ms(high)),
    ]
}

fn collateral(root: &Path, case: &str) -> Collateral {
    let json = read(root, &format!("{case}/collateral.json"));
    let mut collateral = Collateral::new();
    for item in items_of_pccs(&json).expect("recorded collateral") {
        collateral.insert(item.key().expect("recorded collateral"), item);
    }
    collateral
}

fn read(root: &Path, file: &str) -> Vec<u8> {
    let path = root.join(file);
    fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

//! Evidence of hardware: what judging one piece of it costs, by kind. Recorded evidence lies beside the repository
//! (`../shared/evidence`, or where `STRONGROOM_EVIDENCE` says); without it this bench says so and measures nothing.

use crate::figures::{Samples, ms, table};
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
    let mut rows: Vec<Vec<String>> = cases(&root).iter().map(measure).collect();
    rows.push(admission(&root));
    table(
        &format!("Evidence of hardware ({ROUNDS} times each)"),
        &["what", "ms (median)", "quartiles"],
        &rows,
    );
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

fn measure(case: &Case) -> Vec<String> {
    let mut samples = Samples::default();
    for _ in 0..ROUNDS {
        let checked = samples.time(|| case.evidence.check(&case.collateral, case.time));
        assert!(checked.is_ok(), "{}: {checked:?}", case.name);
    }
    row(case.name, &samples)
}

/// A table of firmware, which weighs more than the other items.
fn admission(root: &Path) -> Vec<String> {
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
    row("admitting a table of firmware", &samples)
}

fn row(name: &str, samples: &Samples) -> Vec<String> {
    let (low, high) = samples.quartiles();
    vec![
        name.to_owned(),
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

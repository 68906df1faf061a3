//! The recordings, read.

use serde_json::Value;
use std::fs;
use std::path::Path;
use strongroom_attest::{Claims, Collateral, Evidence, Refusal, items_of_pccs};

/// All cases.
pub(crate) struct Recordings(pub(crate) Vec<Case>);

/// One case.
pub(crate) struct Case {
    pub(crate) name: String,
    pub(crate) evidence: Evidence,
    pub(crate) collateral: Collateral,
    /// The moment that the manifest names, or one at which its certificates are valid.
    pub(crate) time: u64,
    /// What the manifest says of it.
    pub(crate) manifest: Value,
}

impl Recordings {
    pub(crate) fn read(root: &Path) -> Self {
        let manifest: Vec<Value> =
            serde_json::from_slice(&bytes(&root.join("manifest.json"))).unwrap();
        Self(
            manifest
                .into_iter()
                .map(|case| Case::read(root, case))
                .collect(),
        )
    }

    pub(crate) fn named(&self, name: &str) -> &Case {
        self.0.iter().find(|case| case.name == name).unwrap()
    }

    /// Those of SGX and TDX.
    pub(crate) fn dcap(&self) -> impl Iterator<Item = &Case> {
        self.0
            .iter()
            .filter(|case| matches!(case.evidence, Evidence::DcapV1(_)))
    }
}

impl Case {
    fn read(root: &Path, manifest: Value) -> Self {
        let name = manifest["case"].as_str().unwrap().to_owned();
        let dir = root.join(&name);
        let (evidence, time) = match name.split('/').next().unwrap() {
            "sgx" | "tdx" => {
                let time = manifest["verify_at"].as_u64().unwrap();
                (Evidence::DcapV1(bytes(&dir.join("quote.bin"))), time)
            }
            "snp" => {
                let report = bytes(&dir.join("report.bin"));
                let vcek = bytes(&dir.join("vcek.der"));
                // In 2026: all certificates of chips that were recorded are valid.
                (Evidence::SnpV1 { report, vcek }, 1_780_000_000)
            }
            "nitro" => {
                let document = bytes(&dir.with_extension("cose"));
                let time = manifest["doc_timestamp_ms"].as_u64().unwrap() / 1000;
                (Evidence::NitroV1(document), time)
            }
            other => panic!("a recording of the unknown kind {other}"),
        };
        let mut collateral = Collateral::new();
        if matches!(evidence, Evidence::DcapV1(_)) {
            for item in items_of_pccs(&bytes(&dir.join("collateral.json"))).unwrap() {
                collateral.insert(item.key().unwrap(), item);
            }
        }
        Self {
            name,
            evidence,
            collateral,
            time,
            manifest,
        }
    }

    pub(crate) fn check(&self) -> Result<Claims, Refusal> {
        self.check_at(self.time)
    }

    pub(crate) fn check_at(&self, time: u64) -> Result<Claims, Refusal> {
        self.evidence.check(&self.collateral, time)
    }

    /// What is proven by other bytes in the place of the quote, the report or the document.
    pub(crate) fn check_bytes(&self, changed: Vec<u8>) -> Result<Claims, Refusal> {
        let evidence = match &self.evidence {
            Evidence::DcapV1(_) => Evidence::DcapV1(changed),
            Evidence::SnpV1 { vcek, .. } => Evidence::SnpV1 {
                report: changed,
                vcek: vcek.clone(),
            },
            Evidence::NitroV1(_) => Evidence::NitroV1(changed),
            other => panic!("{other:?}"),
        };
        evidence.check(&self.collateral, self.time)
    }

    /// The quote, the report or the document.
    pub(crate) fn bytes(&self) -> &[u8] {
        match &self.evidence {
            Evidence::DcapV1(bytes) | Evidence::NitroV1(bytes) => bytes,
            Evidence::SnpV1 { report, .. } => report,
            other => panic!("{other:?}"),
        }
    }

    /// A field of the manifest that holds hex.
    pub(crate) fn hex(&self, field: &str) -> Vec<u8> {
        hex::decode(self.manifest["fields"][field].as_str().unwrap()).unwrap()
    }
}

fn bytes(path: &Path) -> Vec<u8> {
    fs::read(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

//! SEV-SNP.

use super::{
    CertSpec, CrlSpec, NOW, SigningKey, UNTIL_SECONDS, extension, int, octets, roots_with,
};
use crate::claims::{Claims, Generation, Kind, SnpTcb, Tcb};
use crate::collateral::{Collateral, Item, Key, admit_under};
use crate::evidence::Evidence;
use crate::reason::{Reason, Refusal};
use crate::roots::Amd;
use crate::snp::REPORT_BYTES;
use proptest::prelude::*;
use std::sync::LazyLock;

/// A chip and its report, before anything is signed.
struct Chip {
    generation: Generation,
    report: Vec<u8>,
    vcek: CertSpec,
    /// What the certificate names; otherwise what the report does.
    named: Option<Vec<u8>>,
    versions: [u8; 5],
    /// Written into the report behind the signature.
    padding: Option<usize>,
    crl: Option<CrlSpec>,
}

fn names(generation: Generation) -> (&'static str, &'static str) {
    match generation {
        Generation::Milan => ("ARK-Milan", "SEV-Milan"),
        Generation::Genoa => ("ARK-Genoa", "SEV-Genoa"),
        Generation::Turin => ("ARK-Turin", "SEV-Turin"),
    }
}

impl Chip {
    fn new(generation: Generation) -> Self {
        let mut report = vec![0; REPORT_BYTES];
        report[0x0a] = 3;
        report[0x34] = 1;
        report[0x50..0x90].fill(0x44);
        report[0x90..0xc0].fill(0x22);
        report[0x1a0..0x1a8].fill(0x77);
        // Versions: FMC 9 (Turin), boot loader 3, TEE 1, SNP 8, microcode 0x73.
        let (version, model, tcb) = match generation {
            Generation::Milan => (2, [0, 0], [3, 1, 0, 0, 0, 0, 8, 0x73]),
            Generation::Genoa => (3, [0x19, 0x11], [3, 1, 0, 0, 0, 0, 8, 0x73]),
            Generation::Turin => (5, [0x1a, 0x02], [9, 3, 1, 8, 0, 0, 0, 0x73]),
        };
        report[0] = version;
        report[0x180..0x188].copy_from_slice(&tcb);
        report[0x188..0x18a].copy_from_slice(&model);
        if generation != Generation::Turin {
            report[0x1a8..0x1e0].fill(0x78);
        }
        let fmc = if generation == Generation::Turin {
            9
        } else {
            0
        };
        Self {
            generation,
            report,
            vcek: CertSpec::new("SEV-VCEK", names(generation).1, 0),
            named: None,
            versions: [fmc, 3, 1, 8, 0x73],
            padding: None,
            crl: None,
        }
    }

    fn evidence(&self) -> Evidence {
        let (ask, key) = (SigningKey::p384(2), SigningKey::p384(3));
        let mut report = self.report.clone();
        let signature = key.sign(&report[..0x2a0]);
        for (at, number) in [(0x2a0, &signature[..48]), (0x2e8, &signature[48..])] {
            for (to, from) in report[at..at + 48].iter_mut().zip(number.iter().rev()) {
                *to = *from;
            }
        }
        if let Some(at) = self.padding {
            report[at] = 1;
        }
        let length = if self.generation == Generation::Turin {
            8
        } else {
            64
        };
        let named = self
            .named
            .clone()
            .unwrap_or_else(|| self.report[0x1a0..][..length].to_vec());
        let mut vcek = self.vcek.clone();
        // AMD writes the name as it is; later certificates wrap it as a string of octets.
        let named = if self.generation == Generation::Milan {
            named
        } else {
            octets(&named)
        };
        vcek.extensions
            .push(extension("1.3.6.1.4.1.3704.1.4", false, &named));
        let ids = ["9", "1", "2", "3", "8"];
        for (id, version) in ids.into_iter().zip(self.versions) {
            if id != "9" || self.generation == Generation::Turin {
                let id = format!("1.3.6.1.4.1.3704.1.3.{id}");
                vcek.extensions
                    .push(extension(&id, false, &int(&[version])));
            }
        }
        Evidence::SnpV1 {
            report,
            vcek: vcek.sign(&key, &ask),
        }
    }

    fn check(&self) -> Result<Claims, Refusal> {
        let mut collateral = Collateral::new();
        if let Some(crl) = &self.crl {
            let item = amd_crl(self.generation, crl);
            collateral.insert(Key::AmdCrl(self.generation), item);
        }
        check(&self.evidence(), &collateral, NOW)
    }
}

fn amd_crl(generation: Generation, crl: &CrlSpec) -> Item {
    Item::AmdCrl {
        generation,
        crl: crl.sign(&SigningKey::p384(1)),
    }
}

/// Root and intermediate certificate of a generation.
fn authorities(generation: Generation) -> [Vec<u8>; 2] {
    let (ark, ask) = (SigningKey::p384(1), SigningKey::p384(2));
    let (root, intermediate) = names(generation);
    [
        CertSpec::authority(root, root, 1).sign(&ark, &ark),
        CertSpec::authority(intermediate, root, 2).sign(&ask, &ark),
    ]
}

/// Those of every generation: signing takes its time.
static MADE: LazyLock<[[Vec<u8>; 2]; 3]> = LazyLock::new(|| Generation::ALL.map(authorities));

fn check(evidence: &Evidence, collateral: &Collateral, time: u64) -> Result<Claims, Refusal> {
    let amd = |at: usize| Amd {
        ark: &MADE[at][0],
        ask: &MADE[at][1],
    };
    let roots = roots_with(|roots| {
        (roots.milan, roots.genoa, roots.turin) = (amd(0), amd(1), amd(2));
    });
    evidence.check_under(collateral, time, &roots)
}

fn refused(generation: Generation, change: impl FnOnce(&mut Chip)) -> Reason {
    let mut chip = Chip::new(generation);
    change(&mut chip);
    chip.check().unwrap_err().reason
}

#[test]
fn a_report_of_each_generation_proves_what_it_says() {
    for generation in Generation::ALL {
        let mut chip = Chip::new(generation);
        chip.report[0x30] = 2;
        let claims = chip.check().unwrap();
        assert_eq!((claims.kind, claims.report_data), (Kind::Snp, [0x44; 64]));
        assert_eq!(claims.measurement, [0x22; 48].into());
        let version = SnpTcb {
            fmc: if generation == Generation::Turin {
                9
            } else {
                0
            },
            boot_loader: 3,
            tee: 1,
            snp: 8,
            microcode: 0x73,
        };
        assert_eq!(
            claims.tcb,
            Tcb::Snp {
                generation,
                version,
                vmpl: 2
            }
        );
        assert_eq!(claims.valid_until, UNTIL_SECONDS);
    }
}

#[test]
fn a_machine_that_can_be_debugged_or_moved_is_refused() {
    for generation in Generation::ALL {
        assert_eq!(
            refused(generation, |chip| chip.report[0x0a] |= 8),
            Reason::Debug
        );
        assert_eq!(
            refused(generation, |chip| chip.report[0x0a] |= 4),
            Reason::Rejected
        );
    }
}

#[test]
fn a_report_that_does_not_name_its_chip_is_refused() {
    let masks: [fn(&mut Chip); 4] = [
        |chip| chip.report[0x48] = 2,
        |chip| chip.report[0x48] = 1 << 2,
        |chip| chip.report[0x48] = 7 << 2,
        |chip| chip.report[0x1a0..0x1e0].fill(0),
    ];
    for mask in masks {
        assert_eq!(refused(Generation::Milan, mask), Reason::Rejected);
    }
}

#[test]
fn a_certificate_of_another_chip_or_other_firmware_is_refused() {
    for generation in Generation::ALL {
        assert_eq!(
            refused(generation, |chip| chip.named = Some(vec![1; 64])),
            Reason::Forged
        );
        let first = if generation == Generation::Turin {
            0
        } else {
            1
        };
        for at in first..5 {
            let reason = refused(generation, |chip| chip.versions[at] += 1);
            assert_eq!(reason, Reason::Forged);
        }
    }
}

#[test]
fn a_report_of_another_processor_than_its_key_is_refused() {
    for model in [[0x19, 0x01], [0x1a, 0x02], [0x17, 0x31], [0, 0]] {
        let reason = refused(Generation::Genoa, |chip| {
            chip.report[0x188..0x18a].copy_from_slice(&model);
        });
        assert_eq!(reason, Reason::Forged);
    }
    let reason = refused(Generation::Genoa, |chip| chip.vcek.issuer = "SEV-Turin");
    assert_eq!(reason, Reason::Forged);
    let reason = refused(Generation::Milan, |chip| {
        chip.vcek.issuer = "SEV-VLEK-Milan"
    });
    assert_eq!(reason, Reason::Forged);
}

#[test]
fn certificates_hold_in_their_window() {
    let reason = refused(Generation::Milan, |chip| chip.vcek.from = "260601000000Z");
    assert_eq!(reason, Reason::NotYetValid);
    let reason = refused(Generation::Milan, |chip| chip.vcek.until = "260501000000Z");
    assert_eq!(reason, Reason::Expired);
}

#[test]
fn a_key_that_amd_took_back_is_refused() {
    let with = |change: fn(&mut CrlSpec)| {
        let mut crl = CrlSpec::new("ARK-Turin");
        change(&mut crl);
        let mut chip = Chip::new(Generation::Turin);
        chip.crl = Some(crl);
        chip.check().map_err(|refusal| refusal.reason)
    };
    assert_eq!(with(|_| ()).unwrap().valid_until, UNTIL_SECONDS - 1);
    assert!(with(|crl| crl.revoked.push(5)).is_ok());
    assert_eq!(with(|crl| crl.revoked.push(2)), Err(Reason::Revoked));
    assert_eq!(
        with(|crl| crl.from = "260601000000Z"),
        Err(Reason::NotYetValid)
    );
    assert_eq!(with(|crl| crl.issuer = "SEV-Turin"), Err(Reason::Forged));
}

#[test]
fn a_list_of_amd_is_admitted_if_the_root_of_its_generation_signed_it() {
    let [ark, ask] = authorities(Generation::Genoa);
    let roots = roots_with(|roots| {
        roots.genoa = Amd {
            ark: &ark,
            ask: &ask,
        }
    });
    let admit = |generation, name| {
        let item = amd_crl(generation, &CrlSpec::new(name));
        admit_under(&item, None, NOW, &roots).map_err(|refusal| refusal.reason)
    };
    let genoa = Generation::Genoa;
    assert_eq!(admit(genoa, "ARK-Genoa"), Ok(Key::AmdCrl(genoa)));
    assert_eq!(admit(genoa, "ARK-Milan"), Err(Reason::Forged));
    assert_eq!(admit(Generation::Milan, "ARK-Milan"), Err(Reason::Forged));
}

#[test]
fn what_must_be_zero_is_zero_and_what_is_unknown_is_refused() {
    for at in [0x4c, 0x188, 0x18b, 0x19f, 0x1eb, 0x1ef, 0x1f8, 0x207, 0x29f] {
        assert_eq!(
            refused(Generation::Milan, |chip| chip.report[at] = 1),
            Reason::Malformed
        );
    }
    // Turin says here which faults were mended.
    let mut turin = Chip::new(Generation::Turin);
    turin.report[0x1f8..0x208].fill(1);
    assert!(turin.check().is_ok());
    assert_eq!(
        refused(Generation::Turin, |chip| chip.report[0x208] = 1),
        Reason::Malformed
    );
    for at in [0x2d0, 0x2e7, 0x318, 0x4a0 - 1] {
        assert_eq!(
            refused(Generation::Milan, |chip| chip.padding = Some(at)),
            Reason::Malformed
        );
    }
    for (at, value) in [(0, 1), (0, 6), (0x34, 2)] {
        assert_eq!(
            refused(Generation::Milan, |chip| chip.report[at] = value),
            Reason::Malformed
        );
    }
    for length in [0, REPORT_BYTES - 1, REPORT_BYTES + 1] {
        let mut evidence = Chip::new(Generation::Milan).evidence();
        if let Evidence::SnpV1 { report, .. } = &mut evidence {
            report.resize(length, 0);
        }
        let refusal = check(&evidence, &Collateral::new(), NOW).unwrap_err();
        assert_eq!(refusal.reason, Reason::Malformed);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn a_flipped_bit_of_a_report_is_refused(generation in 0usize..3, at: prop::sample::Index) {
        let chip = Chip::new(Generation::ALL[generation]);
        let mut evidence = chip.evidence();
        if let Evidence::SnpV1 { report, .. } = &mut evidence {
            let bit = at.index(report.len() * 8);
            report[bit / 8] ^= 1 << (bit % 8);
        }
        prop_assert!(check(&evidence, &Collateral::new(), NOW).is_err());
    }

    #[test]
    fn no_certificate_of_a_chip_makes_the_check_panic(
        start: prop::sample::Index, bytes in prop::collection::vec(any::<u8>(), 1..32),
    ) {
        let mut evidence = Chip::new(Generation::Genoa).evidence();
        let whole = check(&evidence, &Collateral::new(), NOW);
        if let Evidence::SnpV1 { vcek, .. } = &mut evidence {
            let start = start.index(vcek.len());
            for (to, from) in vcek[start..].iter_mut().zip(&bytes) {
                *to = *from;
            }
        }
        let _ = evidence.collateral_keys();
        let found = check(&evidence, &Collateral::new(), NOW);
        prop_assert!(found.is_err() || found == whole);
    }
}

//! Evidence of AMD SEV-SNP: an attestation report (AMD 56860, table "ATTESTATION_REPORT") and the certificate of the chip's key.
//!
//! Promises: root and intermediate key are pinned; the certificate belongs to the chip and to the firmware versions that the
//! report names; no machine that can be debugged or moved to another host.
//! Refuses: reports signed with a key that a cloud holds for its fleet (VLEK), or without the chip's name: they do not tell
//! one machine from another; anything but zeros in the padding of the signature, which nothing else protects.

use crate::claims::{Claims, Generation, Kind, SnpTcb, Tcb};
use crate::collateral::{Collateral, Item, Key};
use crate::reason::{Reason, Refusal};
use crate::roots::Roots;
use crate::x509::{Cert, Crl};
use std::collections::BTreeMap;
use x509_cert::der::Decode as _;
use x509_cert::der::asn1::{ObjectIdentifier, OctetStringRef};

/// Bytes of a report.
pub const REPORT_BYTES: usize = 1184;

/// Versions of the report that are known: Milan and older firmware, the one with the processor's model, and Turin's.
const VERSIONS: [u32; 4] = [2, 3, 4, 5];
/// ECDSA on P-384 with SHA-384.
const ALGORITHM: u32 = 1;
/// Bits of the guest's policy.
const POLICY_MIGRATION: u64 = 1 << 18;
const POLICY_DEBUG: u64 = 1 << 19;
/// Bits of the flags: the chip's name is masked; which key signed (0: the chip's own).
const FLAG_MASKED: u32 = 1 << 1;
const FLAG_SIGNER: u32 = 0b111 << 2;

/// Extensions of the chip's certificate.
const HARDWARE_ID: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.4.1.3704.1.4");
const BOOT_LOADER: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.4.1.3704.1.3.1");
const TEE: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.4.1.3704.1.3.2");
const SNP: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.4.1.3704.1.3.3");
const MICROCODE: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.4.1.3704.1.3.8");
const FMC: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.4.1.3704.1.3.9");

/// What evidence of any chip is judged with, if it is there: AMD has taken nothing back where the list is missing.
pub(crate) fn keys(vcek: &[u8]) -> Vec<Key> {
    Cert::parse(vcek)
        .and_then(|vcek| generation(&vcek))
        .map_or_else(|_| Vec::new(), |generation| vec![Key::AmdCrl(generation)])
}

/// The certificate of a chip and the pinned ones above it.
pub(crate) fn certificates(vcek: &[u8], roots: &Roots) -> Vec<Cert> {
    let Ok(vcek) = Cert::parse(vcek) else {
        return Vec::new();
    };
    let above = generation(&vcek).map(|generation| roots.amd(generation));
    let above = above.map_or_else(|_| Vec::new(), |pinned| vec![pinned.ask, pinned.ark]);
    let parsed = above.into_iter().filter_map(|der| Cert::parse(der).ok());
    core::iter::once(vcek).chain(parsed).collect()
}

/// What `report` proves at `time`, `vcek` being the certificate (DER) of the chip's key.
pub(crate) fn check(
    report: &[u8],
    vcek: &[u8],
    collateral: &Collateral,
    time: u64,
    roots: &Roots,
) -> Result<Claims, Refusal> {
    let report = Report::parse(report)?;
    report.check_flags()?;
    let vcek = Cert::parse(vcek)?;
    let generation = generation(&vcek)?;
    report.check_model(generation)?;
    let valid_until = check_chain(&vcek, generation, collateral, time, roots)?;
    let version = report.tcb(generation);
    check_chip(&vcek, generation, &report, &version)?;
    if !vcek.signed_p384(report.signed, &report.signature) {
        let text = "the report is not signed by the chip's key";
        return Err(Refusal::new(Reason::Forged, text));
    }
    Ok(Claims {
        kind: Kind::Snp,
        platform_id: Kind::Snp.platform_id(report.chip(generation)),
        measurement: report.measurement.into(),
        registers: BTreeMap::new(),
        report_data: report.report_data,
        tcb: Tcb::Snp {
            generation,
            version,
            vmpl: report.vmpl,
        },
        valid_until,
    })
}

/// The generation whose intermediate key the certificate says that it is signed by.
fn generation(vcek: &Cert) -> Result<Generation, Refusal> {
    let issuer = vcek.issuer_name();
    Generation::ALL
        .into_iter()
        .find(|generation| issuer.strip_prefix("SEV-") == Some(generation.as_str()))
        .ok_or_else(|| {
            let text = format!("{issuer} is not a key of AMD that signs those of chips");
            Refusal::new(Reason::Forged, text)
        })
}

/// Root, intermediate and chip; answers until when they are all valid.
fn check_chain(
    vcek: &Cert,
    generation: Generation,
    collateral: &Collateral,
    time: u64,
    roots: &Roots,
) -> Result<u64, Refusal> {
    let pinned = roots.amd(generation);
    let (ark, ask) = (Cert::parse(pinned.ark)?, Cert::parse(pinned.ask)?);
    ark.check_time(time)?;
    ask.check(&ark, time)?;
    vcek.check(&ask, time)?;
    let mut valid_until = [&ark, &ask, vcek]
        .into_iter()
        .map(|cert| cert.window().1)
        .min()
        .unwrap_or_default();
    if let Some(Item::AmdCrl { crl, .. }) = collateral.get(&Key::AmdCrl(generation)) {
        let crl = Crl::parse(crl)?;
        crl.check(&ark, time)?;
        if ask.is_revoked(&crl) {
            let text = format!("AMD took {} back", ask.name());
            return Err(Refusal::new(Reason::Revoked, text));
        }
        valid_until = valid_until.min(crl.window().1);
    }
    Ok(valid_until)
}

/// Whether the certificate is of this chip at these versions: AMD derives the chip's key from both.
fn check_chip(
    vcek: &Cert,
    generation: Generation,
    report: &Report<'_>,
    version: &SnpTcb,
) -> Result<(), Refusal> {
    let forged = |text: &str| Refusal::new(Reason::Forged, text);
    let named = vcek
        .extension(HARDWARE_ID)
        .map(|bytes| <&OctetStringRef>::from_der(bytes).map_or(bytes, OctetStringRef::as_bytes));
    if named != Some(report.chip(generation)) {
        return Err(forged("the certificate is of another chip"));
    }
    let number = |id| vcek.extension(id).and_then(|der| u8::from_der(der).ok());
    let same = number(BOOT_LOADER) == Some(version.boot_loader)
        && number(TEE) == Some(version.tee)
        && number(SNP) == Some(version.snp)
        && number(MICROCODE) == Some(version.microcode)
        && (generation != Generation::Turin || number(FMC) == Some(version.fmc));
    if same {
        Ok(())
    } else {
        Err(forged("the certificate is of other versions of firmware"))
    }
}

/// A report that was read; nothing of it is believed yet.
struct Report<'a> {
    version: u32,
    policy: u64,
    vmpl: u32,
    flags: u32,
    report_data: [u8; 64],
    measurement: [u8; 48],
    reported_tcb: [u8; 8],
    model: [u8; 2],
    chip_id: &'a [u8; 64],
    signed: &'a [u8],
    signature: p384::ecdsa::Signature,
}

impl<'a> Report<'a> {
    fn parse(bytes: &'a [u8]) -> Result<Self, Refusal> {
        if bytes.len() != REPORT_BYTES {
            let text = format!("a report has {REPORT_BYTES} bytes");
            return Err(Refusal::new(Reason::Malformed, text));
        }
        Self::read(bytes)
            .ok_or_else(|| Refusal::new(Reason::Malformed, "the report cannot be read"))
    }

    fn read(bytes: &'a [u8]) -> Option<Self> {
        let version = u32::from_le_bytes(*at(bytes, 0)?);
        let algorithm = u32::from_le_bytes(*at(bytes, 0x34)?);
        if !VERSIONS.contains(&version) || algorithm != ALGORITHM {
            return None;
        }
        // Must be zero; the two words at 0x1f8 are of version 5.
        let words = if version >= 5 { 0x208 } else { 0x1f8 };
        let zeros = [
            bytes.get(0x4c..0x50)?,
            bytes.get(if version >= 3 { 0x18b } else { 0x188 }..0x1a0)?,
            bytes.get(0x1eb..0x1ec)?,
            bytes.get(0x1ef..0x1f0)?,
            bytes.get(words..0x2a0)?,
            bytes.get(0x2d0..0x2e8)?,
            bytes.get(0x318..)?,
        ];
        if zeros.concat().iter().any(|byte| *byte != 0) {
            return None;
        }
        // Numbers in the signature are little-endian.
        let (mut r, mut s) = (*at::<48>(bytes, 0x2a0)?, *at::<48>(bytes, 0x2e8)?);
        r.reverse();
        s.reverse();
        Some(Self {
            version,
            policy: u64::from_le_bytes(*at(bytes, 0x08)?),
            vmpl: u32::from_le_bytes(*at(bytes, 0x30)?),
            flags: u32::from_le_bytes(*at(bytes, 0x48)?),
            report_data: *at(bytes, 0x50)?,
            measurement: *at(bytes, 0x90)?,
            reported_tcb: *at(bytes, 0x180)?,
            model: *at(bytes, 0x188)?,
            chip_id: at(bytes, 0x1a0)?,
            signed: bytes.get(..0x2a0)?,
            signature: p384::ecdsa::Signature::from_scalars(r, s).ok()?,
        })
    }

    fn check_flags(&self) -> Result<(), Refusal> {
        if self.policy & POLICY_DEBUG != 0 {
            let text = "the machine's policy allows debugging";
            return Err(Refusal::new(Reason::Debug, text));
        }
        let rejected = |text| Err(Refusal::new(Reason::Rejected, text));
        if self.policy & POLICY_MIGRATION != 0 {
            return rejected("the machine's policy allows moving it to another host");
        }
        if self.flags & FLAG_SIGNER != 0 {
            return rejected("the report is signed by a key that is not the chip's own");
        }
        if self.flags & FLAG_MASKED != 0 || self.chip_id == &[0; 64] {
            return rejected("the report does not name its chip");
        }
        Ok(())
    }

    /// From version 3 on the report names the processor: it must be of the generation whose keys sign.
    fn check_model(&self, generation: Generation) -> Result<(), Refusal> {
        let named = match self.model {
            _ if self.version < 3 => return Ok(()),
            [0x19, 0x00..=0x0f] => Some(Generation::Milan),
            [0x19, 0x10..=0x1f | 0xa0..=0xaf] => Some(Generation::Genoa),
            [0x1a, 0x00..=0x11] => Some(Generation::Turin),
            _ => None,
        };
        if named == Some(generation) {
            Ok(())
        } else {
            let text = "the report is of another processor than its key";
            Err(Refusal::new(Reason::Forged, text))
        }
    }

    /// The versions that the key was derived from. Turin numbers them in another order.
    const fn tcb(&self, generation: Generation) -> SnpTcb {
        match (generation, self.reported_tcb) {
            (
                Generation::Milan | Generation::Genoa,
                [boot_loader, tee, _, _, _, _, snp, microcode],
            ) => SnpTcb {
                fmc: 0,
                boot_loader,
                tee,
                snp,
                microcode,
            },
            (Generation::Turin, [fmc, boot_loader, tee, snp, _, _, _, microcode]) => SnpTcb {
                fmc,
                boot_loader,
                tee,
                snp,
                microcode,
            },
        }
    }

    /// The chip's name. Turin's has 8 bytes, and zeros follow.
    fn chip(&self, generation: Generation) -> &'a [u8] {
        match (generation, self.chip_id.split_first_chunk::<8>()) {
            (Generation::Turin, Some((name, _))) => name,
            _ => self.chip_id,
        }
    }
}

/// The `N` bytes at `offset`.
fn at<const N: usize>(bytes: &[u8], offset: usize) -> Option<&[u8; N]> {
    bytes.get(offset..)?.first_chunk()
}

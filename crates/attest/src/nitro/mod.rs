//! Evidence of AWS Nitro Enclaves: an attestation document, signed as COSE_Sign1 (RFC 9052) with ECDSA on P-384.
//!
//! Promises: the chain of certificates begins with the pinned root, whatever the document carries in its place; no enclave in
//! debug mode (its PCR 0 holds zeros).
//! Refuses: documents without user data of 64 bytes; headers that nobody signed.
//!
//! A document names the instance (a virtual machine that its operator can make at will), not the hardware: one node per
//! platform identity limits its operator's instances and nothing else.

mod cbor;

use crate::claims::{Claims, Kind, Measurement, Tcb};
use crate::reason::{Reason, Refusal};
use crate::x509::Cert;
use cbor::Reader;
use std::collections::BTreeMap;

/// The most bytes of a document: those of today have 4.5 KiB.
pub const DOCUMENT_BYTES_MAX: usize = 12 << 10;
/// The most certificates above the enclave's own: today there are four (root, region, zone, instance). Each costs a verification.
const AUTHORITIES_MAX: usize = 5;
/// The most bytes of the name of an enclave: today 39.
const MODULE_ID_BYTES_MAX: usize = 256;
/// Stands between the names of instance and enclave.
const ENCLAVE_MARK: &str = "-enc";

/// A tag that may stand before a COSE_Sign1 structure.
const COSE_SIGN1_TAG: u8 = 0xd2;
/// Its signed header: algorithm (1) is ECDSA with SHA-384 (-35).
const PROTECTED: &[u8] = &[0xa1, 0x01, 0x38, 0x22];

/// What `document` proves at `time` under AWS's root certificate `root`.
pub(crate) fn check(document: &[u8], time: u64, root: &[u8]) -> Result<Claims, Refusal> {
    let malformed = |text: &str| Refusal::new(Reason::Malformed, text);
    if document.len() > DOCUMENT_BYTES_MAX {
        return Err(malformed("the document is too long"));
    }
    let cose = Cose::read(document).ok_or_else(|| malformed("not a COSE_Sign1 structure"))?;
    let document = Document::read(cose.payload)
        .ok_or_else(|| malformed("the attestation document cannot be read"))?;
    let (signer, valid_until) = document.check_chain(time, root)?;
    if !signer.signed_p384(&cose.signed(), &cose.signature) {
        let text = "the document is not signed by the enclave's certificate";
        return Err(Refusal::new(Reason::Forged, text));
    }
    document.claims(valid_until)
}

/// The certificates in `document`.
pub(crate) fn certificates(document: &[u8]) -> Vec<Cert> {
    let found = Cose::read(document).and_then(|cose| Document::read(cose.payload));
    let Some(document) = found else {
        return Vec::new();
    };
    let authorities = document.authorities.into_iter().rev();
    document
        .certificate
        .into_iter()
        .chain(authorities)
        .filter_map(|der| Cert::parse(der).ok())
        .collect()
}

/// The envelope.
struct Cose<'a> {
    payload: &'a [u8],
    signature: p384::ecdsa::Signature,
}

impl<'a> Cose<'a> {
    fn read(bytes: &'a [u8]) -> Option<Self> {
        let mut reader = Reader::new(bytes.strip_prefix(&[COSE_SIGN1_TAG]).unwrap_or(bytes));
        let mut parts = Vec::new();
        let mut headers = 0usize;
        reader.array(|reader| {
            if parts.len() == 1 && headers == 0 {
                headers = 1;
                // Nobody signs these headers, so there may be none.
                return reader.map(|_| None);
            }
            parts.push(reader.bytes()?);
            Some(())
        })?;
        let [protected, payload, signature] = parts.try_into().ok()?;
        let whole = reader.is_empty() && headers == 1 && protected == PROTECTED;
        whole.then_some(Self {
            payload,
            signature: p384::ecdsa::Signature::from_slice(signature).ok()?,
        })
    }

    /// What the signature is over: `["Signature1", protected, external data, payload]`.
    fn signed(&self) -> Vec<u8> {
        let mut bytes = vec![0x84, 0x6a];
        bytes.extend(b"Signature1");
        bytes.push(0x44);
        bytes.extend(PROTECTED);
        bytes.push(0x40);
        // Documents are between 256 bytes and 64 KiB long: their length takes two bytes, and the limit is far below.
        let length = u16::try_from(self.payload.len()).unwrap_or_default();
        bytes.push(0x59);
        bytes.extend(length.to_be_bytes());
        bytes.extend(self.payload);
        bytes
    }
}

/// The document; nothing of it is believed yet.
#[derive(Default)]
struct Document<'a> {
    module_id: Option<&'a str>,
    digest: Option<&'a str>,
    pcrs: BTreeMap<u8, Measurement>,
    has_pcrs: bool,
    certificate: Option<&'a [u8]>,
    authorities: Vec<&'a [u8]>,
    user_data: Option<&'a [u8]>,
}

impl<'a> Document<'a> {
    fn read(bytes: &'a [u8]) -> Option<Self> {
        let mut document = Self::default();
        let mut reader = Reader::new(bytes);
        let mut seen = Vec::new();
        reader.map(|reader| {
            let key = reader.text()?;
            if seen.contains(&key) {
                return None;
            }
            seen.push(key);
            document.field(key, reader)
        })?;
        reader.is_empty().then_some(document)
    }

    fn field(&mut self, key: &str, reader: &mut Reader<'a>) -> Option<()> {
        match key {
            "module_id" => self.module_id = Some(reader.text()?),
            "digest" => self.digest = Some(reader.text()?),
            "timestamp" => {
                reader.unsigned()?;
            }
            "pcrs" => self.pcrs(reader)?,
            "certificate" => self.certificate = Some(reader.bytes()?),
            "cabundle" => reader.array(|reader| {
                self.authorities.push(reader.bytes()?);
                (self.authorities.len() <= AUTHORITIES_MAX).then_some(())
            })?,
            "user_data" => self.user_data = reader.bytes_or_null()?,
            "public_key" | "nonce" => {
                reader.bytes_or_null()?;
            }
            _ => return None,
        }
        Some(())
    }

    fn pcrs(&mut self, reader: &mut Reader<'a>) -> Option<()> {
        self.has_pcrs = true;
        let mut seen = Vec::new();
        reader.map(|reader| {
            let number = u8::try_from(reader.unsigned()?).ok()?;
            let value = <[u8; 48]>::try_from(reader.bytes()?).ok()?;
            if seen.contains(&number) {
                return None;
            }
            seen.push(number);
            if value != [0; 48] {
                self.pcrs.insert(number, value.into());
            }
            Some(())
        })
    }

    /// Follows the chain from the pinned root to the enclave's certificate; answers it, and until when all are valid.
    fn check_chain(&self, time: u64, root: &[u8]) -> Result<(Cert, u64), Refusal> {
        let forged = |text: &str| Refusal::new(Reason::Forged, text);
        let (given, authorities) = self
            .authorities
            .split_first()
            .ok_or_else(|| forged("the document carries no authorities"))?;
        if *given != root {
            return Err(forged(
                "the document's chain does not begin with AWS's root",
            ));
        }
        let mut issuer = Cert::parse(root)?;
        issuer.check_time(time)?;
        let mut valid_until = issuer.window().1;
        for der in authorities {
            let authority = Cert::parse(der)?;
            // The root again, and again, would be verified each time.
            if authority.is_self_issued() {
                return Err(forged("an authority of the chain is its own issuer"));
            }
            authority.check(&issuer, time)?;
            if !authority.is_authority() {
                return Err(forged("a certificate of the chain may not sign others"));
            }
            valid_until = valid_until.min(authority.window().1);
            issuer = authority;
        }
        let signer = Cert::parse(self.certificate.unwrap_or_default())?;
        signer.check(&issuer, time)?;
        let valid_until = valid_until.min(signer.window().1);
        Ok((signer, valid_until))
    }

    fn claims(self, valid_until: u64) -> Result<Claims, Refusal> {
        let malformed = |text: &str| Refusal::new(Reason::Malformed, text);
        if self.digest != Some("SHA384") || !self.has_pcrs {
            return Err(malformed("the document holds no measurements by SHA-384"));
        }
        let mut registers = self.pcrs;
        let measurement = registers
            .remove(&0)
            .ok_or_else(|| Refusal::new(Reason::Debug, "PCR 0 holds zeros: debug mode"))?;
        let module_id = self.module_id.unwrap_or_default();
        let (instance, _) = module_id
            .split_once(ENCLAVE_MARK)
            .filter(|_| module_id.len() <= MODULE_ID_BYTES_MAX)
            .ok_or_else(|| malformed("the document does not name its instance"))?;
        let report_data = self
            .user_data
            .and_then(|bytes| bytes.try_into().ok())
            .ok_or_else(|| malformed("the document does not bind 64 bytes of user data"))?;
        Ok(Claims {
            kind: Kind::Nitro,
            platform_id: Kind::Nitro.platform_id(instance.as_bytes()),
            measurement,
            registers,
            report_data,
            tcb: Tcb::Nitro,
            valid_until,
        })
    }
}

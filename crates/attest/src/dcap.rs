//! Evidence of Intel SGX (quote version 3) and TDX (versions 4 and 5), by DCAP: `dcap-qvl` follows the signatures and Intel's
//! rules; here is what it leaves to its caller.
//!
//! Promises: no machine in debug mode; the lists of revoked keys are not from the future (`dcap-qvl` looks at their end only);
//! what is claimed does not depend on how a quote is written: bytes behind it, the text around its certificates and certificates
//! that no signature needs can be changed by anyone.

use crate::claims::{Claims, Kind, Measurement, Tcb, TcbStatus};
use crate::collateral::{Collateral, Item, Key, PckCa};
use crate::hex::Hex;
use crate::reason::{Reason, Refusal};
use crate::x509::Cert;
use dcap_qvl::quote::{Quote, Report};
use dcap_qvl::verify::QuoteVerifier;
use dcap_qvl::{QuoteClaims, QuoteCollateralV3, QuotePolicy, intel};
use std::collections::BTreeMap;

/// The most bytes of a quote: those of today have about 5 KiB, and some platforms pad them to 8 KiB.
pub const QUOTE_BYTES_MAX: usize = 12 << 10;
/// The most certificates in a quote: the platform's key, its authority and the root. Each more would be tried as an issuer of each.
const CERTIFICATES_MAX: usize = 3;

const SGX_DEBUG: u8 = 0x02;
const TDX_DEBUG: u8 = 0x01;

/// The collateral that `quote` needs; none if it cannot be read.
pub(crate) fn keys(quote: &[u8]) -> Vec<Key> {
    Parsed::new(quote).map_or_else(|_| Vec::new(), |parsed| parsed.keys().to_vec())
}

/// The certificates in `quote`.
pub(crate) fn certificates(quote: &[u8]) -> Vec<Cert> {
    Parsed::new(quote).map_or_else(|_| Vec::new(), |parsed| parsed.certificates)
}

/// What `quote` proves at `time` under Intel's root certificate `root`.
pub(crate) fn check(
    quote: &[u8],
    collateral: &Collateral,
    time: u64,
    root: &[u8],
) -> Result<Claims, Refusal> {
    let parsed = Parsed::new(quote)?;
    parsed.check_debug()?;
    for certificate in &parsed.certificates {
        certificate.check_time(time)?;
    }
    let (collateral, until) = parsed.collateral(collateral, time)?;
    // Its own policy takes everything: decisions are for `crate::Policy`.
    let claims = QuoteVerifier::new(root.to_vec())
        .verify_with_policy(quote, collateral, time, &QuotePolicy::claims_only(time))
        .map_err(|error| Refusal::new(Reason::Rejected, format!("{error:#}")))?;
    parsed.claims(claims, until)
}

/// A quote that was read; nothing of it is believed yet.
struct Parsed {
    kind: Kind,
    report: Report,
    certificates: Vec<Cert>,
    ca: PckCa,
    fmspc: Hex<6>,
}

impl Parsed {
    fn new(bytes: &[u8]) -> Result<Self, Refusal> {
        let malformed = |text: &str| Refusal::new(Reason::Malformed, text);
        if bytes.len() > QUOTE_BYTES_MAX {
            return Err(malformed("the quote is too long"));
        }
        let quote = Quote::parse(bytes).map_err(|_| malformed("the quote cannot be read"))?;
        let kind = match (&quote.report, quote.header.version) {
            (Report::SgxEnclave(_), 3) => Kind::Sgx,
            (Report::TD10(_) | Report::TD15(_) | Report::TD15Ex(_), 4 | 5) => Kind::Tdx,
            _ => return Err(malformed("the quote has another version than its kind has")),
        };
        // Type 5: the chain itself. Any other names a key that somebody would have to be asked for.
        if quote.inner_cert_type() != 5 {
            return Err(malformed("the quote does not carry its certificates"));
        }
        let chain = intel::extract_cert_chain(&quote)
            .map_err(|_| malformed("the certificates of the quote cannot be read"))?;
        if chain.len() > CERTIFICATES_MAX {
            return Err(malformed("the quote carries too many certificates"));
        }
        let leaf = chain
            .first()
            .ok_or_else(|| malformed("the quote carries no certificates"))?;
        let fmspc = intel::parse_pck_extension(leaf)
            .map_err(|_| malformed("the platform's certificate lacks Intel's extension"))?
            .fmspc;
        let certificates: Vec<_> = chain
            .iter()
            .map(|der| Cert::parse(der))
            .collect::<Result<_, _>>()?;
        let issuer = certificates.first().map(Cert::issuer_name);
        let ca = issuer
            .and_then(|name| PckCa::of(&name))
            .ok_or_else(|| malformed("the platform's certificate has an unknown issuer"))?;
        Ok(Self {
            kind,
            report: quote.report,
            certificates,
            ca,
            fmspc: Hex(fmspc),
        })
    }

    fn keys(&self) -> [Key; 4] {
        [
            Key::IntelRootCrl,
            Key::PckCrl(self.ca),
            Key::TcbInfo(self.kind, self.fmspc),
            Key::QeIdentity(self.kind),
        ]
    }

    fn check_debug(&self) -> Result<(), Refusal> {
        let debug = match &self.report {
            Report::SgxEnclave(report) => report.attributes[0] & SGX_DEBUG != 0,
            report => report
                .as_td10()
                .is_none_or(|td| td.td_attributes[0] & TDX_DEBUG != 0),
        };
        if debug {
            Err(Refusal::new(Reason::Debug, "the quote says debug mode"))
        } else {
            Ok(())
        }
    }

    /// The items that this quote needs, in `dcap-qvl`'s form, each valid at `time`, and the last second at which all are.
    fn collateral(&self, all: &Collateral, time: u64) -> Result<(QuoteCollateralV3, u64), Refusal> {
        let mut until = u64::MAX;
        let mut found = QuoteCollateralV3 {
            pck_crl_issuer_chain: String::new(),
            root_ca_crl: Vec::new(),
            pck_crl: Vec::new(),
            tcb_info_issuer_chain: String::new(),
            tcb_info: String::new(),
            tcb_info_signature: Vec::new(),
            qe_identity_issuer_chain: String::new(),
            qe_identity: String::new(),
            qe_identity_signature: Vec::new(),
            pck_certificate_chain: None,
        };
        for key in self.keys() {
            let item = all.get(&key).ok_or_else(|| {
                Refusal::new(Reason::CollateralMissing, format!("there is no {key}"))
            })?;
            until = until.min(item.check_window(time)?);
            match item {
                Item::IntelRootCrl(crl) => found.root_ca_crl.clone_from(crl),
                Item::PckCrl { crl, .. } => found.pck_crl.clone_from(crl),
                Item::TcbInfo(signed) => {
                    found.tcb_info_issuer_chain = pem(&signed.certificate);
                    found.tcb_info.clone_from(&signed.text);
                    found.tcb_info_signature = signed.signature.0.to_vec();
                }
                Item::QeIdentity(signed) => {
                    found.qe_identity_issuer_chain = pem(&signed.certificate);
                    found.qe_identity.clone_from(&signed.text);
                    found.qe_identity_signature = signed.signature.0.to_vec();
                }
                Item::AmdCrl { .. } => (),
            }
        }
        Ok((found, until))
    }

    fn claims(&self, found: QuoteClaims, until: u64) -> Result<Claims, Refusal> {
        let (measurement, report_data, registers, td_attributes) = match &found.report {
            Report::SgxEnclave(report) => (
                Measurement::from(report.mr_enclave),
                report.report_data,
                BTreeMap::new(),
                None,
            ),
            report => {
                let td = report
                    .as_td10()
                    .ok_or_else(|| Refusal::new(Reason::Malformed, "no report of a domain"))?;
                let registers = [td.rt_mr0, td.rt_mr1, td.rt_mr2, td.rt_mr3];
                let attributes = Some(Hex(td.td_attributes));
                (td.mr_td.into(), td.report_data, used(registers), attributes)
            }
        };
        if found.platform.pck.ppid.is_empty() {
            return Err(Refusal::new(
                Reason::Malformed,
                "the platform has no identity",
            ));
        }
        let mut advisories = found.tcb.advisory_ids;
        advisories.sort();
        advisories.dedup();
        Ok(Claims {
            kind: self.kind,
            platform_id: self.kind.platform_id(&found.platform.pck.ppid),
            measurement,
            registers,
            report_data,
            tcb: Tcb::Dcap {
                fmspc: Hex(found.platform.pck.fmspc),
                status: status(found.tcb.status)?,
                advisories,
                evaluation_number: found.tcb.eval_data_number,
                td_attributes,
            },
            valid_until: found.earliest_expiration_date.min(until),
        })
    }
}

/// Registers by number, those that hold zeros left out.
fn used(registers: [[u8; 48]; 4]) -> BTreeMap<u8, Measurement> {
    (0..)
        .zip(registers)
        .filter(|(_, value)| *value != [0; 48])
        .map(|(number, value)| (number, value.into()))
        .collect()
}

fn status(status: dcap_qvl::TcbStatus) -> Result<TcbStatus, Refusal> {
    use dcap_qvl::TcbStatus as Intel;
    Ok(match status {
        Intel::UpToDate => TcbStatus::UpToDate,
        Intel::SWHardeningNeeded => TcbStatus::SWHardeningNeeded,
        Intel::ConfigurationNeeded => TcbStatus::ConfigurationNeeded,
        Intel::ConfigurationAndSWHardeningNeeded => TcbStatus::ConfigurationAndSWHardeningNeeded,
        Intel::OutOfDate => TcbStatus::OutOfDate,
        Intel::OutOfDateConfigurationNeeded => TcbStatus::OutOfDateConfigurationNeeded,
        Intel::TDRelaunchAdvised => TcbStatus::TDRelaunchAdvised,
        Intel::TDRelaunchAdvisedConfigurationNeeded => {
            TcbStatus::TDRelaunchAdvisedConfigurationNeeded
        }
        Intel::Revoked => {
            let text = "Intel took the platform's firmware level back";
            return Err(Refusal::new(Reason::Revoked, text));
        }
    })
}

/// A certificate as text, which is how `dcap-qvl` takes it.
fn pem(der: &[u8]) -> String {
    use base64::Engine as _;
    let text = base64::engine::general_purpose::STANDARD.encode(der);
    format!("-----BEGIN CERTIFICATE-----\n{text}\n-----END CERTIFICATE-----\n")
}

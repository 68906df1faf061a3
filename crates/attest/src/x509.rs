//! X.509 as far as evidence needs it: certificates and lists of revoked ones, signed with ECDSA (P-256, P-384) or RSA-PSS.
//!
//! Promises: no path is searched; each caller says which certificate must have signed which. A certificate is looked at only
//! within [`CERTIFICATE_BYTES_MAX`], a list within [`CRL_BYTES_MAX`].

use crate::reason::{Reason, Refusal};
use p256::ecdsa::signature::Verifier as _;
use rsa::pkcs1::DecodeRsaPublicKey as _;
use rsa::sha2::Sha384;
use strongroom_types::Timestamp;
use x509_cert::Certificate;
use x509_cert::crl::CertificateList;
use x509_cert::der::asn1::{AnyRef, ObjectIdentifier};
use x509_cert::der::referenced::OwnedToRef as _;
use x509_cert::der::{Decode, Reader as _, SliceReader};
use x509_cert::ext::pkix::{BasicConstraints, KeyUsage};
use x509_cert::name::Name;
use x509_cert::spki::SubjectPublicKeyInfoOwned;
use x509_cert::time::Time;

/// The most bytes of one certificate: AMD's, with RSA keys of 4096 bits, have 1.7 KiB.
pub(crate) const CERTIFICATE_BYTES_MAX: usize = 4 << 10;
/// The most bytes of one list: Intel's of platforms has 3 KiB and grows with each one taken back.
pub(crate) const CRL_BYTES_MAX: usize = 48 << 10;

const ECDSA_SHA256: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.4.3.2");
const ECDSA_SHA384: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.4.3.3");
const RSA_PSS: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.10");

/// A certificate that was read; nothing of it is believed yet.
pub(crate) struct Cert {
    inner: Certificate,
    signed: Vec<u8>,
}

impl Cert {
    /// Reads DER.
    pub(crate) fn parse(der: &[u8]) -> Result<Self, Refusal> {
        let (inner, signed) = parse::<Certificate>(der, CERTIFICATE_BYTES_MAX, "a certificate")?;
        Ok(Self { inner, signed })
    }

    /// Whether `issuer` signed it, and both were valid at `time`. Whether `issuer` may sign is said by [`Cert::is_authority`].
    pub(crate) fn check(&self, issuer: &Self, time: u64) -> Result<(), Refusal> {
        self.check_time(time)?;
        if self.inner.tbs_certificate().issuer() != issuer.subject() {
            let text = format!("the certificate of {} has another issuer", self.name());
            return Err(Refusal::new(Reason::Forged, text));
        }
        let signature = self.inner.signature().as_bytes().unwrap_or_default();
        let algorithm = self.inner.signature_algorithm();
        // It is written twice, and only one of them is signed.
        let same = algorithm == self.inner.tbs_certificate().signature();
        if same && issuer.signed(algorithm.oid, &self.signed, signature) {
            Ok(())
        } else {
            let text = format!(
                "the certificate of {} is not signed by its issuer",
                self.name()
            );
            Err(Refusal::new(Reason::Forged, text))
        }
    }

    /// Whether it is valid at `time`.
    pub(crate) fn check_time(&self, time: u64) -> Result<(), Refusal> {
        let (from, until) = self.window();
        check_window(
            &format!("the certificate of {}", self.name()),
            from,
            until,
            time,
        )
    }

    /// First and last second at which it is valid.
    pub(crate) fn window(&self) -> (u64, u64) {
        let validity = self.inner.tbs_certificate().validity();
        (seconds(&validity.not_before), seconds(&validity.not_after))
    }

    /// Whether it may sign certificates.
    pub(crate) fn is_authority(&self) -> bool {
        let tbs = self.inner.tbs_certificate();
        let constraints = tbs.get_extension::<BasicConstraints>();
        let usage = tbs.get_extension::<KeyUsage>();
        matches!(constraints, Ok(Some((_, found))) if found.ca)
            && matches!(usage, Ok(Some((_, found))) if found.key_cert_sign())
    }

    /// Whether it names itself as its issuer.
    pub(crate) fn is_self_issued(&self) -> bool {
        self.inner.tbs_certificate().issuer() == self.subject()
    }

    /// Whether it is in `crl`, which its issuer must have signed.
    pub(crate) fn is_revoked(&self, crl: &Crl) -> bool {
        let serial = self.inner.tbs_certificate().serial_number().as_bytes();
        crl.issuer() == self.inner.tbs_certificate().issuer() && crl.has(serial)
    }

    /// The bytes of an extension, if it is there once.
    pub(crate) fn extension(&self, id: ObjectIdentifier) -> Option<&[u8]> {
        let all = self.inner.tbs_certificate().extensions()?;
        let mut found = all.iter().filter(|extension| extension.extn_id == id);
        let one = found.next()?;
        match found.next() {
            None => Some(one.extn_value.as_bytes()),
            Some(_) => None,
        }
    }

    /// Whose it is.
    fn subject(&self) -> &Name {
        self.inner.tbs_certificate().subject()
    }

    /// The common name of who it says that signed it.
    pub(crate) fn issuer_name(&self) -> String {
        common_name(self.inner.tbs_certificate().issuer())
    }

    /// The common name of its subject, for people.
    pub(crate) fn name(&self) -> String {
        common_name(self.subject())
    }

    /// Its key.
    fn key(&self) -> &SubjectPublicKeyInfoOwned {
        self.inner.tbs_certificate().subject_public_key_info()
    }

    /// Whether its key signed `message`, the signature being in the form that X.509 has for `algorithm`.
    fn signed(&self, algorithm: ObjectIdentifier, message: &[u8], signature: &[u8]) -> bool {
        match algorithm {
            ECDSA_SHA256 => p256::ecdsa::Signature::from_der(signature)
                .is_ok_and(|signature| self.signed_p256(message, &signature)),
            ECDSA_SHA384 => p384::ecdsa::Signature::from_der(signature)
                .is_ok_and(|signature| self.signed_p384(message, &signature)),
            RSA_PSS => self.signed_rsa(message, signature),
            _ => false,
        }
    }

    /// Whether its P-256 key signed `message`.
    pub(crate) fn signed_p256(&self, message: &[u8], signature: &p256::ecdsa::Signature) -> bool {
        let key = self.key().owned_to_ref();
        p256::ecdsa::VerifyingKey::try_from(key)
            .is_ok_and(|key| key.verify(message, signature).is_ok())
    }

    /// Whether its P-384 key signed `message`.
    pub(crate) fn signed_p384(&self, message: &[u8], signature: &p384::ecdsa::Signature) -> bool {
        let key = self.key().owned_to_ref();
        p384::ecdsa::VerifyingKey::try_from(key)
            .is_ok_and(|key| key.verify(message, signature).is_ok())
    }

    /// Whether its RSA key signed `message` (PSS with SHA-384, MGF1 with SHA-384, salt of 48 bytes: AMD's only form).
    fn signed_rsa(&self, message: &[u8], signature: &[u8]) -> bool {
        let bytes = self.key().subject_public_key.as_bytes().unwrap_or_default();
        let key = rsa::PublicKey::from_pkcs1_der(bytes);
        let signature = rsa::pss::Signature::try_from(signature);
        match (key, signature) {
            (Ok(key), Ok(signature)) => rsa::pss::VerifyingKey::<Sha384>::new(key)
                .verify(message, &signature)
                .is_ok(),
            _ => false,
        }
    }
}

/// A list of revoked certificates that was read; nothing of it is believed yet.
pub(crate) struct Crl {
    inner: CertificateList,
    signed: Vec<u8>,
}

impl Crl {
    /// Reads DER.
    pub(crate) fn parse(der: &[u8]) -> Result<Self, Refusal> {
        let (inner, signed) = parse::<CertificateList>(der, CRL_BYTES_MAX, "a revocation list")?;
        Ok(Self { inner, signed })
    }

    /// Whether `issuer` signed it and it is valid at `time`.
    pub(crate) fn check(&self, issuer: &Cert, time: u64) -> Result<(), Refusal> {
        let (from, until) = self.window();
        let name = format!("the revocation list of {}", self.issuer_name());
        check_window(&name, from, until, time)?;
        let signature = self.inner.signature.as_bytes().unwrap_or_default();
        let algorithm = &self.inner.signature_algorithm;
        let same =
            *algorithm == self.inner.tbs_cert_list.signature && self.issuer() == issuer.subject();
        if same && issuer.signed(algorithm.oid, &self.signed, signature) {
            Ok(())
        } else {
            let text = format!("{name} is not signed by it");
            Err(Refusal::new(Reason::Forged, text))
        }
    }

    /// First and last second at which it is valid: the next one takes its place in the second that it names. A list that
    /// names none has ended.
    pub(crate) fn window(&self) -> (u64, u64) {
        let list = &self.inner.tbs_cert_list;
        let next = list.next_update.as_ref().map_or(0, seconds);
        (seconds(&list.this_update), next.saturating_sub(1))
    }

    /// Whose it is.
    fn issuer(&self) -> &Name {
        &self.inner.tbs_cert_list.issuer
    }

    /// The common name of whose it is.
    pub(crate) fn issuer_name(&self) -> String {
        common_name(self.issuer())
    }

    fn has(&self, serial: &[u8]) -> bool {
        let revoked = self.inner.tbs_cert_list.revoked_certificates.as_deref();
        revoked
            .unwrap_or_default()
            .iter()
            .any(|entry| entry.serial_number.as_bytes() == serial)
    }
}

/// What DER says, and the very bytes of the part that is signed: the first one in it.
fn parse<'a, T: Decode<'a>>(
    der: &'a [u8],
    bytes_max: usize,
    what: &str,
) -> Result<(T, Vec<u8>), Refusal> {
    let malformed = || Refusal::new(Reason::Malformed, format!("{what} cannot be read"));
    if der.len() > bytes_max {
        let text = format!("{what} has more than {bytes_max} bytes");
        return Err(Refusal::new(Reason::Malformed, text));
    }
    let parsed = T::from_der(der).map_err(|_| malformed())?;
    let outer = AnyRef::from_der(der).map_err(|_| malformed())?;
    let mut reader = SliceReader::new(outer.value()).map_err(|_| malformed())?;
    let signed = reader.tlv_bytes().map_err(|_| malformed())?;
    Ok((parsed, signed.to_vec()))
}

/// Whether `time` is between `from` and `until`, both included.
pub(crate) fn check_window(what: &str, from: u64, until: u64, time: u64) -> Result<(), Refusal> {
    if time < from {
        let text = format!(
            "{what} is valid from {} on, and it is {}",
            text(from),
            text(time)
        );
        Err(Refusal::new(Reason::NotYetValid, text))
    } else if time > until {
        let text = format!(
            "{what} was valid until {}, and it is {}",
            text(until),
            text(time)
        );
        Err(Refusal::new(Reason::Expired, text))
    } else {
        Ok(())
    }
}

/// Unix seconds for people.
fn text(seconds: u64) -> String {
    i64::try_from(seconds)
        .ok()
        .and_then(|seconds| Timestamp::new(seconds, 0).ok())
        .map_or_else(|| seconds.to_string(), |time| time.to_rfc3339_seconds())
}

fn seconds(time: &Time) -> u64 {
    time.to_unix_duration().as_secs()
}

fn common_name(name: &Name) -> String {
    name.common_name()
        .ok()
        .flatten()
        .map_or_else(|| name.to_string(), |name| name.value().into_owned())
}

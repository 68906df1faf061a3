//! Evidence under a root of our own: every branch is tried in a clone alone, where no recorded evidence is at hand.
//!
//! The vendors' chains are made here from constant keys, with the same code for all kinds: only names, extensions and curves
//! differ. What only real certificates can show (RSA) is tried with the pinned ones (`roots`).

mod dcap;
mod nitro;
mod roots;
mod snp;

use p256::ecdsa::signature::Signer as _;

/// A moment at which everything made here is valid: 2026-05-28.
const NOW: u64 = 1_780_000_000;
/// Certificates and lists are valid from here: 2026-01-01, ...
const FROM: &str = "260101000000Z";
/// ... until here: 2026-12-31.
const UNTIL: &str = "261231000000Z";
const FROM_SECONDS: u64 = 1_767_225_600;
const UNTIL_SECONDS: u64 = 1_798_675_200;

/// A key of P-256 or P-384, from one byte.
#[derive(Clone)]
enum SigningKey {
    P256(p256::ecdsa::SigningKey),
    P384(p384::ecdsa::SigningKey),
}

impl SigningKey {
    fn p256(byte: u8) -> Self {
        Self::P256(p256::ecdsa::SigningKey::from_slice(&[byte; 32]).unwrap())
    }

    fn p384(byte: u8) -> Self {
        Self::P384(p384::ecdsa::SigningKey::from_slice(&[byte; 48]).unwrap())
    }

    /// The point, uncompressed.
    fn point(&self) -> Vec<u8> {
        match self {
            Self::P256(key) => key.verifying_key().to_sec1_point(false).as_bytes().to_vec(),
            Self::P384(key) => key.verifying_key().to_sec1_point(false).as_bytes().to_vec(),
        }
    }

    /// r and s.
    fn sign(&self, message: &[u8]) -> Vec<u8> {
        match self {
            Self::P256(key) => {
                let signature: p256::ecdsa::Signature = key.sign(message);
                signature.to_bytes().to_vec()
            }
            Self::P384(key) => {
                let signature: p384::ecdsa::Signature = key.sign(message);
                signature.to_bytes().to_vec()
            }
        }
    }

    fn sign_der(&self, message: &[u8]) -> Vec<u8> {
        let bytes = self.sign(message);
        let (r, s) = bytes.split_at(bytes.len() / 2);
        seq(&[int(r), int(s)])
    }

    fn algorithm(&self) -> Vec<u8> {
        match self {
            Self::P256(_) => seq(&[oid("1.2.840.10045.4.3.2")]),
            Self::P384(_) => seq(&[oid("1.2.840.10045.4.3.3")]),
        }
    }

    fn spki(&self) -> Vec<u8> {
        let curve = match self {
            Self::P256(_) => "1.2.840.10045.3.1.7",
            Self::P384(_) => "1.3.132.0.34",
        };
        let algorithm = seq(&[oid("1.2.840.10045.2.1"), oid(curve)]);
        seq(&[algorithm, bits(&self.point())])
    }
}

/// What a certificate says.
#[derive(Clone)]
struct CertSpec {
    name: &'static str,
    issuer: &'static str,
    serial: u8,
    authority: bool,
    from: &'static str,
    until: &'static str,
    /// Extensions beside those that every certificate has, encoded.
    extensions: Vec<Vec<u8>>,
}

impl CertSpec {
    fn new(name: &'static str, issuer: &'static str, serial: u8) -> Self {
        Self {
            name,
            issuer,
            serial,
            authority: false,
            from: FROM,
            until: UNTIL,
            extensions: Vec::new(),
        }
    }

    fn authority(name: &'static str, issuer: &'static str, serial: u8) -> Self {
        Self {
            authority: true,
            ..Self::new(name, issuer, serial)
        }
    }

    fn sign(&self, key: &SigningKey, by: &SigningKey) -> Vec<u8> {
        let constraints = if self.authority {
            seq(&[tlv(0x01, &[0xff])])
        } else {
            seq(&[])
        };
        // Signatures of certificates and lists, or of anything else.
        let usage = if self.authority { [1, 0x06] } else { [6, 0xc0] };
        let mut extensions = vec![
            extension("2.5.29.19", true, &constraints),
            extension("2.5.29.15", true, &tlv(0x03, &usage)),
        ];
        extensions.extend(self.extensions.iter().cloned());
        let tbs = seq(&[
            tlv(0xa0, &int(&[2])),
            int(&[self.serial]),
            by.algorithm(),
            name(self.issuer),
            seq(&[utc(self.from), utc(self.until)]),
            name(self.name),
            key.spki(),
            tlv(0xa3, &seq(&extensions)),
        ]);
        let signature = by.sign_der(&tbs);
        seq(&[tbs, by.algorithm(), bits(&signature)])
    }
}

/// A list of revoked certificates.
struct CrlSpec {
    issuer: &'static str,
    from: &'static str,
    until: &'static str,
    revoked: Vec<u8>,
}

impl CrlSpec {
    fn new(issuer: &'static str) -> Self {
        Self {
            issuer,
            from: FROM,
            until: UNTIL,
            revoked: Vec::new(),
        }
    }

    fn sign(&self, by: &SigningKey) -> Vec<u8> {
        let entry = |serial: &u8| seq(&[int(&[*serial]), utc(FROM)]);
        let revoked: Vec<_> = self.revoked.iter().map(entry).collect();
        let mut parts = vec![
            int(&[1]),
            by.algorithm(),
            name(self.issuer),
            utc(self.from),
            utc(self.until),
        ];
        if !revoked.is_empty() {
            parts.push(seq(&revoked));
        }
        let number = extension("2.5.29.20", false, &int(&[1]));
        parts.push(tlv(0xa0, &seq(&[number])));
        let tbs = seq(&parts);
        let signature = by.sign_der(&tbs);
        seq(&[tbs, by.algorithm(), bits(&signature)])
    }
}

fn tlv(tag: u8, value: &[u8]) -> Vec<u8> {
    let mut bytes = vec![tag];
    match value.len() {
        length @ 0..=0x7f => bytes.push(length as u8),
        length @ 0x80..=0xff => bytes.extend([0x81, length as u8]),
        length => {
            bytes.push(0x82);
            bytes.extend((length as u16).to_be_bytes());
        }
    }
    bytes.extend(value);
    bytes
}

fn seq(parts: &[Vec<u8>]) -> Vec<u8> {
    tlv(0x30, &parts.concat())
}

/// A number that is not negative.
fn int(bytes: &[u8]) -> Vec<u8> {
    let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
    let mut value = bytes[zeros..].to_vec();
    if value.first().is_none_or(|byte| byte & 0x80 != 0) {
        value.insert(0, 0);
    }
    tlv(0x02, &value)
}

fn bits(bytes: &[u8]) -> Vec<u8> {
    tlv(0x03, &[&[0], bytes].concat())
}

fn octets(bytes: &[u8]) -> Vec<u8> {
    tlv(0x04, bytes)
}

fn oid(text: &str) -> Vec<u8> {
    let id = x509_cert::der::asn1::ObjectIdentifier::new(text).unwrap();
    tlv(0x06, id.as_bytes())
}

fn utc(text: &str) -> Vec<u8> {
    tlv(0x17, text.as_bytes())
}

fn name(common: &str) -> Vec<u8> {
    let attribute = seq(&[oid("2.5.4.3"), tlv(0x0c, common.as_bytes())]);
    seq(&[tlv(0x31, &attribute)])
}

fn extension(id: &str, critical: bool, value: &[u8]) -> Vec<u8> {
    let mut parts = vec![oid(id)];
    if critical {
        parts.push(tlv(0x01, &[0xff]));
    }
    parts.push(octets(value));
    seq(&parts)
}

/// The pinned roots, with Intel's replaced.
fn roots_with<'a>(change: impl FnOnce(&mut crate::roots::Roots<'a>)) -> crate::roots::Roots<'a> {
    let mut roots = crate::roots::PINNED;
    change(&mut roots);
    roots
}

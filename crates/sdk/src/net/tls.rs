//! TLS: whom a client believes that it talks to (docs/adr/0024).
//!
//! Promises: the certificate is checked before anything is said, TLS is 1.2 or 1.3, and the words of an error are ours.

use crate::client::Error;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{CertificateError, ClientConfig, RootCertStore};
use std::io;
use std::sync::Arc;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

/// What it looks like that the other side does not go on.
const HANGING_UP: [io::ErrorKind; 3] = [
    io::ErrorKind::UnexpectedEof,
    io::ErrorKind::ConnectionReset,
    io::ErrorKind::BrokenPipe,
];

/// Which authorities may sign the certificate of a node.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Roots {
    /// Those of this system; `SSL_CERT_FILE` and `SSL_CERT_DIR` name others.
    #[default]
    System,
    /// These and no others: their certificates, in PEM.
    Pem(Vec<u8>),
}

/// Why there is no TLS with a node.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TlsError {
    /// The certificate names others.
    #[error(
        "the certificate that {0} shows is another one's: look at the address, and at what stands in between"
    )]
    Name(String),
    /// The certificate is of the past.
    #[error(
        "the certificate of {0} has expired: its operator has to renew it; a clock of this machine that is ahead looks alike"
    )]
    Expired(String),
    /// The certificate is of the future.
    #[error("the certificate of {0} is not valid yet: is the clock of this machine behind?")]
    NotYetValid(String),
    /// Nobody who is trusted has signed the certificate.
    #[error(
        "no authority that is trusted here has signed the certificate of {0}: --ca-file (`Roots::Pem`) names the certificate of a private one"
    )]
    UnknownIssuer(String),
    /// The certificate cannot be one of this server.
    #[error(
        "the certificate of {0} does not hold: it is not signed by the authority that it names, or not for servers, or an authority's own"
    )]
    Certificate(String),
    /// It is no TLS that is spoken there.
    #[error(
        "{0} does not speak TLS, or hangs up: nothing was sent (an address with plain http begins with http://)"
    )]
    NotSpoken(String),
    /// The other side wants something else, such as a certificate of the client.
    #[error(
        "{0} breaks TLS, or refuses it as it is spoken here: version 1.2 or 1.3, without a certificate of the client"
    )]
    Refused(String),
    /// This system has no authorities.
    #[error(
        "this system names no authorities for TLS: install its package (ca-certificates), or name a file with --ca-file (`Roots::Pem`)"
    )]
    NoRoots,
    /// Authorities for an address without TLS.
    #[error(
        "authorities are named (--ca-file, `Roots::Pem`), and {0} is plain http, which asks nobody who the node is: its address begins with https://, or no authorities are named"
    )]
    Plain(String),
    /// What should be authorities is none.
    #[error("the file with authorities has no certificate in PEM that can be one")]
    Roots,
}

impl TlsError {
    /// A stable name.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Name(_) => "tls.name",
            Self::Expired(_) => "tls.expired",
            Self::NotYetValid(_) => "tls.not_yet_valid",
            Self::UnknownIssuer(_) => "tls.unknown_issuer",
            Self::Certificate(_) => "tls.certificate",
            Self::NotSpoken(_) => "tls.not_spoken",
            Self::Refused(_) => "tls.refused",
            Self::NoRoots => "tls.no_roots",
            Self::Plain(_) => "tls.plain",
            Self::Roots => "tls.roots",
        }
    }

    /// Of a connection that was there: something may have been sent.
    pub(super) fn later(host: &str) -> Self {
        Self::Refused(host.to_owned())
    }

    pub(super) fn of(error: &rustls::Error, host: &str) -> Self {
        let host = host.to_owned();
        match error {
            rustls::Error::InvalidCertificate(error) => match error {
                CertificateError::NotValidForName
                | CertificateError::NotValidForNameContext { .. } => Self::Name(host),
                CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
                    Self::Expired(host)
                }
                CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
                    Self::NotYetValid(host)
                }
                CertificateError::UnknownIssuer => Self::UnknownIssuer(host),
                _ => Self::Certificate(host),
            },
            rustls::Error::InvalidMessage(_) => Self::NotSpoken(host),
            _ => Self::Refused(host),
        }
    }
}

/// The error of TLS within one of the system.
pub(super) fn inside(error: &io::Error) -> Option<&rustls::Error> {
    error.get_ref()?.downcast_ref()
}

/// How to speak TLS with one host.
pub(super) struct Tls {
    connector: TlsConnector,
    name: ServerName<'static>,
    host: String,
}

impl Tls {
    pub(super) fn new(host: &str, roots: &Roots) -> Result<Self, TlsError> {
        let name = ServerName::try_from(host.to_owned());
        let name = name.map_err(|_| TlsError::Name(host.to_owned()))?;
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ClientConfig::builder_with_provider(provider);
        let config = config
            .with_safe_default_protocol_versions()
            .map_err(|_| TlsError::Refused(host.to_owned()))?;
        let mut config = config
            .with_root_certificates(store(roots)?)
            .with_no_client_auth();
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Self {
            connector: Arc::new(config).into(),
            name,
            host: host.to_owned(),
        })
    }

    pub(super) async fn connect(&self, stream: TcpStream) -> Result<TlsStream<TcpStream>, Error> {
        let shaken = self.connector.connect(self.name.clone(), stream).await;
        shaken.map_err(|error| match inside(&error) {
            Some(error) => TlsError::of(error, &self.host).into(),
            // Servers of other protocols hang up.
            None if HANGING_UP.contains(&error.kind()) => {
                TlsError::NotSpoken(self.host.clone()).into()
            }
            None => Error::NoAnswer(error.to_string()),
        })
    }
}

fn store(roots: &Roots) -> Result<RootCertStore, TlsError> {
    let mut store = RootCertStore::empty();
    match roots {
        Roots::System => {
            // A system may have some that are odd beside those that are right.
            let found = rustls_native_certs::load_native_certs().certs;
            if store.add_parsable_certificates(found).0 == 0 {
                return Err(TlsError::NoRoots);
            }
        }
        Roots::Pem(pem) => {
            for certificate in CertificateDer::pem_slice_iter(pem) {
                let certificate = certificate.map_err(|_| TlsError::Roots)?;
                store.add(certificate).map_err(|_| TlsError::Roots)?;
            }
            if store.is_empty() {
                return Err(TlsError::Roots);
            }
        }
    }
    Ok(store)
}

//! The way to a node's RPC, or to its REST. What is said over it, and how, knows the SDK.

use crate::given;
use anyhow::{Context as _, anyhow};
use clap::Args as ClapArgs;
use std::io::{IsTerminal as _, Write as _};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use strongroom_sdk::client;
use strongroom_sdk::net::{AddressError, Endpoint, Http, Roots, TlsError};

/// The longest file of authorities: a system's has about 250 KiB.
const CA_FILE_BYTES_MAX: usize = 4 << 20;

/// A client of the node behind an address.
pub(crate) type Client = client::Client<Http>;

/// Whom it is believed who a node is.
#[derive(ClapArgs, Clone, Default)]
#[group(skip)]
pub(crate) struct Ca {
    /// Authorities that may sign the certificate of a node with https, in PEM, in place of those of this system.
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) ca_file: Option<PathBuf>,
}

/// A node, and who may say that it is this one.
pub(crate) struct Remote {
    endpoint: Endpoint,
    roots: Roots,
}

impl Remote {
    /// A node with an address as people write it.
    pub(crate) fn new(node: &str, ca_file: Option<&Path>) -> anyhow::Result<Self> {
        let endpoint = endpoint_of(node, ca_file.is_some())?;
        let roots = match ca_file {
            Some(file) => Roots::Pem(given::read(file, CA_FILE_BYTES_MAX).context("tls.ca_file")?),
            None => Roots::System,
        };
        Ok(Self { endpoint, roots })
    }

    /// A node of this machine.
    pub(crate) fn own(rpc: SocketAddr) -> anyhow::Result<Self> {
        Self::new(&rpc.to_string(), None)
    }

    /// Connects.
    pub(crate) async fn transport(&self) -> Result<Http, client::Error> {
        let transport = Http::connect(&self.endpoint, &self.roots).await?;
        Ok(match std::io::stderr().is_terminal() {
            true => transport.telling(progress),
            false => transport,
        })
    }

    /// Connects, and takes the node's word.
    pub(crate) async fn client(&self) -> anyhow::Result<Client> {
        let transport = self.transport().await;
        Ok(Client::new(
            transport.with_context(|| self.endpoint.to_string())?,
        ))
    }
}

/// An address as people write it.
pub(crate) fn endpoint(node: &str) -> anyhow::Result<Endpoint> {
    node.parse()
        .map_err(|error: AddressError| anyhow!("{}: {error}", error.code()))
}

/// The same of a node for which authorities are named, or not: whoever names them wants no plain http.
pub(crate) fn endpoint_of(node: &str, has_authorities: bool) -> anyhow::Result<Endpoint> {
    let endpoint = endpoint(node)?;
    let plain = || client::Error::from(TlsError::Plain(endpoint.to_string()));
    match has_authorities && !endpoint.is_tls() {
        true => Err(plain().into()),
        false => Ok(endpoint),
    }
}

/// Connects to the RPC of a node of this machine, and takes its word.
pub(crate) async fn own(rpc: SocketAddr) -> anyhow::Result<Client> {
    Remote::own(rpc)?.client().await
}

fn progress(done: usize, all: usize) {
    let (kib, all_kib) = (done >> 10, all >> 10);
    let _ = write!(std::io::stderr(), "\r\x1b[Ksending: {kib} of {all_kib} KiB");
    if done == all {
        talk!();
    }
}

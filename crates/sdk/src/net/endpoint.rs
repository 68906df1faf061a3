//! The address of an RPC or of REST, as people write it.

use core::fmt;
use core::net::Ipv6Addr;
use core::str::FromStr;
use rustls::pki_types::ServerName;

/// Where TLS is spoken unless the address says otherwise.
const TLS_PORT: u16 = 443;

/// The address of an RPC or of REST: `https://HOST[:PORT][/PATH]`, or `http://HOST:PORT[/PATH]`, where `http://` may be left out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint {
    is_tls: bool,
    /// A name or an address, IPv6 without its brackets.
    host: String,
    port: u16,
    /// Begins with a slash.
    path: String,
}

/// What is wrong with an address.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AddressError {
    /// Another scheme than `http` and `https`.
    #[error(
        "{0}:// is not spoken here: the address of a node's RPC or REST begins with http:// or https://"
    )]
    Scheme(String),
    /// No port, where there is no usual one.
    #[error("{0} has no port: the RPC of a node is at 26657, its REST at 1317")]
    NoPort(String),
    /// A port that is none.
    #[error("{0} has no port from 1 to 65535 behind its last colon")]
    Port(String),
    /// A host that is none; names of other scripts are written as DNS has them.
    #[error(
        "{0} names no host: it is a name of letters, digits, dots and hyphens, or an address (IPv6 in brackets)"
    )]
    Host(String),
    /// A name and a password, a query, a fragment.
    #[error(
        "the address has more than a host, a port and a path: no name, password, query or fragment is sent"
    )]
    TooMuch,
}

impl AddressError {
    /// A stable name.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        "client.address"
    }
}

impl Endpoint {
    /// Whether it is reached over TLS.
    #[must_use]
    pub const fn is_tls(&self) -> bool {
        self.is_tls
    }

    /// A name or an address, IPv6 without brackets.
    #[must_use]
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The port.
    #[must_use]
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// What a request names: the path of the address, with this one behind it.
    pub(super) fn target(&self, path: &str) -> String {
        match (self.path.trim_end_matches('/'), path) {
            ("", "") => "/".to_owned(),
            (own, path) => format!("{own}{path}"),
        }
    }

    /// Host and port as HTTP has them.
    pub(super) fn authority(&self) -> String {
        let host = match self.host.contains(':') {
            true => format!("[{}]", self.host),
            false => self.host.clone(),
        };
        match self.is_tls && self.port == TLS_PORT {
            true => host,
            false => format!("{host}:{}", self.port),
        }
    }
}

impl FromStr for Endpoint {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, AddressError> {
        let (scheme, rest) = text.split_once("://").unwrap_or(("http", text));
        let is_tls = match scheme.to_ascii_lowercase().as_str() {
            "https" => true,
            // As CometBFT writes it.
            "http" | "tcp" => false,
            _ => return Err(AddressError::Scheme(scheme.to_owned())),
        };
        let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
        let is_odd = |c: char| c.is_whitespace() || c.is_control() || !c.is_ascii();
        if rest.contains(['@', '?', '#']) || path.contains(is_odd) {
            return Err(AddressError::TooMuch);
        }
        let (host, port) = split(authority);
        let port = match port {
            Some(port) => port.parse().ok().filter(|port| *port > 0),
            None if is_tls => Some(TLS_PORT),
            None => return Err(AddressError::NoPort(text.to_owned())),
        };
        let inner = host.strip_prefix('[').and_then(|h| h.strip_suffix(']'));
        let is_host = match inner {
            Some(address) => address.parse::<Ipv6Addr>().is_ok(),
            None => {
                let is_in_name = |b: u8| b.is_ascii_alphanumeric() || b"-._".contains(&b);
                !host.is_empty() && host.bytes().all(is_in_name)
            }
        };
        // What no certificate can name.
        let is_named = !is_tls || ServerName::try_from(inner.unwrap_or(host)).is_ok();
        if !is_host || !is_named {
            return Err(AddressError::Host(text.to_owned()));
        }
        Ok(Self {
            is_tls,
            host: inner.unwrap_or(host).to_owned(),
            port: port.ok_or_else(|| AddressError::Port(text.to_owned()))?,
            path: format!("/{}", path.trim_matches('/')),
        })
    }
}

/// Host, and port if there is one: the colons within brackets are the address's.
fn split(authority: &str) -> (&str, Option<&str>) {
    match authority.rsplit_once(':') {
        Some((host, port)) if !port.contains(']') => (host, Some(port)),
        _ => (authority, None),
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.is_tls { "https" } else { "http" };
        let path = self.path.trim_end_matches('/');
        write!(f, "{scheme}://{}{path}", self.authority())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_read_as_people_write_it() {
        for (text, whole, host, port) in [
            ("http://node:26657/", "http://node:26657", "node", 26657),
            ("tcp://node:26657", "http://node:26657", "node", 26657),
            ("node:26657", "http://node:26657", "node", 26657),
            ("HTTP://node:1", "http://node:1", "node", 1),
            ("Https://A.example", "https://A.example", "A.example", 443),
            ("[::1]:26657", "http://[::1]:26657", "::1", 26657),
            ("https://a.example", "https://a.example", "a.example", 443),
            (
                "https://a.example:443/",
                "https://a.example",
                "a.example",
                443,
            ),
            ("https://a:8443/rpc/", "https://a:8443/rpc", "a", 8443),
            (
                "https://[2001:db8::1]/x",
                "https://[2001:db8::1]/x",
                "2001:db8::1",
                443,
            ),
        ] {
            let read: Endpoint = text.parse().unwrap();
            assert_eq!(read.to_string(), whole);
            assert_eq!((read.host(), read.port()), (host, port), "{text}");
            assert_eq!(read.to_string().parse(), Ok(read), "{text}");
        }
    }

    #[test]
    fn what_is_no_address_says_why() {
        for (text, why) in [
            ("wss://node:443", "wss:// is not spoken"),
            ("node", "has no port"),
            ("http://node/", "has no port"),
            ("http://node:0", "no port from 1"),
            ("node:99999", "no port from 1"),
            ("https://node:", "no port from 1"),
            ("https://", "names no host"),
            ("https://:443", "names no host"),
            ("https://a b", "names no host"),
            ("https://a..b", "names no host"),
            ("https://-a.example", "names no host"),
            ("https://127.1", "names no host"),
            ("HTTPS://me:word@node", "no name, password"),
            ("WSS://node:443", "WSS:// is not spoken"),
            ("https://bücher.example", "names no host"),
            ("https://[::1", "names no host"),
            ("https://[::g]", "names no host"),
            ("https://::1", "names no host"),
            ("https://me:word@node", "no name, password"),
            ("https://node/?x=1", "no name, password"),
            ("https://node/a\r\nX: y", "no name, password"),
            ("", "has no port"),
        ] {
            let error = text.parse::<Endpoint>().unwrap_err().to_string();
            assert!(error.contains(why), "{text}: {error}");
        }
    }
}

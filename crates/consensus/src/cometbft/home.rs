//! The home of a node is also the home of its CometBFT: `config/` has what both read, `data/` the stores of both.
//!
//! | file | whose |
//! |---|---|
//! | `config/genesis.json`, `config/priv_validator_key.json`, `config/node_key.json` | both read them |
//! | `config/config.toml` | written by us at every start, from our settings |
//! | `data/priv_validator_state.json`, `data/*.db`, `data/cs.wal`, `config/addrbook.json` | CometBFT's |
//! | `data/abci.sock`, `data/rpc.sock`, `data/inspect.sock` | between the two; made anew at every start |
//! | `data/cometbft.log` | what CometBFT says |

use super::error::CometError;
use core::fmt::Write as _;
use std::fs::{self, File};
use std::io::{ErrorKind, Read as _, Seek as _, SeekFrom};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;
use strongroom_store::files::{self, Readers};

/// The longest path of a home, in bytes: the name of a socket below it has 108 bytes in the kernel.
pub const HOME_BYTES_MAX: usize = 85;
/// The log is begun anew when it is longer than this, in bytes.
const LOG_BYTES_MAX: u64 = 16 << 20;
/// Bytes at the end of the log in which a reason is looked for: a panic with the trace of all goroutines.
const LAST_BYTES_MAX: u64 = 1 << 20;

/// The application's socket, below the home.
pub(super) const ABCI: &str = "data/abci.sock";
/// The private socket of CometBFT's RPC.
pub(super) const RPC: &str = "data/rpc.sock";
/// The socket of `cometbft inspect`.
pub(super) const INSPECT: &str = "data/inspect.sock";
const LOG: &str = "data/cometbft.log";
const CONFIG: &str = "config/config.toml";

/// Settings of CometBFT that an operator chooses; everything else is decided here.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The operator's name for the node.
    pub moniker: String,
    /// Public address of the RPC.
    pub rpc: SocketAddr,
    /// Address on which peers are listened for.
    pub p2p: SocketAddr,
    /// How others reach this node, `host:port`; empty: the address that is listened on.
    pub external_address: String,
    /// Nodes to keep connections to, `id@host:port`.
    pub persistent_peers: Vec<String>,
    /// Time between the commit of a block and the next proposal.
    pub block_time: Duration,
    /// The longest transaction, in bytes.
    pub tx_bytes_max: usize,
    /// The most transactions, and bytes of them, that wait.
    pub mempool: (usize, usize),
    /// The most connections to the public RPC, and of these the websockets.
    pub connections: (usize, usize),
    /// Origins that browsers may call the public RPC from, each with at most one `*`.
    pub cors_origins: Vec<String>,
    /// Whether nodes may be at private addresses, several at one.
    pub local: bool,
}

/// Paths of a home.
#[derive(Clone, Debug)]
pub(super) struct CometHome(PathBuf);

impl CometHome {
    pub(super) fn new(path: &Path) -> Result<Self, CometError> {
        let path = std::path::absolute(path).map_err(|error| CometError::File {
            path: path.to_owned(),
            error,
        })?;
        if path.as_os_str().len() > HOME_BYTES_MAX {
            return Err(CometError::HomePath(path));
        }
        Ok(Self(path))
    }

    pub(super) fn path(&self) -> &Path {
        &self.0
    }

    pub(super) fn at(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    /// Removes a socket that a process before left.
    pub(super) fn unlink(&self, socket: &str) -> Result<(), CometError> {
        match fs::remove_file(self.at(socket)) {
            Err(e) if e.kind() != ErrorKind::NotFound => Err(self.file(socket, e)),
            _ => Ok(()),
        }
    }

    /// The log, to append to.
    pub(super) fn log(&self) -> Result<File, CometError> {
        let path = self.at(LOG);
        let mut options = File::options();
        let file = options.create(true).append(true).open(&path);
        let file = file.map_err(|e| self.file(LOG, e))?;
        self.bound_log(&file);
        Ok(file)
    }

    /// Begins the log anew when it has grown long: strangers make CometBFT say things.
    pub(super) fn bound_log(&self, log: &File) {
        if log.metadata().is_ok_and(|log| log.len() > LOG_BYTES_MAX) {
            let _ = log.set_len(0);
        }
    }

    pub(super) fn log_path(&self) -> PathBuf {
        self.at(LOG)
    }

    /// So many lines of the log that say why CometBFT ended: from its last panic or error on, else the last ones.
    pub(super) fn last_words(&self, lines: usize) -> String {
        let tail = || -> std::io::Result<Vec<u8>> {
            let mut log = File::open(self.at(LOG))?;
            let from = log.metadata()?.len().saturating_sub(LAST_BYTES_MAX);
            log.seek(SeekFrom::Start(from))?;
            let mut bytes = Vec::new();
            log.take(LAST_BYTES_MAX).read_to_end(&mut bytes)?;
            Ok(bytes)
        };
        let text = tail().unwrap_or_default();
        let text = String::from_utf8_lossy(&text);
        let all: Vec<&str> = text.lines().collect();
        // Where it panics, the reason comes first and a long trace after it.
        let reason = |line: &&str| line.starts_with("panic:") || line.starts_with("E[");
        let from = all.iter().rposition(reason);
        let from = from.unwrap_or(all.len().saturating_sub(lines));
        all.iter()
            .skip(from)
            .take(lines)
            .copied()
            .collect::<Vec<_>>()
            .join("\n")
    }

    /// Writes CometBFT's settings.
    pub(super) fn write_config(&self, settings: &Settings) -> Result<(), CometError> {
        let text = config(settings);
        files::write(&self.at(CONFIG), text.as_bytes(), Readers::Anyone)
            .map_err(|e| self.file(CONFIG, e))
    }

    pub(super) fn file(&self, name: &str, error: std::io::Error) -> CometError {
        CometError::File {
            path: self.at(name),
            error,
        }
    }
}

/// The file of settings. What is not in it has CometBFT's default.
fn config(s: &Settings) -> String {
    let mut text = String::from(
        "# Written by strongroom at every start: changes are lost. Settings of the node are options of `strongroom`.\n",
    );
    let mut line = |name: &str, value: &str| {
        let _ = writeln!(text, "{name}{value}");
    };
    let quoted = |text: &str| format!(" = {}", toml_string(text));
    let (txs, txs_bytes) = s.mempool;
    let (connections, websockets) = s.connections;
    line("proxy_app", &quoted(&format!("unix://{ABCI}")));
    line("moniker", &quoted(&s.moniker));
    line("log_level", &quoted("info"));
    line("[rpc]", "");
    // Two listeners: each has its own connection slots, so that outsiders cannot take ours.
    line("laddr", &quoted(&format!("tcp://{},unix://{RPC}", s.rpc)));
    let origins: Vec<String> = s.cors_origins.iter().map(|o| toml_string(o)).collect();
    line(
        "cors_allowed_origins",
        &format!(" = [{}]", origins.join(", ")),
    );
    line(
        "max_body_bytes",
        &format!(" = {}", s.tx_bytes_max.saturating_mul(2)),
    );
    line("max_open_connections", &format!(" = {connections}"));
    line("max_subscription_clients", &format!(" = {websockets}"));
    line("[p2p]", "");
    line("laddr", &quoted(&format!("tcp://{}", s.p2p)));
    line("external_address", &quoted(&s.external_address));
    line("persistent_peers", &quoted(&s.persistent_peers.join(",")));
    line("addr_book_strict", &format!(" = {}", !s.local));
    line("allow_duplicate_ip", &format!(" = {}", s.local));
    line("flush_throttle_timeout", &quoted("10ms"));
    line("[mempool]", "");
    line("max_tx_bytes", &format!(" = {}", s.tx_bytes_max));
    line("size", &format!(" = {txs}"));
    line("max_txs_bytes", &format!(" = {txs_bytes}"));
    line("cache_size", &format!(" = {}", txs.saturating_mul(2)));
    line("[consensus]", "");
    line(
        "timeout_commit",
        &quoted(&format!("{}ms", s.block_time.as_millis())),
    );
    line("peer_gossip_sleep_duration", &quoted("10ms"));
    line("[storage]", "");
    // `/block_results` answers from them.
    line("discard_abci_responses", " = false");
    text
}

/// A basic string of TOML.
fn toml_string(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => {
                out.push('\\');
                out.push(c);
            }
            c if c.is_control() => {
                let _ = write!(out, "\\u{:04x}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings() -> Settings {
        Settings {
            moniker: "a \"quoted\\ name\n[rpc]".to_owned(),
            rpc: "127.0.0.1:26657".parse().unwrap(),
            p2p: "127.0.0.1:26656".parse().unwrap(),
            external_address: String::new(),
            persistent_peers: vec!["aa@127.0.0.1:1".to_owned(), "bb@127.0.0.1:2".to_owned()],
            block_time: Duration::from_secs(1),
            tx_bytes_max: 2 << 20,
            mempool: (5_000, 64 << 20),
            connections: (64, 32),
            cors_origins: vec!["*".to_owned()],
            local: true,
        }
    }

    #[test]
    fn what_an_operator_names_cannot_become_another_setting() {
        let text = config(&settings());
        assert!(
            text.contains("moniker = \"a \\\"quoted\\\\ name\\u000a[rpc]\"\n"),
            "{text}"
        );
        assert!(text.contains("persistent_peers = \"aa@127.0.0.1:1,bb@127.0.0.1:2\"\n"));
        assert!(text.contains("laddr = \"tcp://127.0.0.1:26657,unix://data/rpc.sock\"\n"));
        assert_eq!(text.lines().filter(|l| l.starts_with("[rpc]")).count(), 1);
    }

    #[test]
    fn only_origins_that_are_named_may_read_what_cometbft_says() {
        let cors_origins = vec![
            "https://a.example".to_owned(),
            "http://b\"]\n[p2p]".to_owned(),
        ];
        let text = config(&Settings {
            cors_origins,
            ..settings()
        });
        let line =
            "cors_allowed_origins = [\"https://a.example\", \"http://b\\\"]\\u000a[p2p]\"]\n";
        assert!(text.contains(line), "{text}");
    }

    #[test]
    fn a_home_whose_sockets_would_have_no_name_is_refused() {
        let long = Path::new("/").join("x".repeat(HOME_BYTES_MAX));
        let error = CometHome::new(&long).unwrap_err();
        assert_eq!(error.code(), "engine.home_path");
        let home = CometHome::new(&Path::new("/").join("x".repeat(HOME_BYTES_MAX - 1))).unwrap();
        assert!(home.at(INSPECT).as_os_str().len() < 108);
    }

    #[test]
    fn the_last_words_begin_with_the_reason() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("data")).unwrap();
        let home = CometHome::new(folder.path()).unwrap();
        assert_eq!(home.last_words(2), "");
        fs::write(home.log_path(), "I one\nI two\nI three\n").unwrap();
        assert_eq!(home.last_words(2), "I two\nI three");
        fs::write(home.log_path(), "I one\npanic: why\ntrace\nmore\nmore\n").unwrap();
        assert_eq!(home.last_words(2), "panic: why\ntrace");
        // What lies before the end that is read is not looked at.
        let long = format!("panic: old\n{}last\n", "x\n".repeat(1 << 20));
        fs::write(home.log_path(), long).unwrap();
        assert_eq!(home.last_words(1), "last");
    }

    #[test]
    fn a_log_that_grew_long_is_begun_anew() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("data")).unwrap();
        let home = CometHome::new(folder.path()).unwrap();
        home.log().unwrap().set_len(LOG_BYTES_MAX).unwrap();
        assert_eq!(home.log().unwrap().metadata().unwrap().len(), LOG_BYTES_MAX);
        home.log().unwrap().set_len(LOG_BYTES_MAX + 1).unwrap();
        assert_eq!(home.log().unwrap().metadata().unwrap().len(), 0);
    }
}

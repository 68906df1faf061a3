//! The local network as its user meets it: from the command to the first block over REST, and its memory at rest.

use crate::figures::{Samples, ms, table};
use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

const STARTS: usize = 11;
/// How long the network is left alone before its memory is read: ten blocks.
const IDLE: Duration = Duration::from_secs(10);
/// A network that does not answer until then never will.
const START_MAX: Duration = Duration::from_secs(20);
/// Between two questions: short beside what is measured.
const PAUSE: Duration = Duration::from_millis(2);
const READ_MAX: Duration = Duration::from_secs(5);

pub(crate) fn run() {
    let binary = binary();
    let (mut new, mut again) = (Samples::default(), Samples::default());
    let mut memory = Vec::new();
    for start in 0..STARTS {
        let home = tempfile::tempdir().expect("a temporary directory");
        let (network, took) = Network::start(&binary, home.path());
        new.push(took);
        drop(network);
        let (network, took) = Network::start(&binary, home.path());
        again.push(took);
        if start + 1 == STARTS {
            std::thread::sleep(IDLE);
            memory = network.memory();
        }
    }
    let row = |what: &str, samples: &Samples| {
        let (low, high) = samples.quartiles();
        vec![
            what.to_owned(),
            ms(samples.median()),
            format!("{}–{}", ms(low), ms(high)),
        ]
    };
    table(
        &format!("From the command to the newest block over REST ({STARTS} starts)"),
        &["start", "ms (median)", "quartiles"],
        &[
            row("a new network: seed, genesis, first block", &new),
            row("again: seal opened, state opened", &again),
        ],
    );
    let mut rows: Vec<Vec<String>> = memory
        .iter()
        .map(|m| {
            vec![
                m.name.clone(),
                mib(m.resident_kib),
                mib(m.own_kib),
                mib(m.peak_kib),
            ]
        })
        .collect();
    let sum = |of: fn(&Memory) -> u64| mib(memory.iter().map(of).sum());
    rows.push(vec![
        "**both**".to_owned(),
        sum(|m| m.resident_kib),
        sum(|m| m.own_kib),
        sum(|m| m.peak_kib),
    ]);
    table(
        &format!("Memory after {} s without transactions", IDLE.as_secs()),
        &[
            "process",
            "resident, MiB",
            "own share (PSS), MiB",
            "peak, MiB",
        ],
        &rows,
    );
}

/// The release binary beside this one.
pub(crate) fn binary() -> PathBuf {
    let own = std::env::current_exe().expect("the path of this program");
    let binary = own.with_file_name("strongroom");
    assert!(
        binary.exists(),
        "no binary at {}. Run: cargo build --release",
        binary.display()
    );
    binary
}

/// A running network. Dropping it stops it as Ctrl-C does.
struct Network {
    child: Child,
}

struct Memory {
    name: String,
    resident_kib: u64,
    own_kib: u64,
    peak_kib: u64,
}

impl Network {
    /// Starts, and waits for a block over REST.
    fn start(binary: &Path, home: &Path) -> (Self, Duration) {
        let [rest, rpc, faucet] = free_ports();
        let begin = Instant::now();
        let child = Command::new(binary)
            .args(["localnet", "--home"])
            .arg(home)
            .args(["--rest-port", &rest.to_string()])
            .args(["--rpc-port", &rpc.to_string()])
            .args(["--faucet-port", &faucet.to_string()])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("the binary starts");
        let network = Self { child };
        while !has_block(rest) {
            assert!(begin.elapsed() < START_MAX, "the network does not answer");
            std::thread::sleep(PAUSE);
        }
        (network, begin.elapsed())
    }

    /// Of the node and of its enclave process.
    fn memory(&self) -> Vec<Memory> {
        let node = self.child.id();
        let threads = fs::read_dir(format!("/proc/{node}/task"));
        let children =
            threads.into_iter().flatten().flatten().map(|thread| {
                fs::read_to_string(thread.path().join("children")).unwrap_or_default()
            });
        let children = children.collect::<Vec<_>>().join(" ");
        let enclaves = children.split_whitespace().filter_map(|id| id.parse().ok());
        let enclaves = enclaves.map(|id: u32| (String::from("enclave"), id));
        std::iter::once((String::from("node"), node))
            .chain(enclaves)
            .map(|(name, id)| Memory {
                name,
                resident_kib: field(id, "status", "VmRSS:"),
                own_kib: field(id, "smaps_rollup", "Pss:"),
                peak_kib: field(id, "status", "VmHWM:"),
            })
            .collect()
    }
}

impl Drop for Network {
    fn drop(&mut self) {
        if let Some(id) = i32::try_from(self.child.id())
            .ok()
            .and_then(rustix::process::Pid::from_raw)
        {
            let _ = rustix::process::kill_process(id, rustix::process::Signal::INT);
        }
        let _ = self.child.wait();
    }
}

/// Three ports that nobody uses: all are held until the last is known.
fn free_ports() -> [u16; 3] {
    let held = [(); 3].map(|()| TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port"));
    held.map(|listener| listener.local_addr().expect("its address").port())
}

/// Whether REST answers with a block.
pub(crate) fn has_block(port: u16) -> bool {
    let ask = || -> std::io::Result<bool> {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let mut stream = TcpStream::connect_timeout(&address, READ_MAX)?;
        stream.set_read_timeout(Some(READ_MAX))?;
        stream.write_all(
            b"GET /cosmos/base/tendermint/v1beta1/blocks/latest HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
        )?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        Ok(answer.starts_with("HTTP/1.1 200") && answer.contains("\"height\""))
    };
    ask().unwrap_or(false)
}

/// A number of KiB in a file of `/proc`; 0 where there is none.
pub(crate) fn field(process: u32, file: &str, name: &str) -> u64 {
    let text = fs::read_to_string(format!("/proc/{process}/{file}")).unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix(name));
    line.and_then(|rest| rest.split_whitespace().next()?.parse().ok())
        .unwrap_or_default()
}

pub(crate) fn mib(kib: u64) -> String {
    format!("{:.1}", kib as f64 / 1024.0)
}

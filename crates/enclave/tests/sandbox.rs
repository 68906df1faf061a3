//! What the sandboxed process cannot do, tried in a real one: this binary starts itself again and puts the walls up.

#[cfg(not(target_os = "linux"))]
fn main() {
    println!("no sandbox outside Linux");
}

#[cfg(target_os = "linux")]
fn main() {
    let mut arguments = std::env::args().skip(1);
    match arguments.next().as_deref() {
        Some("probe") => linux::probe(),
        _ => linux::every_probe_of_a_sandboxed_process_fails_as_it_should(),
    }
}

#[cfg(target_os = "linux")]
mod linux {
    use std::io::{ErrorKind, Read as _, Write as _};
    use std::net::{TcpListener, TcpStream, UdpSocket};
    use std::os::fd::{AsFd as _, AsRawFd as _, OwnedFd};
    use std::os::unix::net::UnixStream;
    use std::process::{Command, Stdio};

    pub(crate) fn every_probe_of_a_sandboxed_process_fails_as_it_should() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port().to_string();
        let (mut ours, theirs) = UnixStream::pair().unwrap();
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["probe", &port])
            .env_clear()
            .stdin(Stdio::from(OwnedFd::from(theirs)))
            .spawn()
            .unwrap();
        ours.write_all(b"ping").unwrap();
        let mut report = String::new();
        ours.read_to_string(&mut report).unwrap();
        let status = child.wait().unwrap();
        print!("{report}");
        let expected = [
            "door ok",
            "open a file PermissionDenied",
            "create a file PermissionDenied",
            "read a directory PermissionDenied",
            "connect a socket PermissionDenied",
            "bind a socket PermissionDenied",
            "pair of sockets PermissionDenied",
            "execute a program PermissionDenied",
            "thread ok",
            "memory ok",
            "randomness ok",
            "",
        ]
        .join("\n");
        assert_eq!(report, expected);
        assert_eq!(status.code(), Some(7));
        println!("test every_probe_of_a_sandboxed_process_fails_as_it_should ... ok");
    }

    pub(crate) fn probe() {
        let mut socket = UnixStream::from(std::io::stdin().as_fd().try_clone_to_owned().unwrap());
        let port: u16 = std::env::args().nth(2).unwrap().parse().unwrap();
        let warning = strongroom_enclave::sandbox::enter(&[socket.as_raw_fd()], &[2]).unwrap();
        if let Some(warning) = warning {
            eprintln!("{warning}");
        }
        let mut report = String::new();
        let mut say = |what: &str, outcome: Result<(), std::io::Error>| {
            let outcome =
                outcome.map_or_else(|e| format!("{:?}", kind(&e)), |()| String::from("ok"));
            report.push_str(&format!("{what} {outcome}\n"));
        };
        let mut ping = [0; 4];
        say("door", socket.read_exact(&mut ping));
        say(
            "open a file",
            std::fs::File::open("/etc/hostname").map(drop),
        );
        say(
            "create a file",
            std::fs::File::create("sandbox-probe").map(drop),
        );
        say("read a directory", std::fs::read_dir("/").map(drop));
        say(
            "connect a socket",
            TcpStream::connect(("127.0.0.1", port)).map(drop),
        );
        say("bind a socket", UdpSocket::bind("127.0.0.1:0").map(drop));
        say("pair of sockets", UnixStream::pair().map(drop));
        say(
            "execute a program",
            Command::new("/bin/true").spawn().map(drop),
        );
        say(
            "thread",
            std::thread::Builder::new()
                .spawn(|| vec![1u8; 1 << 20].len())
                .map(|t| drop(t.join())),
        );
        say("memory", {
            drop(std::hint::black_box(vec![7u8; 200 << 20]));
            Ok(())
        });
        say(
            "randomness",
            getrandom::fill(&mut ping).map_err(|_| std::io::Error::from(ErrorKind::Other)),
        );
        socket.write_all(report.as_bytes()).unwrap();
        std::process::exit(7);
    }

    fn kind(e: &std::io::Error) -> ErrorKind {
        e.kind()
    }
}

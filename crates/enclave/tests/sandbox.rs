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
        _ => {
            linux::every_probe_of_a_sandboxed_process_fails_as_it_should("never");
            linux::every_probe_of_a_sandboxed_process_fails_as_it_should("sealed");
            println!("test result: ok. 2 passed; 0 failed");
        }
    }
}

#[cfg(target_os = "linux")]
mod linux {
    use std::io::{ErrorKind, Read as _, Write as _};
    use std::net::{TcpListener, TcpStream, UdpSocket};
    use std::os::fd::{AsFd as _, AsRawFd as _, OwnedFd};
    use std::os::unix::net::UnixStream;
    use std::process::{Command, Stdio};
    use strongroom_enclave::sandbox::Code;

    /// `code`: whether memory may be made executable.
    pub(crate) fn every_probe_of_a_sandboxed_process_fails_as_it_should(code: &str) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port().to_string();
        let (mut ours, theirs) = UnixStream::pair().unwrap();
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["probe", &port, code])
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
            match code {
                // Where a contract is compiled, it runs; where it may not be, that is all.
                "sealed" => "compiled contract ok",
                _ => "compiled contract PermissionDenied",
            },
            "",
        ];
        let expected: Vec<&str> = expected
            .into_iter()
            .filter(|line| cfg!(feature = "winch") || !line.starts_with("compiled"))
            .collect();
        assert_eq!(report, expected.join("\n"));
        assert_eq!(status.code(), Some(7));
        println!("test every_probe_of_a_sandboxed_process_fails_as_it_should ({code}) ... ok");
    }

    pub(crate) fn probe() {
        let mut socket = UnixStream::from(std::io::stdin().as_fd().try_clone_to_owned().unwrap());
        let port: u16 = std::env::args().nth(2).unwrap().parse().unwrap();
        let code = match std::env::args().nth(3).as_deref() {
            Some("sealed") => Code::Sealed,
            _ => Code::Never,
        };
        let warning =
            strongroom_enclave::sandbox::enter(&[socket.as_raw_fd()], &[2], code).unwrap();
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
        #[cfg(feature = "winch")]
        say("compiled contract", super::compiled::contract());
        socket.write_all(report.as_bytes()).unwrap();
        std::process::exit(7);
    }

    fn kind(e: &std::io::Error) -> ErrorKind {
        e.kind()
    }
}

/// What the fast tier needs, within the walls.
#[cfg(all(target_os = "linux", feature = "winch"))]
mod compiled {
    use std::io::{Error, ErrorKind};
    use strongroom_vm::engine::GuestExit;
    use strongroom_vm::{Engine as _, Trap, WinchEngine, prepare};

    const CONTRACT: &str = r#"(module (memory 1)
        (func (export "interface_version_8"))
        (func (export "allocate") (param i32) (result i32) local.get 0)
        (func (export "deallocate") (param i32))
        (func (export "instantiate") (param i32 i32 i32) (result i32)
            (drop (memory.grow (i32.const 1)))
            (i32.load (local.get 2))
            (i32.div_u (i32.const 12) (local.get 1)) (i32.add))
        (func (export "execute") (param i32 i32 i32) (result i32)
            (drop (call 4 (i32.const 0) (i32.const 1) (i32.const 0))) unreachable))"#;

    /// Compiles it, runs it, lets it trap by signals.
    pub(crate) fn contract() -> Result<(), Error> {
        let prepared = prepare(&wat::parse_str(CONTRACT).unwrap()).unwrap();
        let refused = |e: strongroom_vm::EngineError| Error::new(ErrorKind::PermissionDenied, e);
        let engine = WinchEngine::with_room(1).map_err(refused)?;
        let loaded = engine.load(&prepared).map_err(refused)?;
        let mut guest = engine.instantiate(&loaded.module).map_err(refused)?;
        let mut call = |export, args: &[u32]| {
            guest.set_gas(10_000_000);
            guest.call(export, args).unwrap()
        };
        let returned = |n| GuestExit::Returned(Some(n));
        assert_eq!(call("allocate", &[7]), returned(7));
        assert_eq!(call("instantiate", &[0, 4, 0]), returned(3));
        let by_zero = GuestExit::Trapped(Trap::DivisionByZero);
        assert_eq!(call("instantiate", &[0, 0, 0]), by_zero);
        let beyond = GuestExit::Trapped(Trap::MemoryOutOfBounds);
        assert_eq!(call("instantiate", &[0, 4, 0xffff_0000]), beyond);
        assert_eq!(
            call("execute", &[0, 0, 0]),
            GuestExit::Trapped(Trap::Unreachable)
        );
        // The next one lies in the same slot. That the system may clear it, and the stacks, the filter's own tests show: where it may not, a memory is mapped anew.
        for at in [0, 5_000, 65_535] {
            guest.touch(at).unwrap();
        }
        drop(guest);
        let mut guest = engine.instantiate(&loaded.module).map_err(refused)?;
        let memory = guest.memory().unwrap();
        assert!(memory.len() == 64 << 10 && memory.iter().all(|byte| *byte == 0));
        Ok(())
    }
}

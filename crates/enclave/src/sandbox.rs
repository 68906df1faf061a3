//! The walls around the enclave process on Linux: what is not needed to compute and to speak through the door is gone
//! before the first byte of the host is read.
//!
//! Order: no core dumps and no debugger, then landlock (no files, no network), then seccomp. Seccomp is required;
//! landlock is taken as far as the kernel has it (seccomp alone already refuses every way to open a file).
//! After it: reads and writes only on the descriptors given, anonymous private memory without execute permission (with a compiler for contracts,
//! memory that is not writable may be executable, [`Code`]), threads of this process, randomness. Everything else answers `EPERM`; `clone3` answers `ENOSYS`, since its flags cannot be
//! looked at, and the C library then uses `clone`.

use landlock::{
    ABI, Access as _, AccessFs, AccessNet, Ruleset, RulesetAttr as _, RulesetStatus, Scope,
};
use rustix::process::{DumpableBehavior, Resource, Rlimit};
use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter,
    SeccompRule, TargetArch,
};
use std::collections::BTreeMap;
use std::os::fd::RawFd;

/// Whether there may be code that this process makes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Code {
    /// None: contracts are interpreted.
    Never,
    /// Memory may be made executable when it is not writable: never both at once.
    Sealed,
}

/// Why there are no walls. The process must not go on.
#[derive(Debug, thiserror::Error)]
#[error("cannot enter the sandbox: {step}: {text}")]
pub struct SandboxError {
    step: &'static str,
    text: String,
}

fn error(step: &'static str) -> impl Fn(&dyn core::fmt::Display) -> SandboxError {
    move |e| SandboxError {
        step,
        text: e.to_string(),
    }
}

/// Puts the walls up around this process, for good. `door` are the descriptors that may be read and written, `talk`
/// those that may only be written (standard error). Gives a warning if the kernel has no landlock.
///
/// # Errors
/// [`SandboxError`] if a required wall does not stand.
pub fn enter(door: &[RawFd], talk: &[RawFd], code: Code) -> Result<Option<String>, SandboxError> {
    no_core_dumps()?;
    let warning = no_files()?;
    let (main, threads) = filters(door, talk, code)?;
    seccompiler::apply_filter_all_threads(&threads).map_err(|e| error("seccomp")(&e))?;
    seccompiler::apply_filter_all_threads(&main).map_err(|e| error("seccomp")(&e))?;
    Ok(warning)
}

/// No core file, no debugger of the same user, no reading of `/proc/self/mem` by it.
fn no_core_dumps() -> Result<(), SandboxError> {
    let none = Rlimit {
        current: Some(0),
        maximum: Some(0),
    };
    rustix::process::setrlimit(Resource::Core, none).map_err(|e| error("core dumps")(&e))?;
    rustix::process::set_dumpable_behavior(DumpableBehavior::NotDumpable)
        .map_err(|e| error("core dumps")(&e))
}

fn no_files() -> Result<Option<String>, SandboxError> {
    let fail = error("landlock");
    let abi = ABI::V6;
    let status = Ruleset::default()
        .handle_access(AccessFs::from_all(abi))
        .and_then(|rules| rules.handle_access(AccessNet::from_all(abi)))
        .and_then(|rules| rules.scope(Scope::from_all(abi)))
        .and_then(landlock::Ruleset::create)
        .and_then(landlock::RulesetCreated::restrict_self)
        .map_err(|e| fail(&e))?;
    Ok(match status.ruleset {
        RulesetStatus::FullyEnforced | RulesetStatus::PartiallyEnforced => None,
        RulesetStatus::NotEnforced => Some(String::from(
            "this kernel has no landlock; seccomp alone keeps files out",
        )),
    })
}

type Rules = BTreeMap<i64, Vec<SeccompRule>>;

/// The allow list, and the list of what is said not to exist.
fn filters(
    door: &[RawFd],
    talk: &[RawFd],
    code: Code,
) -> Result<(BpfProgram, BpfProgram), SandboxError> {
    let mut rules = Rules::new();
    for call in ALWAYS {
        rules.insert(*call, Vec::new());
    }
    for call in [
        libc::SYS_read,
        libc::SYS_recvfrom,
        libc::SYS_sendto,
        libc::SYS_shutdown,
    ] {
        rules.insert(call, descriptors(door)?);
    }
    let written: Vec<RawFd> = door.iter().chain(talk).copied().collect();
    for call in [libc::SYS_write, libc::SYS_writev] {
        rules.insert(call, descriptors(&written)?);
    }
    // Anonymous memory only, never executable, and private: `mremap` of nothing gives shared memory a second address, so one could stay
    // writable while the other becomes executable.
    let private = libc::MAP_ANONYMOUS | libc::MAP_PRIVATE;
    rules.insert(
        libc::SYS_mmap,
        vec![rule(vec![
            bits(2, libc::PROT_EXEC, 0)?,
            bits(3, libc::MAP_ANONYMOUS | libc::MAP_TYPE, private)?,
        ])?],
    );
    let mut protections = vec![rule(vec![bits(2, libc::PROT_EXEC, 0)?])?];
    if code == Code::Sealed {
        // The one call that the compiler needs beside the others: what was written becomes executable, and is not writable any more.
        let both = libc::PROT_EXEC | libc::PROT_WRITE;
        protections.push(rule(vec![bits(2, both, libc::PROT_EXEC)?])?);
    }
    rules.insert(libc::SYS_mprotect, protections);
    rules.insert(
        libc::SYS_clone,
        vec![rule(vec![bits(
            0,
            libc::CLONE_THREAD,
            libc::CLONE_THREAD,
        )?])?],
    );
    rules.insert(
        libc::SYS_prctl,
        vec![rule(vec![equal(0, libc::PR_SET_NAME)?])?],
    );
    let refused = SeccompAction::Errno(errno(libc::EPERM));
    let main = program(rules, refused, SeccompAction::Allow)?;

    let unknown = Rules::from([(libc::SYS_clone3, Vec::new())]);
    let threads = program(
        unknown,
        SeccompAction::Allow,
        SeccompAction::Errno(errno(libc::ENOSYS)),
    )?;
    Ok((main, threads))
}

/// Needed to compute, to hold memory, to run threads, and to end; none of them reaches outside the process.
const ALWAYS: &[i64] = &[
    libc::SYS_brk,
    libc::SYS_clone3, // refused by the other filter with ENOSYS
    libc::SYS_close,
    libc::SYS_exit,
    libc::SYS_exit_group,
    libc::SYS_futex,
    libc::SYS_getpid,
    libc::SYS_getrandom,
    libc::SYS_gettid,
    libc::SYS_madvise,
    libc::SYS_mremap,
    libc::SYS_munmap,
    libc::SYS_restart_syscall,
    libc::SYS_rseq,
    libc::SYS_rt_sigaction,
    libc::SYS_rt_sigprocmask,
    libc::SYS_rt_sigreturn,
    libc::SYS_sched_getaffinity,
    libc::SYS_sched_yield,
    libc::SYS_set_robust_list,
    libc::SYS_sigaltstack,
];

fn errno(value: i32) -> u32 {
    value.unsigned_abs()
}

fn program(
    rules: Rules,
    otherwise: SeccompAction,
    matched: SeccompAction,
) -> Result<BpfProgram, SandboxError> {
    let fail = error("seccomp filter");
    let arch = TargetArch::try_from(std::env::consts::ARCH).map_err(|e| fail(&e))?;
    let filter = SeccompFilter::new(rules, otherwise, matched, arch).map_err(|e| fail(&e))?;
    filter
        .try_into()
        .map_err(|e: seccompiler::BackendError| fail(&e))
}

fn rule(conditions: Vec<SeccompCondition>) -> Result<SeccompRule, SandboxError> {
    SeccompRule::new(conditions).map_err(|e| error("seccomp filter")(&e))
}

fn condition(
    index: u8,
    operator: SeccompCmpOp,
    value: u64,
) -> Result<SeccompCondition, SandboxError> {
    SeccompCondition::new(index, SeccompCmpArgLen::Dword, operator, value)
        .map_err(|e| error("seccomp filter")(&e))
}

fn equal(index: u8, value: i32) -> Result<SeccompCondition, SandboxError> {
    condition(index, SeccompCmpOp::Eq, u64::from(value.unsigned_abs()))
}

fn bits(index: u8, mask: i32, value: i32) -> Result<SeccompCondition, SandboxError> {
    condition(
        index,
        SeccompCmpOp::MaskedEq(u64::from(mask.unsigned_abs())),
        u64::from(value.unsigned_abs()),
    )
}

/// One rule for each descriptor as the first argument.
fn descriptors(allowed: &[RawFd]) -> Result<Vec<SeccompRule>, SandboxError> {
    allowed
        .iter()
        .map(|fd| rule(vec![equal(0, *fd)?]))
        .collect()
}

#[cfg(all(test, target_arch = "x86_64"))]
mod tests {
    use super::*;

    const ALLOW: u32 = 0x7fff_0000;
    const REFUSED: u32 = 0x0005_0000;
    const X86_64: u32 = 0xc000_003e;
    const X32: i64 = 0x4000_0000;
    const FILE: u64 = 3;

    /// What the kernel would say to a call: the program run as it runs it (the operations that the filter is made of, and no other).
    fn judge(program: &BpfProgram, call: i64, args: [u64; 6]) -> u32 {
        let mut data = Vec::new();
        data.extend(u32::try_from(call).unwrap().to_le_bytes());
        data.extend(X86_64.to_le_bytes());
        data.extend(0_u64.to_le_bytes());
        data.extend(args.into_iter().flat_map(u64::to_le_bytes));
        let (mut value, mut at) = (0_u32, 0);
        loop {
            let op = &program[at];
            at += 1;
            let jump = |yes: bool| usize::from(if yes { op.jt } else { op.jf });
            match op.code {
                0x20 => {
                    let word = &data[op.k as usize..op.k as usize + 4];
                    value = u32::from_le_bytes(word.try_into().unwrap());
                }
                0x54 => value &= op.k,
                0x05 => at += op.k as usize,
                0x15 => at += jump(value == op.k),
                0x25 => at += jump(value > op.k),
                0x35 => at += jump(value >= op.k),
                0x06 => return op.k & 0xffff_0000,
                other => panic!("an operation that this test does not know: {other:#x}"),
            }
        }
    }

    fn allowed(code: Code, call: i64, args: [u64; 6]) -> bool {
        let (main, _) = filters(&[FILE as RawFd], &[2], code).unwrap();
        match judge(&main, call, args) {
            ALLOW => true,
            REFUSED => false,
            other => panic!("{other:#x}"),
        }
    }

    fn mapped(code: Code, protection: i32, flags: i32, file: u64) -> bool {
        let (protection, flags) = (protection as u64, flags as u64);
        allowed(code, libc::SYS_mmap, [0, 4096, protection, flags, file, 0])
    }

    const CODES: [Code; 2] = [Code::Never, Code::Sealed];

    #[test]
    fn what_is_mapped_is_anonymous_private_and_not_executable() {
        let private = libc::MAP_ANONYMOUS | libc::MAP_PRIVATE;
        for code in CODES {
            for protection in 0..8 {
                for more in [0, libc::MAP_FIXED, libc::MAP_NORESERVE, libc::MAP_STACK] {
                    let executable = protection & libc::PROT_EXEC != 0;
                    assert_eq!(
                        mapped(code, protection, private | more, u64::MAX),
                        !executable
                    );
                    assert!(!mapped(code, protection, libc::MAP_PRIVATE | more, FILE));
                    for shared in [libc::MAP_SHARED, libc::MAP_SHARED_VALIDATE] {
                        assert!(!mapped(code, protection, shared | more, FILE));
                        let anonymous = shared | more | libc::MAP_ANONYMOUS;
                        assert!(!mapped(code, protection, anonymous, u64::MAX));
                    }
                }
            }
        }
    }

    #[test]
    fn memory_becomes_executable_only_for_a_compiler_and_only_when_it_is_not_writable() {
        for code in CODES {
            // The kernel refuses bits that it does not know; whatever they are, they do not help.
            for above in [0, 8, 0x0100_0000, 0x0200_0000, 1 << 32] {
                for protection in 0..8 {
                    let executable = protection & libc::PROT_EXEC != 0;
                    let writable = protection & libc::PROT_WRITE != 0;
                    let wanted = !executable || (code == Code::Sealed && !writable);
                    let protection = protection as u64 | above;
                    let args = [4096, 4096, protection, 0, 0, 0];
                    assert_eq!(allowed(code, libc::SYS_mprotect, args), wanted);
                    assert!(!allowed(code, libc::SYS_pkey_mprotect, args));
                }
            }
        }
    }

    #[test]
    fn memory_may_be_given_back_so_that_what_a_contract_left_on_a_stack_is_gone() {
        // wasmtime would map a memory anew where it may not, and leave stacks as they are.
        for code in CODES {
            let args = [4096, 4096, libc::MADV_DONTNEED as u64, 0, 0, 0];
            assert!(allowed(code, libc::SYS_madvise, args));
        }
    }

    #[test]
    fn nothing_else_reaches_files_code_or_other_processes() {
        let never = [
            libc::SYS_open,
            libc::SYS_openat,
            libc::SYS_openat2,
            libc::SYS_memfd_create,
            libc::SYS_memfd_secret,
            libc::SYS_shmat,
            libc::SYS_remap_file_pages,
            libc::SYS_execve,
            libc::SYS_execveat,
            libc::SYS_fork,
            libc::SYS_vfork,
            libc::SYS_ptrace,
            libc::SYS_process_vm_writev,
            libc::SYS_process_vm_readv,
            libc::SYS_personality,
            libc::SYS_pkey_alloc,
            libc::SYS_userfaultfd,
            libc::SYS_io_uring_setup,
            libc::SYS_socket,
            libc::SYS_kill,
            libc::SYS_tgkill,
            libc::SYS_rt_sigqueueinfo,
            libc::SYS_arch_prctl,
            libc::SYS_modify_ldt,
        ];
        for code in CODES {
            for call in never {
                assert!(!allowed(code, call, [0; 6]), "{call}");
            }
            // The other numbers of the same calls.
            for call in [libc::SYS_mmap, libc::SYS_mprotect, libc::SYS_read] {
                assert!(!allowed(code, call | X32, [0; 6]));
            }
            for (file, wanted) in [(FILE, true), (2, false), (4, false)] {
                assert_eq!(allowed(code, libc::SYS_read, [file, 0, 0, 0, 0, 0]), wanted);
            }
            // Threads, never processes.
            let thread = libc::CLONE_THREAD as u64;
            assert!(allowed(code, libc::SYS_clone, [thread, 0, 0, 0, 0, 0]));
            assert!(!allowed(code, libc::SYS_clone, [17, 0, 0, 0, 0, 0]));
        }
    }
}

//! The system calls that stay, and the seccomp filter that keeps to them. Linux only.
//!
//! A list of what is allowed, not of what is forbidden: the next kernel's new call is on no list of dangers. Everything else is
//! answered with ENOSYS, as by a kernel that does not have it: the C libraries, glibc and musl, have a fallback for every call
//! that younger kernels brought, so the list need not follow them, and nothing is killed because a library moved on.
//!
//! What that leaves out: starting programs, other processes and their limits, new sockets, mounts, namespaces, modules, bpf, perf,
//! keys, `io_uring`, changes of user, memory that can be executed, and whatever sends on the socket of a capture, or gives that
//! socket another number.

use std::collections::BTreeMap;

use nix::libc;
use seccompiler::{
    BackendError, BpfProgram, SeccompAction, SeccompCmpArgLen as Length, SeccompCmpOp as Compare, SeccompCondition,
    SeccompFilter, SeccompRule,
};

use super::Layer;

/// `capture` is the descriptor of a capture from an interface.
pub(super) fn restrict(capture: Option<i32>) -> Layer {
    let program = match program(capture) {
        Ok(program) => program,
        Err(error) => return Layer::Missing(error.to_string()),
    };
    match seccompiler::apply_filter(&program) {
        Ok(()) => Layer::Active(format!("active ({} system calls)", ALWAYS.len() + OF_ARCHITECTURE.len() + 6)),
        Err(error) => Layer::Missing(error.to_string()),
    }
}

fn program(capture: Option<i32>) -> Result<BpfProgram, BackendError> {
    let mut rules: BTreeMap<i64, Vec<SeccompRule>> = BTreeMap::new();
    for &call in ALWAYS.iter().chain(OF_ARCHITECTURE) {
        // Without rules it is allowed whatever its arguments are.
        rules.insert(call, Vec::new());
    }
    let lacks_exec = || SeccompCondition::new(2, Length::Dword, Compare::MaskedEq(PROT_EXEC), 0);
    for call in [libc::SYS_mmap, libc::SYS_mprotect] {
        rules.insert(call, vec![SeccompRule::new(vec![lacks_exec()?])?]);
    }
    // Threads, not processes. clone3 keeps its flags in memory where no filter can see them: without it the C libraries take
    // this one.
    let is_thread = SeccompCondition::new(0, Length::Qword, Compare::MaskedEq(CLONE_THREAD), CLONE_THREAD)?;
    rules.insert(libc::SYS_clone, vec![SeccompRule::new(vec![is_thread])?]);
    // Whatever a terminal can do, but typing into the shell that started us.
    let is_not = |request: u64| SeccompCondition::new(1, Length::Dword, Compare::Ne, request);
    rules.insert(libc::SYS_ioctl, vec![SeccompRule::new(vec![is_not(TIOCSTI)?, is_not(TIOCLINUX)?])?]);
    // Limits of this process alone, and signals to it.
    let is = |argument, value: u64| SeccompCondition::new(argument, Length::Dword, Compare::Eq, value);
    rules.insert(libc::SYS_prlimit64, vec![SeccompRule::new(vec![is(0, 0)?])?]);
    rules.insert(libc::SYS_tgkill, vec![SeccompRule::new(vec![is(0, std::process::id().into())?])?]);
    if let Some(capture) = capture.and_then(|capture| u64::try_from(capture).ok()) {
        for &(call, argument) in SENDING {
            let is_other = SeccompCondition::new(argument, Length::Dword, Compare::Ne, capture)?;
            rules.insert(call, vec![SeccompRule::new(vec![is_other])?]);
        }
    }
    let unknown = SeccompAction::Errno(ENOSYS);
    SeccompFilter::new(rules, unknown, SeccompAction::Allow, std::env::consts::ARCH.try_into()?)?.try_into()
}

/// The bits of asm-generic, which every supported architecture has.
const PROT_EXEC: u64 = 4;
const CLONE_THREAD: u64 = 0x0001_0000;
const TIOCSTI: u64 = 0x5412;
const TIOCLINUX: u64 = 0x541c;
const ENOSYS: u32 = 38;

/// Calls that send on a socket, or give it another number, and which of their arguments is its number.
const SENDING: &[(i64, u8)] = &[
    (libc::SYS_write, 0),
    (libc::SYS_writev, 0),
    (libc::SYS_sendto, 0),
    (libc::SYS_sendfile, 0),
    (libc::SYS_splice, 2),
    (libc::SYS_copy_file_range, 2),
    (libc::SYS_pwrite64, 0),
    (libc::SYS_dup, 0),
    (libc::SYS_dup3, 0),
    (libc::SYS_fcntl, 0),
    #[cfg(target_arch = "x86_64")]
    (libc::SYS_dup2, 0),
];

/// Calls that are allowed with any arguments, on every architecture.
const ALWAYS: &[i64] = &[
    // Memory.
    libc::SYS_brk,
    libc::SYS_madvise,
    libc::SYS_membarrier,
    libc::SYS_mremap,
    libc::SYS_munmap,
    // Files: which of them, Landlock decides.
    libc::SYS_close,
    libc::SYS_copy_file_range,
    libc::SYS_dup,
    libc::SYS_dup3,
    libc::SYS_faccessat,
    libc::SYS_faccessat2,
    libc::SYS_fadvise64,
    libc::SYS_fallocate,
    libc::SYS_fcntl,
    libc::SYS_fdatasync,
    libc::SYS_flock,
    libc::SYS_fstat,
    libc::SYS_fstatfs,
    libc::SYS_fsync,
    libc::SYS_ftruncate,
    libc::SYS_getcwd,
    libc::SYS_getdents64,
    libc::SYS_lseek,
    libc::SYS_mkdirat,
    libc::SYS_newfstatat,
    libc::SYS_openat,
    libc::SYS_pipe2,
    libc::SYS_pread64,
    libc::SYS_pwrite64,
    libc::SYS_read,
    libc::SYS_readlinkat,
    libc::SYS_readv,
    libc::SYS_renameat2,
    libc::SYS_sendfile,
    libc::SYS_splice,
    libc::SYS_statfs,
    libc::SYS_statx,
    libc::SYS_unlinkat,
    libc::SYS_write,
    libc::SYS_writev,
    // Sockets that are open already: a capture, or the pair through which a signal wakes the terminal's thread.
    libc::SYS_getsockopt,
    libc::SYS_recvfrom,
    libc::SYS_recvmsg,
    libc::SYS_sendto,
    libc::SYS_setsockopt,
    libc::SYS_shutdown,
    libc::SYS_socketpair,
    // Waiting.
    libc::SYS_epoll_create1,
    libc::SYS_epoll_ctl,
    libc::SYS_epoll_pwait,
    libc::SYS_eventfd2,
    libc::SYS_ppoll,
    libc::SYS_pselect6,
    // Threads.
    libc::SYS_exit,
    libc::SYS_exit_group,
    libc::SYS_futex,
    libc::SYS_get_robust_list,
    libc::SYS_getcpu,
    libc::SYS_gettid,
    libc::SYS_prctl,
    libc::SYS_rseq,
    libc::SYS_sched_getaffinity,
    libc::SYS_sched_yield,
    libc::SYS_set_robust_list,
    libc::SYS_set_tid_address,
    // Signals, to this process alone.
    libc::SYS_restart_syscall,
    libc::SYS_rt_sigaction,
    libc::SYS_rt_sigprocmask,
    libc::SYS_rt_sigreturn,
    libc::SYS_rt_sigtimedwait,
    libc::SYS_sigaltstack,
    // Time, chance, and who we are.
    libc::SYS_clock_getres,
    libc::SYS_clock_gettime,
    libc::SYS_clock_nanosleep,
    libc::SYS_getegid,
    libc::SYS_geteuid,
    libc::SYS_getgid,
    libc::SYS_getpid,
    libc::SYS_getrandom,
    libc::SYS_gettimeofday,
    libc::SYS_getuid,
    libc::SYS_nanosleep,
    libc::SYS_sysinfo,
    libc::SYS_uname,
];

/// Older calls for the same things, which younger architectures do not have; musl still uses them.
#[cfg(target_arch = "x86_64")]
const OF_ARCHITECTURE: &[i64] = &[
    libc::SYS_access,
    libc::SYS_arch_prctl,
    libc::SYS_dup2,
    libc::SYS_epoll_wait,
    libc::SYS_getrlimit,
    libc::SYS_lstat,
    libc::SYS_mkdir,
    libc::SYS_open,
    libc::SYS_pause,
    libc::SYS_pipe,
    libc::SYS_poll,
    libc::SYS_readlink,
    libc::SYS_rename,
    libc::SYS_renameat,
    libc::SYS_select,
    libc::SYS_stat,
    libc::SYS_time,
    libc::SYS_unlink,
];
#[cfg(target_arch = "aarch64")]
const OF_ARCHITECTURE: &[i64] = &[libc::SYS_renameat];
#[cfg(target_arch = "riscv64")]
const OF_ARCHITECTURE: &[i64] = &[];

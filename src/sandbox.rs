//! What the program gives up before it reads bytes from hostile networks.
//!
//! In: the files that are still to be opened, and the folders to be written to. Out: a process that can do little else, as far
//! as the kernel allows it, and an account of what holds. It refuses to know commands and captures.
//!
//! Three layers, each of use without the others. *No new privileges*: no program that is started gains any. *Landlock*: the
//! kernel opens only the named paths, and connects to nothing (ABI 4) and signals nobody outside (ABI 6). *seccomp*: only the
//! system calls of `calls` are answered.
//! Restrictions are the calling thread's and those of all threads that it starts later: so [`enter`] comes before any thread.

#[cfg(all(target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64", target_arch = "riscv64")))]
mod calls;
#[cfg(target_os = "linux")]
mod linux;

use std::fmt;
use std::path::{Path, PathBuf};

/// What is still to be done with files.
#[derive(Debug, Clone, Default)]
pub struct Needs {
    /// Files to be opened for reading; of folders, whatever is in them. What does not exist is passed over.
    pub read: Vec<PathBuf>,
    /// Folders in which files and folders are made, and files written, renamed and removed. Reading them is not part of it.
    pub write: Vec<PathBuf>,
    /// The terminal is opened anew, and times are told in the zone of this machine.
    pub terminal: bool,
    /// Counters of network interfaces are read (`/sys/class/net`), as libpcap does.
    pub interfaces: bool,
    /// The descriptor of a capture from an interface: nothing may be sent on it.
    pub capture: Option<i32>,
}

/// What came of a layer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Layer {
    /// It holds, in words.
    Active(String),
    /// It does not, and why.
    Missing(String),
}

/// What holds from now on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Restrictions {
    /// Files, connections and signals: Landlock.
    pub files: Layer,
    /// System calls: seccomp. No new privileges come with it.
    pub calls: Layer,
}

impl Restrictions {
    /// What does not hold, for a note to the user; `None` where everything does.
    pub fn gaps(&self) -> Option<String> {
        let gaps = [("Landlock", &self.files), ("seccomp", &self.calls)].into_iter().filter_map(|(name, layer)| {
            let Layer::Missing(why) = layer else { return None };
            Some(format!("no {name} ({why})"))
        });
        let gaps = gaps.collect::<Vec<_>>().join(", ");
        (!gaps.is_empty()).then_some(gaps)
    }
}

impl fmt::Display for Layer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Active(what) => f.write_str(what),
            Self::Missing(why) => write!(f, "not active: {why}"),
        }
    }
}

/// Gives up everything but `needs`, for good. Where the kernel does not know a layer, the others hold.
pub fn enter(needs: &Needs) -> Restrictions {
    #[cfg(target_os = "linux")]
    return linux::enter(needs);
    #[cfg(not(target_os = "linux"))]
    {
        let _ = needs;
        let missing = || Layer::Missing(format!("{} has none", std::env::consts::OS));
        Restrictions { files: missing(), calls: missing() }
    }
}

/// Sees to it that a crash leaves nothing of this process's memory anywhere: captures hold passwords. Neither a file nor a program
/// that collects what crashed gets it, and no other process of this user may look into it. For the whole process, and for good.
///
/// # Errors
/// When the system refuses.
pub fn leave_no_core() -> std::io::Result<()> {
    nix::sys::resource::setrlimit(nix::sys::resource::Resource::RLIMIT_CORE, 0, 0)?;
    // Where the kernel hands cores to a program, it does not ask for the limit.
    #[cfg(target_os = "linux")]
    nix::sys::prctl::set_dumpable(false)?;
    Ok(())
}

/// What [`enter`] can do on this machine, in one line for `--version`.
pub fn describe() -> String {
    // On a thread of its own: what it gives up ends with it.
    let tried = std::thread::spawn(|| enter(&Needs::default())).join();
    match tried {
        Ok(Restrictions { files, calls }) => format!("Landlock {files}; seccomp {calls}"),
        Err(_) => "unknown".to_owned(),
    }
}

/// The folder in which `path` stands: a file that is replaced is another one to the kernel, and only its folder stays.
pub fn folder_of(path: &Path) -> PathBuf {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent.to_owned(),
        _ => PathBuf::from("."),
    }
}

//! Giving up what opening an interface or a file needs, before a byte from the network is looked at.
//!
//! Started through sudo, the program becomes the user who called it, before it makes any file: root's right to write anywhere is
//! not lent. Started as root otherwise it stays root, which can open its own files and nothing else: all capabilities go, also
//! from the set that executing something would bring back. Started with capabilities of its file it loses those. Privileges
//! belong to threads: this has to happen while there is only one.

use std::ffi::CString;

use anyhow::{Context, bail};
use nix::unistd::{Gid, Uid, User, geteuid, setgid, setuid};

/// Whoever called sudo.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Caller {
    user: u32,
    group: u32,
}

impl Caller {
    /// What sudo says of its caller, where this runs as root; `None` where root called it.
    fn find() -> Option<Self> {
        let number = |name: &str| std::env::var(name).ok()?.parse::<u32>().ok();
        let (user, group) = (number("SUDO_UID")?, number("SUDO_GID")?);
        (geteuid().is_root() && user != 0).then_some(Self { user, group })
    }
}

/// Whether there is any privilege to lose.
pub(super) fn any() -> bool {
    geteuid().is_root() || had_any()
}

/// Becomes the user who called sudo, where somebody did. Files that are made from now on are theirs, and made with their rights.
/// Returns who that is, in words.
///
/// # Errors
/// When it fails: then nothing may be written.
pub(super) fn become_caller() -> anyhow::Result<Option<String>> {
    let Some(caller) = Caller::find() else { return Ok(None) };
    // While there are capabilities to do it with.
    bounding()?;
    become_user(caller).context("cannot become the user who called sudo").map(Some)
}

/// Gives up every privilege. Says in words what was done. `became` is what [`become_caller`] said.
///
/// # Errors
/// When any of it fails: then nothing from the network may be looked at.
pub(super) fn give_up(became: Option<String>) -> anyhow::Result<String> {
    let had = had_any();
    bounding()?;
    let who = match became {
        Some(who) => who,
        None if geteuid().is_root() => "root without capabilities".to_owned(),
        None if had => "no capabilities any more".to_owned(),
        None => "none were needed".to_owned(),
    };
    capabilities()?;
    Ok(format!("privileges: {who}"))
}

fn become_user(caller: Caller) -> anyhow::Result<String> {
    let (user, group) = (Uid::from_raw(caller.user), Gid::from_raw(caller.group));
    let known = User::from_uid(user).ok().flatten().map(|user| user.name);
    groups(known.as_deref(), group)?;
    setgid(group).context("setgid")?;
    setuid(user).context("setuid")?;
    if setuid(Uid::from_raw(0)).is_ok() {
        bail!("root could be had back");
    }
    Ok(format!("dropped, running as {}", known.unwrap_or_else(|| format!("user {user}"))))
}

#[cfg(not(target_vendor = "apple"))]
fn groups(user: Option<&str>, group: Gid) -> anyhow::Result<()> {
    match user.map(CString::new) {
        Some(Ok(user)) => nix::unistd::initgroups(&user, group).context("initgroups"),
        _ => nix::unistd::setgroups(&[group]).context("setgroups"),
    }
}

#[cfg(target_vendor = "apple")]
fn groups(_user: Option<&str>, _group: Gid) -> anyhow::Result<()> {
    let _: Option<CString> = None;
    Ok(())
}

#[cfg(target_os = "linux")]
fn had_any() -> bool {
    caps::read(None, caps::CapSet::Permitted).is_ok_and(|capabilities| !capabilities.is_empty())
}

/// What executing something may bring back; only possible while there are capabilities.
#[cfg(target_os = "linux")]
fn bounding() -> anyhow::Result<()> {
    let may = caps::has_cap(None, caps::CapSet::Effective, caps::Capability::CAP_SETPCAP).unwrap_or(false);
    if may {
        caps::clear(None, caps::CapSet::Bounding).context("cannot clear the bounding set of capabilities")?;
    }
    Ok(())
}

#[cfg(target_os = "linux")]
fn capabilities() -> anyhow::Result<()> {
    use caps::CapSet;
    // Old kernels have no ambient set.
    let _ = caps::clear(None, CapSet::Ambient);
    for set in [CapSet::Effective, CapSet::Inheritable, CapSet::Permitted] {
        caps::clear(None, set).with_context(|| format!("cannot clear the {set:?} capabilities"))?;
    }
    if had_any() {
        bail!("capabilities are left");
    }
    Ok(())
}

#[cfg(not(target_os = "linux"))]
const fn had_any() -> bool {
    false
}

#[cfg(not(target_os = "linux"))]
fn bounding() -> anyhow::Result<()> {
    Ok(())
}

#[cfg(not(target_os = "linux"))]
fn capabilities() -> anyhow::Result<()> {
    Ok(())
}

/// What a system needs to allow capturing, for whoever is refused.
#[cfg(feature = "live")]
pub(super) fn how_to_get() -> String {
    let program = std::env::current_exe().map_or_else(|_| "itlscope".to_owned(), |path| path.display().to_string());
    if cfg!(target_os = "linux") {
        format!(
            "Capturing needs CAP_NET_RAW. One of these grants it:\n  \
             sudo setcap cap_net_raw,cap_net_admin=eip {program}\n      \
             once; then every user who may run it can capture. For one group only, before that:\n      \
             sudo chgrp GROUP {program} && sudo chmod 750 {program}\n  \
             sudo {program} watch …\n      \
             once; privileges are dropped as soon as the interface is open\n  \
             dumpcap -i IFACE -w - | itlscope watch -\n      \
             where your user is in the group 'wireshark'\n\
             Captures in files need no permission at all"
        )
    } else {
        format!("Run it with sudo, or join the group that may read /dev/bpf*: sudo {program} watch …")
    }
}

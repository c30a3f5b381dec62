//! Landlock and seccomp. Linux only.

use std::path::Path;

use landlock::{
    ABI, Access, AccessFs, AccessNet, BitFlags, LandlockStatus, PathBeneath, PathFd, Ruleset, RulesetAttr,
    RulesetCreated, RulesetCreatedAttr, RulesetError, RulesetStatus, Scope,
};

#[cfg(any(target_arch = "x86_64", target_arch = "aarch64", target_arch = "riscv64"))]
use super::calls;
use super::{Layer, Needs, Restrictions};

/// The newest rules that are asked for; a kernel that knows fewer applies what it knows.
const ABI_WANTED: ABI = ABI::V6;

pub(super) fn enter(needs: &Needs) -> Restrictions {
    let files = match files(needs) {
        Ok(layer) => layer,
        Err(error) => Layer::Missing(error.to_string()),
    };
    // Last: it takes away the calls that Landlock is made with.
    #[cfg(any(target_arch = "x86_64", target_arch = "aarch64", target_arch = "riscv64"))]
    let calls = calls::restrict(needs.capture);
    #[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64", target_arch = "riscv64")))]
    let calls = Layer::Missing(format!("not for {}", std::env::consts::ARCH));
    Restrictions { files, calls }
}

fn files(needs: &Needs) -> Result<Layer, RulesetError> {
    let mut rules = Ruleset::default()
        .handle_access(AccessFs::from_all(ABI_WANTED))?
        .handle_access(AccessNet::from_all(ABI_WANTED))?
        .scope(Scope::from_all(ABI_WANTED))?
        .create()?;
    let read = AccessFs::ReadFile | AccessFs::ReadDir;
    for path in &needs.read {
        allow(&mut rules, path, read);
    }
    for path in &needs.write {
        let make = AccessFs::MakeReg | AccessFs::MakeDir;
        let write = make | AccessFs::WriteFile | AccessFs::RemoveFile | AccessFs::Truncate;
        allow(&mut rules, path, write);
    }
    if needs.terminal {
        allow(&mut rules, Path::new("/dev/tty"), read | AccessFs::WriteFile | AccessFs::IoctlDev);
        for zone in ["/etc/localtime", "/etc/timezone", "/usr/share/zoneinfo"] {
            allow(&mut rules, Path::new(zone), read);
        }
    }
    if needs.interfaces {
        for counters in ["/sys/class/net", "/sys/devices", "/proc/net"] {
            allow(&mut rules, Path::new(counters), read);
        }
    }
    let status = rules.restrict_self()?;
    let abi = match status.landlock {
        LandlockStatus::Available { effective_abi, .. } => effective_abi as i32,
        LandlockStatus::NotEnabled => return Ok(Layer::Missing("this kernel has it switched off".to_owned())),
        LandlockStatus::NotImplemented => return Ok(Layer::Missing("this kernel does not know it".to_owned())),
    };
    Ok(match status.ruleset {
        RulesetStatus::NotEnforced => Layer::Missing("the kernel did not apply it".to_owned()),
        RulesetStatus::FullyEnforced => Layer::Active(format!("active (ABI {abi})")),
        RulesetStatus::PartiallyEnforced => Layer::Active(format!("active in part (ABI {abi})")),
    })
}

/// Allows `access` to a path. What cannot be opened now cannot be opened later either: the message of that will be the one
/// that counts.
fn allow(rules: &mut RulesetCreated, path: &Path, access: BitFlags<AccessFs>) {
    let Ok(fd) = PathFd::new(path) else { return };
    let is_folder = path.is_dir();
    let access = if is_folder { access } else { access & AccessFs::from_file(ABI_WANTED) };
    let _ = rules.add_rule(PathBeneath::new(fd, access));
}

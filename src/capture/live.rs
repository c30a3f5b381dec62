//! Frames from an interface, through libpcap.
//!
//! In: the name of an interface, and how to capture. Out: frames as they come, and how many were lost. It refuses to wait for
//! whoever takes them, to know why a filter says what it says, and to open anything twice: once it is open, it needs no
//! permission any more.

use std::net::IpAddr;
use std::os::fd::{AsFd, AsRawFd, RawFd};
use std::path::Path;
use std::time::Duration;

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use pcap::{Active, Capture, Device, Linktype, Precision};

use super::{LinkType, Timestamp};

/// How to capture.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LiveOptions {
    /// Bytes that the kernel holds while the program is busy.
    pub buffer: u32,
    /// Bytes of a frame that are captured at most.
    pub snap_length: u32,
}

impl Default for LiveOptions {
    fn default() -> Self {
        Self { buffer: 64 << 20, snap_length: 262_144 }
    }
}

/// Why an interface cannot be captured from.
#[derive(Debug, thiserror::Error)]
pub enum LiveError {
    /// The system does not allow it.
    #[error("{interface}: no permission to capture ({reason})")]
    Permission {
        /// The interface.
        interface: String,
        /// In libpcap's words.
        reason: String,
    },
    /// There is no such interface.
    #[error("{0}: there is no such interface")]
    NoSuchInterface(String),
    /// The filter is wrong.
    #[error("the filter '{filter}' is refused: {reason}")]
    Filter {
        /// As it was given.
        filter: String,
        /// In libpcap's words.
        reason: String,
    },
    /// Anything else.
    #[error("{interface}: {reason}")]
    Other {
        /// The interface.
        interface: String,
        /// In libpcap's words.
        reason: String,
    },
}

/// Frames that were lost before they could be taken.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Lost {
    /// The kernel's buffer was full.
    pub kernel: u64,
    /// The interface or its driver dropped them.
    pub interface: u64,
}

/// An interface that is captured from.
pub struct LiveCapture {
    capture: Capture<Active>,
    link: LinkType,
    interface: String,
}

/// How long frames may lie in a block of the kernel's buffer that is not full: what an engineer takes for "at once", and long
/// enough to hand over many frames at a time.
pub const BLOCK: Duration = Duration::from_millis(100);

impl LiveCapture {
    /// Opens an interface. `filter` says what to keep of frames of a link type, `None` for all; `wanted` is the engineer's own
    /// filter, which has to hold too.
    ///
    /// # Errors
    /// As [`LiveError`] says.
    pub fn open(
        interface: &str,
        options: LiveOptions,
        filter: impl FnOnce(LinkType) -> Option<String>,
        wanted: Option<&str>,
    ) -> Result<Self, LiveError> {
        let failed = |error: pcap::Error| explain(interface, &error);
        // All interfaces together cannot be promiscuous.
        let mut capture = activate(interface, options, interface != "any")
            .or_else(|error| {
                let refused = error.to_string().to_ascii_lowercase().contains("promiscuous");
                if refused { activate(interface, options, false) } else { Err(error) }
            })
            .map_err(failed)?;
        let link = link_type(capture.get_datalink());
        // The engineer's filter comes last: after `vlan` libpcap looks for everything behind a tag.
        if let Some(wanted) = wanted {
            capture.compile(wanted, true).map_err(|error| refused(wanted, &error))?;
        }
        let filters: Vec<String> =
            filter(link).into_iter().chain(wanted.map(str::to_owned)).map(|filter| format!("({filter})")).collect();
        if !filters.is_empty() {
            let filter = filters.join(" and ");
            capture.filter(&filter, true).map_err(|error| refused(wanted.unwrap_or(&filter), &error))?;
        }
        let capture = capture.setnonblock().map_err(failed)?;
        Ok(Self { capture, link, interface: interface.to_owned() })
    }

    /// The link type of all its frames.
    pub const fn link(&self) -> LinkType {
        self.link
    }

    /// Waits until frames are there or something is wrong, at most so long.
    pub fn wait(&self, most: Duration) {
        let timeout = PollTimeout::try_from(most).unwrap_or(PollTimeout::MAX);
        // A signal, or a fault that taking frames will find and name.
        if !matches!(
            poll(&mut [PollFd::new(self.capture.as_fd(), PollFlags::POLLIN)], timeout),
            Ok(_) | Err(Errno::EINTR)
        ) {
            std::thread::sleep(most);
        }
    }

    /// Takes the frames that are there, at most so many: time, bytes, length on the wire. Returns how many there were.
    ///
    /// # Errors
    /// In words: the interface vanished, or reading from it failed. No more frames come then.
    pub fn take(&mut self, most: usize, mut frame: impl FnMut(Timestamp, &[u8], u32)) -> Result<usize, String> {
        let taken = self.capture.dispatch(Some(most), |packet| {
            let header = packet.header;
            let parts = if cfg!(target_os = "linux") { 1 } else { 1000 };
            // The kernel counts nanoseconds here, see `activate`.
            let time = Timestamp::from_seconds_and_nanos(header.ts.tv_sec, header.ts.tv_usec.saturating_mul(parts));
            frame(time, packet.data, header.len);
        });
        taken.map_err(|error| format!("{}: {}", self.interface, words(&error)))
    }

    /// Its descriptor: for a sandbox in which nothing can be sent on it.
    pub fn descriptor(&self) -> RawFd {
        self.capture.as_fd().as_raw_fd()
    }

    /// Its name.
    pub fn interface(&self) -> &str {
        &self.interface
    }

    /// Whether frames can come from the interface, as far as the system tells.
    pub fn link_state(&self) -> Option<LinkState> {
        LinkState::of(&Path::new("/sys/class/net").join(&self.interface))
    }

    /// What was lost so far.
    pub fn lost(&mut self) -> Option<Lost> {
        let stats = self.capture.stats().ok()?;
        Some(Lost { kernel: stats.dropped.into(), interface: stats.if_dropped.into() })
    }
}

/// Whether frames can come from an interface.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LinkState {
    /// They can.
    Up,
    /// It is switched off.
    Down,
    /// Nothing is at the other end.
    NoCarrier,
}

impl LinkState {
    /// In words.
    pub const fn words(self) -> &'static str {
        match self {
            Self::Up => "is up again",
            Self::Down => "is down: no frames come until it is up",
            Self::NoCarrier => "has no link: no frames come until something is at the other end",
        }
    }

    /// As the folder of an interface below `/sys/class/net` tells it.
    fn of(folder: &Path) -> Option<Self> {
        let read = |name| std::fs::read_to_string(folder.join(name)).ok();
        let flags = read("flags")?;
        let flags = u32::from_str_radix(flags.trim().trim_start_matches("0x"), 16).ok()?;
        // IFF_UP, netdevice(7).
        if flags & 1 == 0 {
            return Some(Self::Down);
        }
        let cut =
            read("operstate").is_some_and(|state| matches!(state.trim(), "down" | "lowerlayerdown" | "notpresent"));
        Some(if cut { Self::NoCarrier } else { Self::Up })
    }
}

fn activate(interface: &str, options: LiveOptions, promiscuous: bool) -> Result<Capture<Active>, pcap::Error> {
    let int = |number: u32| i32::try_from(number).unwrap_or(i32::MAX);
    let precision = if cfg!(target_os = "linux") { Precision::Nano } else { Precision::Micro };
    Capture::from_device(interface)?
        .promisc(promiscuous)
        .snaplen(int(options.snap_length))
        .buffer_size(int(options.buffer))
        .timeout(i32::try_from(BLOCK.as_millis()).unwrap_or(i32::MAX))
        .precision(precision)
        .open()
}

/// The number of a link type while it is captured, as the number that files have for it.
const fn link_type(number: Linktype) -> LinkType {
    match number.0 {
        // Raw IP; which of them depends on the system.
        12 | 14 => LinkType(101),
        other => LinkType(other.unsigned_abs()),
    }
}

fn words(error: &pcap::Error) -> String {
    match error {
        pcap::Error::PcapError(text) => text.clone(),
        other => other.to_string(),
    }
}

fn refused(filter: &str, error: &pcap::Error) -> LiveError {
    LiveError::Filter { filter: filter.to_owned(), reason: words(error) }
}

fn explain(interface: &str, error: &pcap::Error) -> LiveError {
    let reason = words(error);
    let lower = reason.to_ascii_lowercase();
    let says = |parts: &[&str]| parts.iter().any(|part| lower.contains(part));
    let interface = interface.to_owned();
    if says(&["permission", "not permitted", "cap_net_raw", "eacces", "eperm"]) {
        LiveError::Permission { interface, reason }
    } else if says(&["no such device", "doesn't exist", "does not exist"]) {
        LiveError::NoSuchInterface(interface)
    } else {
        LiveError::Other { interface, reason }
    }
}

/// An interface of this machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Interface {
    /// Its name, for `-i`.
    pub name: String,
    /// What it is, where the system says.
    pub description: Option<String>,
    /// Its addresses.
    pub addresses: Vec<IpAddr>,
    /// Whether it is switched on.
    pub up: bool,
    /// Whether it is connected.
    pub running: bool,
    /// Whether it leads nowhere but to this machine.
    pub loopback: bool,
}

/// The interfaces that can be captured from, in the order in which libpcap recommends them.
///
/// # Errors
/// In libpcap's words.
pub fn interfaces() -> Result<Vec<Interface>, String> {
    let devices = Device::list().map_err(|error| words(&error))?;
    Ok(devices.into_iter().filter(|device| is_network(&device.name)).map(Interface::from).collect())
}

/// libpcap also lists Bluetooth, D-Bus, netfilter and USB, where no phone boots; only to open a netfilter queue would take packets
/// out of it.
fn is_network(name: &str) -> bool {
    !cfg!(target_os = "linux") || name == "any" || Path::new("/sys/class/net").join(name).exists()
}

/// The link type of an interface, told by opening it; `None` where that is not allowed.
pub fn link_type_of(interface: &str) -> Option<LinkType> {
    let capture = Capture::from_device(interface).ok()?.open().ok()?;
    Some(link_type(capture.get_datalink()))
}

impl From<Device> for Interface {
    fn from(device: Device) -> Self {
        let Device { name, desc, addresses, flags } = device;
        let mut addresses: Vec<_> = addresses.into_iter().map(|address| address.addr).collect();
        addresses.dedup();
        Self {
            name,
            description: desc,
            addresses,
            up: flags.is_up(),
            running: flags.is_running(),
            loopback: flags.is_loopback(),
        }
    }
}

/// The libpcap that is in use, by the name of its file, where the system tells: `libpcap.so.1.10.3`.
pub fn library() -> Option<String> {
    let maps = std::fs::read_to_string("/proc/self/maps").ok()?;
    let path =
        maps.lines().filter_map(|line| line.split_whitespace().nth(5)).find(|path| path.contains("/libpcap."))?;
    Some(path.rsplit('/').next().unwrap_or(path).to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn link_states_are_read_as_the_kernel_tells_them() {
        let folder = tempfile::tempdir().unwrap();
        let mut seen = Vec::new();
        for (flags, state) in
            [("0x1003\n", "up\n"), ("0x1002\n", "down\n"), ("0x1003\n", "down\n"), ("0x9\n", "unknown\n")]
        {
            std::fs::write(folder.path().join("flags"), flags).unwrap();
            std::fs::write(folder.path().join("operstate"), state).unwrap();
            seen.push(LinkState::of(folder.path()).unwrap());
        }
        assert_eq!(seen, [LinkState::Up, LinkState::Down, LinkState::NoCarrier, LinkState::Up]);
        assert_eq!(LinkState::of(&folder.path().join("none")), None);
    }
}

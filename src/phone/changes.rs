//! What changed since somebody looked last, so that ten thousand phones need not be looked at for one that moved.

use std::net::IpAddr;

use foldhash::{HashSet, HashSetExt};

use super::name::DeviceName;

/// Which phone: by its name, else by its address.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PhoneKey {
    /// A device name.
    Device(DeviceName),
    /// An address of no known device, or of several.
    Address(IpAddr),
}

/// What [`super::Roster::take_changes`] gives out.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Changed {
    /// Phones that may look different now, in order; some may be gone.
    pub phones: Vec<PhoneKey>,
    /// Whether phones were forgotten: others than these may be gone as well.
    pub forgotten: bool,
}

/// Notes which names and addresses were touched. It notes nothing until it is asked to.
#[derive(Debug, Default)]
pub(super) struct Changes {
    noted: Option<Noted>,
}

#[derive(Debug)]
struct Noted {
    devices: HashSet<DeviceName>,
    addresses: HashSet<IpAddr>,
    /// The number of forgotten records when changes were taken last.
    forgotten: u64,
}

impl Changes {
    pub(super) fn follow(&mut self) {
        self.noted.get_or_insert_with(|| Noted { devices: HashSet::new(), addresses: HashSet::new(), forgotten: 0 });
    }

    pub(super) fn device(&mut self, name: &DeviceName) {
        if let Some(noted) = &mut self.noted
            && !noted.devices.contains(name)
        {
            noted.devices.insert(name.clone());
        }
    }

    pub(super) fn address(&mut self, address: IpAddr) {
        if let Some(noted) = &mut self.noted {
            noted.addresses.insert(address);
        }
    }

    /// What was noted. `devices_at` gives the devices that were seen at an address: what happens there may concern them. That a
    /// device is at one address may end its time at another, so those of `addresses_of` a device may look different as well.
    pub(super) fn take<'r, D: Iterator<Item = &'r DeviceName>, A: Iterator<Item = IpAddr>>(
        &mut self,
        forgotten: u64,
        devices_at: impl Fn(IpAddr) -> D,
        addresses_of: impl Fn(&DeviceName) -> A,
    ) -> Changed {
        let Some(noted) = &mut self.noted else { return Changed::default() };
        for device in &noted.devices {
            noted.addresses.extend(addresses_of(device));
        }
        for &address in &noted.addresses {
            for device in devices_at(address) {
                if !noted.devices.contains(device) {
                    noted.devices.insert(device.clone());
                }
            }
        }
        let mut phones: Vec<PhoneKey> = noted.devices.drain().map(PhoneKey::Device).collect();
        phones.extend(noted.addresses.drain().map(PhoneKey::Address));
        phones.sort_unstable();
        let changed = Changed { phones, forgotten: noted.forgotten != forgotten };
        noted.forgotten = forgotten;
        changed
    }
}

//! What is plugged in on USB, and which drivers of the kernel have taken it.
//!
//! In: what the kernel tells in /sys, to everybody. Out: devices with their ids and the names of drivers. Never: a device opened.

use std::{fs, path::Path};

/// A USB device.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct UsbDevice {
    /// Vendor and product.
    pub usb: (u16, u16),
    /// The drivers of the kernel that its interfaces have.
    pub drivers: Vec<String>,
    /// The classes of its interfaces.
    pub classes: Vec<u8>,
}

/// The class of smart-card readers (CCID).
const SMART_CARD: u8 = 0x0B;

impl UsbDevice {
    /// True for a smart-card reader.
    #[must_use]
    pub fn is_smart_card_reader(&self) -> bool {
        self.classes.contains(&SMART_CARD)
    }
}

/// The USB devices of this machine.
#[must_use]
pub fn list() -> Vec<UsbDevice> {
    list_in(Path::new("/sys/bus/usb/devices"))
}

fn list_in(folder: &Path) -> Vec<UsbDevice> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let mut names: Vec<String> = entries.filter_map(|entry| entry.file_name().into_string().ok()).collect();
    names.sort_unstable();
    // An interface is called after its device: 1-2:1.0 is one of 1-2.
    names.iter().filter(|name| !name.contains(':')).filter_map(|name| found(folder, name, &names)).collect()
}

fn found(folder: &Path, name: &str, names: &[String]) -> Option<UsbDevice> {
    let text = |entry: &str, file: &str| fs::read_to_string(folder.join(entry).join(file)).ok();
    let id = |file: &str| u16::from_str_radix(text(name, file)?.trim(), 16).ok();
    let mut device = UsbDevice { usb: (id("idVendor")?, id("idProduct")?), ..UsbDevice::default() };
    for interface in names.iter().filter(|other| other.strip_prefix(name).is_some_and(|rest| rest.starts_with(':'))) {
        device.classes.extend(text(interface, "bInterfaceClass").and_then(|class| u8::from_str_radix(class.trim(), 16).ok()));
        let driver = fs::read_link(folder.join(interface).join("driver")).ok();
        device.drivers.extend(driver.and_then(|driver| Some(driver.file_name()?.to_str()?.to_owned())));
    }
    Some(device)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn a_device_is_told_with_the_drivers_that_have_taken_it() {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| {
            let file = folder.path().join(name);
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            fs::write(file, text).unwrap();
        };
        write("1-2/idVendor", "072f\n");
        write("1-2/idProduct", "2200\n");
        write("1-2:1.0/bInterfaceClass", "0b\n");
        symlink("../../../../bus/usb/drivers/pn533_usb", folder.path().join("1-2:1.0/driver")).unwrap();
        write("1-20/idVendor", "0403\n");
        write("1-20/idProduct", "6001\n");
        write("usb1/bDeviceClass", "09\n");
        let listed = list_in(folder.path());
        assert_eq!(listed.len(), 2, "{listed:?}");
        assert_eq!(listed[0], UsbDevice { usb: (0x072f, 0x2200), drivers: vec!["pn533_usb".to_owned()], classes: vec![0x0b] });
        assert!(listed[0].is_smart_card_reader() && !listed[1].is_smart_card_reader());
    }
}

//! The device files of configured readers, looked at and not opened.

use std::path::Path;

use crate::{
    doctor::ports::{Facts, Holder, Port as Seen, Typist},
    drivers::{holder, keyboard, serial},
    host::{
        Site,
        platform::access::{denied, is_device},
    },
    reader::Port,
};

/// Each port; a station that runs in this process may have it open.
pub(super) fn look(site: &Site, user: &str, station: Option<u32>) -> Facts {
    let keyboards = keyboard::list();
    let mut ports = Vec::new();
    for reader in &site.config.readers {
        let (paths, wanted) = match &reader.port {
            Port::Serial { device, .. } => (serial::matching(device), device.to_string()),
            Port::Osdp { bus, .. } => (serial::matching(&bus.device), bus.device.to_string()),
            Port::Keyboard { device } => (keyboard::matching(device, &keyboards), keyboard::describe(device)),
            Port::Pcsc { .. } => continue,
        };
        let port = |path: Option<String>| {
            let file = path.as_deref().map(Path::new).filter(|path| path.exists());
            let others = file.map(|file| holder::holders_of(&file.display().to_string())).unwrap_or_default();
            Seen {
                reader: reader.name.clone(),
                is_there: file.is_some(),
                is_device: file.is_some_and(is_device),
                denied: file.and_then(denied),
                holders: others.into_iter().filter(|holder| Some(holder.process) != station).map(told).collect(),
                wanted: wanted.clone(),
                path,
            }
        };
        match paths.is_empty() {
            true => ports.push(port(None)),
            false => ports.extend(paths.into_iter().map(|path| port(Some(path)))),
        }
    }
    let typist = |found: &keyboard::KeyboardDevice| {
        let known = site.protocols.keyboards_with(found.usb).find(|known| known.switch.is_some())?;
        let usb = format!("{:04x}:{:04x}", found.usb.0, found.usb.1);
        Some(Typist { known: known.name.clone(), usb, switch: known.switch.clone()? })
    };
    Facts { user: user.to_owned(), ports, typists: keyboards.iter().filter_map(typist).collect() }
}

/// A process in the doctor's words.
pub(super) fn told(holder: holder::Holder) -> Holder {
    Holder { process: holder.process, program: holder.program }
}

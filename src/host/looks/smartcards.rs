//! The smart-card service, asked for its readers alone; no card is connected to.

use std::{path::Path, time::Duration};

use tokio::{task::spawn_blocking, time::timeout};

use super::ports::told;
use crate::{
    doctor::smartcards::{CardReader, Facts, Service, Taken},
    drivers::{
        holder,
        pcsc::{self, ReaderPattern, Trouble},
        usb::{self, UsbDevice},
    },
    host::Site,
    reader::Port,
};

/// A service that has not answered after this time counts as silent.
const PCSCD_TIMEOUT: Duration = Duration::from_secs(5);
/// Where its program is.
const PROGRAMS: [&str; 3] = ["/usr/sbin/pcscd", "/usr/bin/pcscd", "/usr/local/sbin/pcscd"];
/// What every program that uses smart cards has loaded.
const LIBRARY: &str = "/libpcsclite.so";

/// The readers that the service lists, and what else is known of them. It is asked only where somebody wants a PC/SC reader.
pub(super) async fn look(site: &Site, user: &str) -> Facts {
    let plugged = usb::list();
    let mut facts = Facts { user: user.to_owned(), is_plugged_in: plugged.iter().any(UsbDevice::is_smart_card_reader), ..Facts::default() };
    facts.is_installed = PROGRAMS.iter().any(|path| Path::new(path).exists());
    facts.taken = taken(site, &plugged);
    let wanted: Vec<ReaderPattern> = site
        .config
        .readers
        .iter()
        .filter_map(|reader| match &reader.port {
            Port::Pcsc { pattern, .. } => {
                Some(ReaderPattern { pattern: pattern.clone(), name: reader.name.as_str().into(), keys_file: None })
            }
            _ => None,
        })
        .collect();
    facts.wanted = wanted.iter().map(|wanted| (wanted.name.to_string(), wanted.pattern.clone())).collect();
    if wanted.is_empty() && !facts.is_plugged_in {
        return facts;
    }
    let listed = match timeout(PCSCD_TIMEOUT, spawn_blocking(pcsc::look)).await {
        Ok(Ok(listed)) => listed,
        _ => Err(Trouble::Other("it does not answer".to_owned())),
    };
    let (service, slots) = match listed {
        Ok(slots) => (Service::Answers, slots),
        Err(Trouble::Silent) => (Service::Silent, Vec::new()),
        Err(Trouble::NotAllowed) => (Service::NotAllowed, Vec::new()),
        Err(Trouble::Other(why)) => (Service::Other(why), Vec::new()),
    };
    let devices: Vec<String> = slots.iter().map(|slot| slot.device.clone()).collect();
    let named = pcsc::name_devices(&wanted, &site.protocols.models, &devices);
    let reader = |slot: pcsc::Slot| {
        let configured = named.iter().find(|(device, _)| *device == slot.device);
        let configured = configured.map(|(_, name)| crate::reader::configured_name(name).to_owned());
        let model = site.protocols.models.iter().find(|model| model.slot(&slot.device).is_some());
        CardReader { configured, is_held: slot.is_held, shows: model.is_some_and(|model| !model.signals.is_empty()), device: slot.device }
    };
    facts.readers = slots.into_iter().map(reader).collect();
    facts.clients = holder::users_of(LIBRARY).into_iter().map(told).filter(|holder| holder.program != "pcscd").collect();
    facts.escapes = pcsc::lets_escapes_through();
    facts.service = Some(service);
    facts
}

/// The readers that a driver of the kernel has taken, as the files of their models say.
fn taken(site: &Site, plugged: &[UsbDevice]) -> Vec<Taken> {
    let mut found = Vec::new();
    for device in plugged {
        for model in site.protocols.models.iter().filter(|model| model.usb.contains(&device.usb)) {
            let driver = device.drivers.iter().find(|driver| model.taken_by.contains(driver));
            found.extend(driver.map(|driver| Taken {
                reader: model.name.clone(),
                usb: format!("{:04x}:{:04x}", device.usb.0, device.usb.1),
                driver: driver.clone(),
            }));
        }
    }
    found
}

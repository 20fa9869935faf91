//! OSDP readers: libosdp's peripheral on the other side of a pty, one or several on a line.
//!
//! A thread of its own speaks for all of them; what it is told comes by a channel, and so does what the control panel has
//! them show.

#![allow(dead_code, reason = "each test file takes what it needs")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, reason = "a test may stop")]

use std::{
    collections::{BTreeMap, VecDeque},
    fs::OpenOptions,
    io::{Read, Write},
    os::unix::fs::OpenOptionsExt,
    sync::{
        Arc, Mutex, Weak,
        mpsc::{Receiver, Sender, TryRecvError, channel},
    },
    thread::{self, JoinHandle},
    time::Duration,
};

use libosdp::{
    Channel, ChannelError, OsdpCardFormats, OsdpCommand, OsdpEvent, OsdpEventCardRead, OsdpEventKeyPress, OsdpFlag, PdCapEntity,
    PdCapability, PdId, PdInfoBuilder, PeripheralDevice,
};
use nix::{
    fcntl::OFlag,
    pty::{PtyMaster, grantpt, posix_openpt, ptsname_r, unlockpt},
    sys::termios::{SetArg, cfmakeraw, tcgetattr, tcsetattr},
};

/// A peripheral.
#[derive(Clone)]
pub struct Peripheral {
    pub address: u8,
    pub key: Option<[u8; 16]>,
    /// Its light's and its sounder's level, 0 for none.
    pub light: u8,
    pub sounder: u8,
    /// It speaks within a secure channel only.
    pub secure_only: bool,
}

impl Peripheral {
    pub fn at(address: u8) -> Self {
        Self { address, key: None, light: 4, sounder: 2, secure_only: false }
    }

    pub fn with_key(address: u8, key: [u8; 16]) -> Self {
        Self { key: Some(key), ..Self::at(address) }
    }

    fn start(&self, channel: HubEnd, shown: Sender<(u8, OsdpCommand)>) -> PeripheralDevice {
        let (light, sounder) = (PdCapEntity::new(self.light, u8::from(self.light > 0)), PdCapEntity::new(self.sounder, 1));
        let id = PdId { version: 2, model: 1, vendor_code: (0xCA, 0x44, 0x6C), serial_number: [1, 2, 3, 4], firmware_version: (15, 7, 1) };
        let mut info = PdInfoBuilder::new()
            .address(i32::from(self.address))
            .unwrap()
            .id(&id)
            .capability(PdCapability::CardDataFormat(PdCapEntity::new(1, 1)))
            .capability(PdCapability::LedControl(light))
            .capability(PdCapability::AudibleOutput(sounder))
            .capability(PdCapability::CheckCharacterSupport(PdCapEntity::new(1, 0)))
            .capability(PdCapability::CommunicationSecurity(PdCapEntity::new(u8::from(self.key.is_some()), 1)));
        if let Some(key) = self.key {
            info = info.secure_channel_key(key);
        }
        if self.secure_only {
            info = info.flag(OsdpFlag::EnforceSecure);
        }
        let mut device = PeripheralDevice::new(info, Box::new(channel)).unwrap();
        let address = self.address;
        device.set_command_callback(move |command: &mut OsdpCommand| {
            drop(shown.send((address, command.clone())));
            0
        });
        device
    }
}

enum Told {
    Event(u8, OsdpEvent),
    NoPower(u8),
    Power(Peripheral),
    Bytes(Vec<u8>),
}

/// What peripherals are wired to.
pub trait Line: Read + Write + Send + 'static {}

impl<T: Read + Write + Send + 'static> Line for T {}

/// Peripherals on one line.
pub struct OsdpLine {
    pub path: String,
    /// What they are told to show, by address.
    pub shown: Receiver<(u8, OsdpCommand)>,
    tell: Option<Sender<Told>>,
    thread: Option<JoinHandle<()>>,
}

impl OsdpLine {
    pub fn plug_in(peripherals: &[Peripheral]) -> Self {
        let (master, path) = pty();
        Self::on(master, path, peripherals)
    }

    /// On a line whose other end is elsewhere. Reading it must not wait.
    pub fn on(master: impl Line, path: String, peripherals: &[Peripheral]) -> Self {
        let (tell, told) = channel();
        let (show, shown) = channel();
        let peripherals = peripherals.to_vec();
        let thread = thread::spawn(move || serve(master, &peripherals, &told, &show));
        Self { path, shown, tell: Some(tell), thread: Some(thread) }
    }

    /// A peripheral at address 0 that libosdp would not be: it answers each command with what the script says, the
    /// reply's ID first. It has no secure channel.
    pub fn scripted(script: impl FnMut(u8) -> Vec<u8> + Send + 'static) -> Self {
        let (master, path) = pty();
        let (tell, told) = channel();
        let (_, shown) = channel();
        let thread = thread::spawn(move || answer(master, script, &told));
        Self { path, shown, tell: Some(tell), thread: Some(thread) }
    }

    /// The configuration of one of them.
    pub fn configuration(&self, name: &str, more: &str) -> String {
        let more = if more.contains("card_left_ms") { more.to_owned() } else { format!("card_left_ms = 0\n{more}") };
        // One report is enough, unless `more` says otherwise.
        let more = if more.contains("proof") { more } else { format!("proof = 1\n{more}") };
        format!("[[reader]]\nname = \"{name}\"\nosdp = \"{}\"\n{more}\n", self.path)
    }

    /// A card is shown, as Wiegand bits.
    pub fn card(&self, address: u8, length: usize, bytes: &[u8]) {
        self.card_of(OsdpCardFormats::Wiegand, address, length, bytes);
    }

    pub fn card_of(&self, format: OsdpCardFormats, address: u8, length: usize, bytes: &[u8]) {
        let card = OsdpEventCardRead { reader_no: 0, format, direction: false, nr_bits: length, data: bytes.to_vec() };
        self.tell(Told::Event(address, OsdpEvent::CardRead(card)));
    }

    /// Keys are pressed.
    pub fn keys(&self, address: u8, codes: &[u8]) {
        self.tell(Told::Event(address, OsdpEvent::KeyPress(OsdpEventKeyPress::new(codes.to_vec()))));
    }

    /// The power of one of them goes.
    pub fn no_power(&self, address: u8) {
        self.tell(Told::NoPower(address));
    }

    /// It comes back, perhaps with another peripheral.
    pub fn power(&self, peripheral: Peripheral) {
        self.tell(Told::Power(peripheral));
    }

    /// Bytes come that no peripheral sent.
    pub fn bytes(&self, bytes: &[u8]) {
        self.tell(Told::Bytes(bytes.to_vec()));
    }

    /// The line is unplugged.
    pub fn unplug(mut self) {
        self.end();
    }

    fn tell(&self, told: Told) {
        self.tell.as_ref().unwrap().send(told).unwrap();
    }

    fn end(&mut self) {
        self.tell.take();
        if let Some(thread) = self.thread.take() {
            thread.join().unwrap();
        }
    }
}

impl Drop for OsdpLine {
    fn drop(&mut self) {
        self.end();
    }
}

/// A raw tty; no child process inherits its end, else the line would stay up with the child.
fn pty() -> (PtyMaster, String) {
    let master = posix_openpt(OFlag::O_RDWR | OFlag::O_NOCTTY | OFlag::O_CLOEXEC | OFlag::O_NONBLOCK).unwrap();
    grantpt(&master).unwrap();
    unlockpt(&master).unwrap();
    let path = ptsname_r(&master).unwrap();
    let port = OpenOptions::new().read(true).write(true).custom_flags(OFlag::O_NOCTTY.bits()).open(&path).unwrap();
    let mut line = tcgetattr(&port).unwrap();
    cfmakeraw(&mut line);
    tcsetattr(&port, SetArg::TCSANOW, &line).unwrap();
    (master, path)
}

/// A peripheral under power, with what it hears.
struct Powered {
    heard: Arc<Mutex<VecDeque<u8>>>,
    device: PeripheralDevice,
}

fn serve(master: impl Line, peripherals: &[Peripheral], told: &Receiver<Told>, shown: &Sender<(u8, OsdpCommand)>) {
    let line: Arc<Mutex<dyn Line>> = Arc::new(Mutex::new(master));
    let power = |peripheral: &Peripheral| {
        let heard = Arc::new(Mutex::new(VecDeque::new()));
        let end = HubEnd { heard: heard.clone(), line: Arc::downgrade(&line) };
        Powered { heard, device: peripheral.start(end, shown.clone()) }
    };
    let mut devices: BTreeMap<u8, Powered> = peripherals.iter().map(|peripheral| (peripheral.address, power(peripheral))).collect();
    let mut events = VecDeque::new();
    loop {
        match told.try_recv() {
            Ok(Told::Event(address, event)) => events.push_back((address, event)),
            Ok(Told::NoPower(address)) => drop(devices.remove(&address)),
            // Whoever gets power again has forgotten everything.
            Ok(Told::Power(peripheral)) => drop(devices.insert(peripheral.address, power(&peripheral))),
            Ok(Told::Bytes(bytes)) => line.lock().unwrap().write_all(&bytes).unwrap(),
            Err(TryRecvError::Empty) => {}
            // libosdp holds its channels for good, and they do not hold the line: the other side sees a hang-up.
            Err(TryRecvError::Disconnected) => break,
        }
        // libosdp takes a few events at a time.
        while let Some((address, event)) = events.pop_front() {
            if devices.get_mut(&address).unwrap().device.notify_event(event.clone()).is_err() {
                events.push_front((address, event));
                break;
            }
        }
        let mut buffer = [0; 512];
        let count = line.lock().unwrap().read(&mut buffer).unwrap_or_default();
        if count == 0 {
            thread::sleep(Duration::from_millis(1));
        }
        for Powered { heard, device } in devices.values_mut() {
            heard.lock().unwrap().extend(&buffer[..count]);
            device.refresh();
        }
    }
}

fn answer(mut master: PtyMaster, mut script: impl FnMut(u8) -> Vec<u8>, told: &Receiver<Told>) {
    let mut heard = Vec::new();
    while !matches!(told.try_recv(), Err(TryRecvError::Disconnected)) {
        let mut buffer = [0; 512];
        let count = master.read(&mut buffer).unwrap_or_default();
        if count == 0 {
            thread::sleep(Duration::from_millis(1));
        }
        heard.extend(&buffer[..count]);
        let Some(start) = heard.iter().position(|byte| *byte == 0x53) else { continue };
        let Some(&[_, address, low, high, control, command]) = heard[start..].first_chunk() else { continue };
        let end = start + usize::from(u16::from_le_bytes([low, high]));
        if heard.len() < end {
            continue;
        }
        heard.drain(..end);
        if address == 0 {
            let reply = script(command);
            let len = u16::try_from(reply.len() + 6).unwrap().to_le_bytes();
            let mut packet = [&[0x53, 0x80, len[0], len[1], control & 3], reply.as_slice()].concat();
            packet.push(packet.iter().fold(0_u8, |sum, byte| sum.wrapping_sub(*byte)));
            master.write_all(&packet).unwrap();
        }
    }
}

/// A peripheral's end of the line: it hears everything that the control panel says.
struct HubEnd {
    heard: Arc<Mutex<VecDeque<u8>>>,
    line: Weak<Mutex<dyn Line>>,
}

impl Channel for HubEnd {
    fn get_id(&self) -> i32 {
        1
    }

    fn read(&mut self, buffer: &mut [u8]) -> Result<usize, ChannelError> {
        let mut heard = self.heard.lock().unwrap();
        let count = buffer.len().min(heard.len());
        for (to, byte) in buffer.iter_mut().zip(heard.drain(..count)) {
            *to = byte;
        }
        if count == 0 { Err(ChannelError::WouldBlock) } else { Ok(count) }
    }

    fn write(&mut self, bytes: &[u8]) -> Result<usize, ChannelError> {
        let line = self.line.upgrade().ok_or(ChannelError::TransportError)?;
        line.lock().unwrap().write_all(bytes).map_or(Err(ChannelError::TransportError), |()| Ok(bytes.len()))
    }

    fn flush(&mut self) -> Result<(), ChannelError> {
        Ok(())
    }

    fn close(&mut self) -> Result<(), ChannelError> {
        Ok(())
    }
}

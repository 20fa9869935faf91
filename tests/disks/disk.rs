//! A disk that keeps what it was told to keep, and of the rest what it likes.
//!
//! In: what happened to its files, and what survives of what nobody told it to keep. Out: the files after a power cut. Never: a name or
//! a byte less than was told.

use std::{collections::BTreeMap, fs, path::Path};

use super::record::Happened;

/// What survives of what the disk was not told to keep.
#[derive(Debug, Clone, Copy)]
pub enum Survives {
    /// Nothing: neither bytes nor names.
    Nothing,
    /// All but the second half of the last write.
    AllButHalfTheLast,
    /// All.
    All,
    /// Every second write, the last of them torn: a disk that turns writes round.
    EverySecond,
}

/// A disk.
#[derive(Debug, Clone, Default)]
pub struct Disk {
    files: Vec<File>,
    names: BTreeMap<String, usize>,
    kept_names: BTreeMap<String, usize>,
}

#[derive(Debug, Clone, Default)]
struct File {
    kept: Vec<u8>,
    pending: Vec<Change>,
    length: usize,
}

#[derive(Debug, Clone)]
enum Change {
    Write(usize, Vec<u8>),
    Cut(usize),
}

impl Disk {
    /// A disk with the files of a folder, all of them kept.
    pub fn of(folder: &Path) -> Self {
        let mut disk = Self::default();
        for file in fs::read_dir(folder).unwrap().flatten().filter(|file| file.path().is_file()) {
            let kept = fs::read(file.path()).unwrap();
            disk.names.insert(file.file_name().into_string().unwrap(), disk.files.len());
            disk.files.push(File { length: kept.len(), kept, pending: Vec::new() });
        }
        disk.kept_names = disk.names.clone();
        disk
    }

    /// Takes what happened.
    pub fn takes(&mut self, happened: &Happened) {
        match happened {
            Happened::Made(name) if !self.names.contains_key(name) => {
                self.names.insert(name.clone(), self.files.len());
                self.files.push(File::default());
            }
            Happened::Wrote(name, at, bytes) => self.changes(name, |file| {
                let at = at.unwrap_or(file.length);
                file.length = file.length.max(at + bytes.len());
                Change::Write(at, bytes.clone())
            }),
            Happened::Cut(name, length) => self.changes(name, |file| {
                file.length = *length;
                Change::Cut(*length)
            }),
            Happened::Kept(name) if name.is_empty() => self.kept_names = self.names.clone(),
            Happened::Kept(name) => {
                if let Some(file) = self.names.get(name).and_then(|file| self.files.get_mut(*file)) {
                    file.keep();
                }
            }
            Happened::Renamed(from, to) => {
                if let Some(file) = self.names.remove(from) {
                    self.names.insert(to.clone(), file);
                }
            }
            Happened::Gone(name) => drop(self.names.remove(name)),
            Happened::Made(_) | Happened::Said(_) | Happened::Sent => {}
        }
    }

    fn changes(&mut self, name: &str, change: impl FnOnce(&mut File) -> Change) {
        if let Some(file) = self.names.get(name).and_then(|file| self.files.get_mut(*file)) {
            let change = change(file);
            file.pending.push(change);
        }
    }

    /// Writes the files into a folder, as they are after a power cut now. What lies in memory that processes share is gone.
    pub fn after_a_cut(&self, survives: Survives, folder: &Path) {
        let names = if matches!(survives, Survives::Nothing) { &self.kept_names } else { &self.names };
        for (name, file) in names.iter().filter(|(name, _)| !name.ends_with("-shm")) {
            fs::write(folder.join(name), self.files[*file].after_a_cut(survives)).unwrap();
        }
    }
}

impl File {
    fn keep(&mut self) {
        let pending = std::mem::take(&mut self.pending);
        pending.iter().for_each(|change| change.carry_out(&mut self.kept));
    }

    fn after_a_cut(&self, survives: Survives) -> Vec<u8> {
        let mut bytes = self.kept.clone();
        let last = self.pending.len().saturating_sub(1);
        for (number, change) in self.pending.iter().enumerate() {
            match survives {
                Survives::Nothing => {}
                Survives::EverySecond if number % 2 == 1 && number != last => {}
                Survives::AllButHalfTheLast | Survives::EverySecond if number == last => change.torn().carry_out(&mut bytes),
                _ => change.carry_out(&mut bytes),
            }
        }
        bytes
    }
}

impl Change {
    fn carry_out(&self, file: &mut Vec<u8>) {
        match self {
            Self::Write(at, bytes) => {
                file.resize(file.len().max(at + bytes.len()), 0);
                file[*at..at + bytes.len()].copy_from_slice(bytes);
            }
            Self::Cut(length) => file.resize(*length, 0),
        }
    }

    fn torn(&self) -> Self {
        match self {
            Self::Write(at, bytes) => Self::Write(*at, bytes[..bytes.len() / 2].to_vec()),
            Self::Cut(length) => Self::Cut(*length),
        }
    }
}

//! Files that a site names: its configuration, people, protocol files, secrets, certificates.
//!
//! In: a path, and how large such a file is at most; or what holds text. Out: what stands in it. Never: a device or a pipe opened, which
//! could have no end or no beginning, or more read than such a file holds.

use std::{
    fs::{self, File},
    io::{self, BufRead, Read},
    path::Path,
};

use encoding_rs::{Decoder, Encoding, UTF_16BE, UTF_16LE};

/// Reads a file.
///
/// # Errors
/// It is no file, or too large for what it is, or cannot be read.
pub fn read(path: &Path, largest: u64) -> io::Result<Vec<u8>> {
    if !fs::metadata(path)?.is_file() {
        return Err(io::Error::other("it is no file but a folder, a pipe or a device"));
    }
    let mut bytes = Vec::new();
    File::open(path)?.take(largest + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > largest {
        return Err(io::Error::other(format!("it is larger than {} KiB, and no such file is", largest >> 10)));
    }
    Ok(bytes)
}

/// Reads a file of text, in UTF-8 or, with a mark, in UTF-16.
///
/// # Errors
/// The same, or it is no text.
pub fn text(path: &Path, largest: u64) -> io::Result<String> {
    let bytes = read(path, largest)?;
    let no_text = || io::Error::new(io::ErrorKind::InvalidData, "it is no text in UTF-8; save it as UTF-8 in the editor");
    match Encoding::for_bom(&bytes) {
        Some((encoding, mark)) if encoding == UTF_16LE || encoding == UTF_16BE => {
            let text = encoding.decode_without_bom_handling_and_without_replacement(bytes.get(mark..).unwrap_or_default());
            text.map(std::borrow::Cow::into_owned).ok_or_else(no_text)
        }
        _ => String::from_utf8(bytes).map_err(|_| no_text()),
    }
}

/// Text as it comes, in UTF-8: programs of Windows write UTF-16, with a mark in front. What has no such mark is passed on as it is.
pub struct Utf8<R> {
    input: R,
    has_begun: bool,
    /// Makes UTF-8 of it; none where it is that, or has ended.
    decoder: Option<Decoder>,
    text: String,
    /// So much of the text has been taken.
    taken: usize,
}

impl<R: BufRead> Utf8<R> {
    /// What comes from there.
    pub const fn of(input: R) -> Self {
        Self { input, has_begun: false, decoder: None, text: String::new(), taken: 0 }
    }

    /// No text in UTF-8 begins with one of these bytes.
    fn begin(&mut self) -> io::Result<()> {
        let encoding = match self.input.fill_buf()?.first() {
            Some(0xFF) => Some(UTF_16LE),
            Some(0xFE) => Some(UTF_16BE),
            _ => None,
        };
        self.decoder = encoding.map(Encoding::new_decoder_with_bom_removal);
        self.has_begun = true;
        Ok(())
    }
}

impl<R: BufRead> BufRead for Utf8<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if !self.has_begun {
            self.begin()?;
        }
        if self.taken == self.text.len() {
            self.text.clear();
            self.taken = 0;
        }
        while self.text.is_empty()
            && let Some(decoder) = &mut self.decoder
        {
            let raw = self.input.fill_buf()?;
            let is_last = raw.is_empty();
            self.text.reserve(decoder.max_utf8_buffer_length(raw.len()).unwrap_or(raw.len()));
            let (_, read, _) = decoder.decode_to_string(raw, &mut self.text, is_last);
            self.input.consume(read);
            if is_last {
                self.decoder = None;
            }
        }
        if self.text.is_empty() { self.input.fill_buf() } else { Ok(self.text.as_bytes().get(self.taken..).unwrap_or_default()) }
    }

    fn consume(&mut self, count: usize) {
        if self.text.is_empty() { self.input.consume(count) } else { self.taken += count }
    }
}

impl<R: BufRead> Read for Utf8<R> {
    fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
        let read = self.fill_buf()?.read(to)?;
        self.consume(read);
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn utf_16(text: &str, order: fn(u16) -> [u8; 2]) -> Vec<u8> {
        format!("\u{feff}{text}").encode_utf16().flat_map(order).collect()
    }

    #[test]
    fn what_an_editor_of_windows_saved_is_read_whatever_it_calls_unicode() {
        let file = tempfile::NamedTempFile::new().unwrap();
        for bytes in [utf_16("Zoë\r\n", u16::to_le_bytes), utf_16("Zoë\r\n", u16::to_be_bytes), "Zoë\r\n".into()] {
            fs::write(file.path(), bytes).unwrap();
            assert_eq!(text(file.path(), 1 << 10).unwrap(), "Zoë\r\n");
        }
        for bytes in [&[0xFF, 0xFE, 0x00, 0xD8, 0x41, 0x00][..], &[0x80, 0x81]] {
            fs::write(file.path(), bytes).unwrap();
            assert!(text(file.path(), 1 << 10).unwrap_err().to_string().contains("save it as UTF-8"));
        }
    }

    #[test]
    fn text_that_comes_in_small_pieces_is_the_same_text() {
        let said = "{26}BD88EB80\r\nZoë 🂡\n".repeat(40);
        for bytes in [utf_16(&said, u16::to_le_bytes), utf_16(&said, u16::to_be_bytes), said.clone().into_bytes()] {
            for piece in [1, 2, 3, 7, 4096] {
                let mut read = Vec::new();
                Utf8::of(io::BufReader::with_capacity(piece, &*bytes)).read_to_end(&mut read).unwrap();
                assert_eq!(String::from_utf8(read).unwrap(), said, "{piece}");
            }
        }
        let mut read = Vec::new();
        Utf8::of(&b""[..]).read_to_end(&mut read).unwrap();
        assert!(read.is_empty());
    }
}

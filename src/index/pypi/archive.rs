//! Reads one text file out of a wheel or a source archive, from bytes nobody vouches for.

use std::io::Read;

/// Unpacked size of a file we read, and of all we skip to get there: against archives that explode.
const UNPACKED_BYTES_MAX: u64 = 64 << 20;

/// Files looked at in one archive.
const ENTRIES_MAX: usize = 50_000;

/// A file in a zip archive, from its central directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) name: String,
    deflated: bool,
    packed: usize,
    /// Where its local header stands in the whole archive.
    pub(super) offset: usize,
}

impl Entry {
    /// Bytes that surely hold header and content: the local header's extra field may differ from the directory's.
    pub(super) fn span(&self) -> usize {
        30 + self.name.len() + 1024 + self.packed
    }

    /// The content, given bytes that start at `offset`.
    pub(super) fn unpack(&self, bytes: &[u8]) -> Option<String> {
        if !bytes.starts_with(b"PK\x03\x04") {
            return None;
        }
        let start = 30 + short(bytes, 26)? + short(bytes, 28)?;
        let packed = bytes.get(start..start.checked_add(self.packed)?)?;
        let mut text = Vec::new();
        if self.deflated {
            flate2::read::DeflateDecoder::new(packed).take(UNPACKED_BYTES_MAX).read_to_end(&mut text).ok()?;
        } else {
            text.extend_from_slice(packed);
        }
        Some(String::from_utf8_lossy(&text).into_owned())
    }
}

/// Where the directory of a zip archive begins, given its last bytes.
pub(super) fn directory(tail: &[u8]) -> Option<usize> {
    let end = tail.windows(4).rposition(|bytes| bytes == b"PK\x05\x06")?;
    long(tail, end + 16)
}

/// The directory of a zip archive of which `tail`, its last bytes, begin at `start`.
///
/// Source: APPNOTE.TXT 6.3, sections 4.3.12 and 4.3.16. Zip64 is not read: metadata does not need it.
pub(super) fn entries(tail: &[u8], start: usize) -> Option<Vec<Entry>> {
    let end = tail.windows(4).rposition(|bytes| bytes == b"PK\x05\x06")?;
    let count = short(tail, end + 10)?.min(ENTRIES_MAX);
    let mut at = long(tail, end + 16)?.checked_sub(start)?;
    let mut entries = Vec::new();
    for _ in 0..count {
        if tail.get(at..at + 4)? != b"PK\x01\x02" {
            return None;
        }
        let method = short(tail, at + 10)?;
        let (name, extra, comment) = (short(tail, at + 28)?, short(tail, at + 30)?, short(tail, at + 32)?);
        entries.push(Entry {
            name: String::from_utf8_lossy(tail.get(at + 46..at + 46 + name)?).into_owned(),
            deflated: method == 8,
            packed: long(tail, at + 20)?,
            offset: long(tail, at + 42)?,
        });
        at += 46 + name + extra + comment;
    }
    Some(entries)
}

/// What a source archive says about dependencies: the texts of PKG-INFO and of setuptools' requires.txt.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct SourceTexts {
    pub(super) pkg_info: Option<String>,
    pub(super) requires: Option<String>,
    /// Written by setuptools, which leaves requires.txt away if there is nothing to require.
    pub(super) has_egg_info: bool,
}

impl SourceTexts {
    pub(super) fn of_zip(bytes: &[u8]) -> Option<Self> {
        let mut texts = Self::default();
        for entry in entries(bytes, 0)? {
            texts.take(&entry.name, || bytes.get(entry.offset..).and_then(|from| entry.unpack(from)));
        }
        Some(texts)
    }

    pub(super) fn of_tar_gz(bytes: &[u8]) -> Option<Self> {
        let mut texts = Self::default();
        let mut plain = flate2::read::GzDecoder::new(bytes).take(UNPACKED_BYTES_MAX);
        for _ in 0..ENTRIES_MAX {
            let mut header = [0_u8; 512];
            if plain.read_exact(&mut header).is_err() || header[0] == 0 {
                break;
            }
            let name = text_field(&header[..100]);
            let size = u64::from_str_radix(text_field(&header[124..136]).trim(), 8).ok()?;
            let mut content = Vec::new();
            plain.by_ref().take(size.div_ceil(512) * 512).read_to_end(&mut content).ok()?;
            content.truncate(usize::try_from(size).ok()?);
            texts.take(&name, || Some(String::from_utf8_lossy(&content).into_owned()));
        }
        Some(texts)
    }

    fn take(&mut self, name: &str, read: impl FnOnce() -> Option<String>) {
        let parts: Vec<&str> = name.trim_start_matches("./").split('/').collect();
        match parts.as_slice() {
            [_, "PKG-INFO"] => self.pkg_info = read(),
            [_, egg, file] | [_, _, egg, file] if egg.ends_with(".egg-info") => {
                self.has_egg_info = true;
                if *file == "requires.txt" {
                    self.requires = read();
                }
            }
            _ => {}
        }
    }
}

fn text_field(bytes: &[u8]) -> String {
    let end = bytes.iter().position(|byte| *byte == 0).unwrap_or(bytes.len());
    String::from_utf8_lossy(&bytes[..end]).into_owned()
}

fn short(bytes: &[u8], at: usize) -> Option<usize> {
    let two: [u8; 2] = bytes.get(at..at.checked_add(2)?)?.try_into().ok()?;
    Some(usize::from(u16::from_le_bytes(two)))
}

fn long(bytes: &[u8], at: usize) -> Option<usize> {
    let four: [u8; 4] = bytes.get(at..at.checked_add(4)?)?.try_into().ok()?;
    usize::try_from(u32::from_le_bytes(four)).ok()
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    /// A zip of one stored file behind 100 bytes of something else.
    fn zip(name: &str, content: &str) -> Vec<u8> {
        let le16 = |number: usize| u16::try_from(number).unwrap().to_le_bytes();
        let le32 = |number: usize| u32::try_from(number).unwrap().to_le_bytes();
        let mut zip = vec![7; 100];
        zip.extend(b"PK\x03\x04");
        zip.extend([0; 22]);
        zip.extend(le16(name.len()));
        zip.extend(le16(0));
        zip.extend(name.bytes().chain(content.bytes()));
        let directory = zip.len();
        zip.extend(b"PK\x01\x02");
        zip.extend([0; 16]);
        zip.extend(le32(content.len()));
        zip.extend(le32(content.len()));
        zip.extend(le16(name.len()));
        zip.extend([0; 12]);
        zip.extend(le32(100));
        zip.extend(name.bytes());
        let end = zip.len();
        zip.extend(b"PK\x05\x06");
        zip.extend([0; 4]);
        zip.extend(le16(1));
        zip.extend(le16(1));
        zip.extend(le32(end - directory));
        zip.extend(le32(directory));
        zip.extend(le16(0));
        zip
    }

    #[test]
    fn a_file_is_found_through_the_end_of_a_zip() {
        let zip = zip("a-1.dist-info/METADATA", "Metadata-Version: 2.1\n");
        let tail = entries(&zip[50..], 50).unwrap();
        assert_eq!(tail[0].offset, 100);
        assert_eq!(tail[0].unpack(&zip[100..]).as_deref(), Some("Metadata-Version: 2.1\n"));
        assert_eq!(directory(&zip[150..]), Some(100 + 30 + 22 + 22));
        assert_eq!(entries(&zip[50..], 500), None);
        assert_eq!(entries(b"PK\x05\x06", 0), None);
    }

    #[test]
    fn a_source_archive_gives_its_texts() {
        let mut tar = Vec::new();
        for (name, content) in [("a-1/PKG-INFO", "Metadata-Version: 1.0\n"), ("a-1/src/a.egg-info/requires.txt", "b\n")]
        {
            let mut block = [0_u8; 512];
            block[..name.len()].copy_from_slice(name.as_bytes());
            block[124..135].copy_from_slice(format!("{:011o}", content.len()).as_bytes());
            tar.extend(block);
            tar.extend(content.bytes());
            tar.resize(tar.len().div_ceil(512) * 512, 0);
        }
        tar.resize(tar.len() + 1024, 0);
        let mut gz = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        gz.write_all(&tar).unwrap();
        let texts = SourceTexts::of_tar_gz(&gz.finish().unwrap()).unwrap();
        assert_eq!(texts.requires.as_deref(), Some("b\n"));
        assert!(texts.has_egg_info && texts.pkg_info.is_some());
    }

    #[test]
    fn rubbish_is_refused() {
        assert_eq!(SourceTexts::of_zip(b"rubbish"), None);
        assert_eq!(SourceTexts::of_tar_gz(b"rubbish"), Some(SourceTexts::default()));
    }
}

//! Files (PS3.10 section 7): the preamble and the file meta information before a data set, and making them.

use crate::dataset::{self, Tag, VR};
use crate::error::Error;
use crate::syntax::{self, TransferSyntax};

/// Names Segel as the writer of a file (PS3.10 7.1): derived from a random UUID (PS3.5 B.2).
pub const IMPLEMENTATION_CLASS_UID: &str = "2.25.203720550246811363452103357507658717864";
/// Names this version of it.
pub const IMPLEMENTATION_VERSION_NAME: &str = "SEGEL_0_1";

/// Bytes before `DICM`; they may be anything.
const PREAMBLE_BYTES: usize = 128;
/// Where the file meta information begins.
const META_OFFSET: usize = PREAMBLE_BYTES + 4;
/// File meta information. The standard's elements need some 400 bytes; private information (0002,0102) may add to it.
const META_BYTES_MAX: usize = 64 * 1024;
/// What must be seen of a data set to guess how it is written: tag and VR or length.
const GUESS_BYTES: usize = 8;

/// What stood before the data set.
#[derive(Clone, PartialEq, Eq)]
pub struct FileMeta {
    /// As declared, or as the first bytes of the data set look.
    pub transfer_syntax: TransferSyntax,
    /// Media Storage SOP Class UID (0002,0002).
    pub sop_class_uid: Option<String>,
    /// Media Storage SOP Instance UID (0002,0003).
    pub sop_instance_uid: Option<String>,
    /// The 128 bytes that may be anything. Kept as evidence, never given out.
    pub preamble: Option<[u8; PREAMBLE_BYTES]>,
    /// Where the data set begins in the file.
    pub data_set_offset: u64,
    /// What broke the standard and was let pass.
    pub warnings: Vec<String>,
}

impl std::fmt::Debug for FileMeta {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "FileMeta({}, data set at {})", self.transfer_syntax.uid(), self.data_set_offset)
    }
}

/// The end of the prefix: what it said, and the bytes of the data set that came along.
#[derive(Debug)]
pub struct Begun {
    /// What the prefix said.
    pub meta: FileMeta,
    /// The first bytes of the data set; all of it if it was short.
    pub data_set: Vec<u8>,
}

/// Reads the beginning of a file chunk by chunk. Keeps at most the prefix and one chunk.
#[derive(Default)]
pub struct Prefix {
    bytes: Vec<u8>,
    // Where the next meta element begins, once it is known that there are any.
    at: Option<usize>,
    has_preamble: bool,
    syntax: Option<String>,
    sop_class_uid: Option<String>,
    sop_instance_uid: Option<String>,
    group_end: Option<usize>,
    warnings: Vec<String>,
}

impl std::fmt::Debug for Prefix {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Prefix({} bytes)", self.bytes.len())
    }
}

/// What the first bytes of a meta element are.
enum Next {
    More,
    DataSet,
    Element { tag: Tag, from: usize, to: usize },
}

impl Prefix {
    /// A reader at the first byte of a file.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes the next bytes; gives the data set's beginning once it is found. Do not call it again after that.
    ///
    /// # Errors
    /// Invalid if this is no DICOM file, or its meta information is too long.
    pub fn feed(&mut self, bytes: &[u8]) -> Result<Option<Begun>, Error> {
        self.bytes.extend_from_slice(bytes);
        self.go(false)
    }

    /// Says that the file has ended before [`Prefix::feed`] gave a beginning.
    ///
    /// # Errors
    /// Invalid if this is no DICOM file or it ends in its meta information.
    pub fn finish(mut self) -> Result<Begun, Error> {
        self.go(true)?.ok_or_else(|| Error::invalid("the file ends inside its meta information"))
    }

    fn go(&mut self, ended: bool) -> Result<Option<Begun>, Error> {
        let mut at = match self.at {
            Some(at) => at,
            None if self.bytes.len() < META_OFFSET && !ended => return Ok(None),
            None => self.begin(),
        };
        loop {
            self.at = Some(at);
            match self.next(at, ended)? {
                Next::More => return Ok(None),
                Next::DataSet => return self.begun(at, ended),
                Next::Element { tag, from, to } => {
                    self.keep(tag, from, to);
                    at = to;
                }
            }
        }
    }

    /// Where the meta information begins: behind `DICM`, or at once in files without preamble.
    fn begin(&mut self) -> usize {
        self.has_preamble = self.bytes.get(PREAMBLE_BYTES..META_OFFSET) == Some(b"DICM");
        if self.has_preamble {
            return META_OFFSET;
        }
        self.warnings.push("the file has no preamble".to_owned());
        0
    }

    fn next(&self, at: usize, ended: bool) -> Result<Next, Error> {
        let rest = self.bytes.get(at..).unwrap_or_default();
        // Group 0002 is little endian whatever the data set is (PS3.10 7.1).
        match rest {
            [2, 0, ..] => {}
            [] | [2] if !ended => return Ok(Next::More),
            _ => return Ok(Next::DataSet),
        }
        let Some((tag, header, length)) = meta_header(rest) else {
            return if ended {
                Err(Error::invalid("the file ends inside its meta information"))
            } else {
                Ok(Next::More)
            };
        };
        let from = at.saturating_add(header);
        let to = from.saturating_add(length);
        if to > META_BYTES_MAX {
            return Err(Error::invalid(format!("{tag}: more than {META_BYTES_MAX} bytes of file meta information")));
        }
        match (to <= self.bytes.len(), ended) {
            (true, _) => Ok(Next::Element { tag, from, to }),
            (false, true) => Err(Error::invalid(format!("{tag}: the file ends inside its meta information"))),
            (false, false) => Ok(Next::More),
        }
    }

    fn keep(&mut self, tag: Tag, from: usize, to: usize) {
        let value = self.bytes.get(from..to).unwrap_or_default();
        let text = || String::from_utf8_lossy(value).trim_matches(['\0', ' ']).to_owned();
        match tag.element() {
            0x0000 => {
                let length = value.first_chunk::<4>().map_or(0, |b| u32::from_le_bytes(*b));
                self.group_end = Some(to.saturating_add(usize::try_from(length).unwrap_or(usize::MAX)));
            }
            0x0002 => self.sop_class_uid = Some(text()).filter(|t| !t.is_empty()),
            0x0003 => self.sop_instance_uid = Some(text()).filter(|t| !t.is_empty()),
            0x0010 => self.syntax = Some(text()).filter(|t| !t.is_empty()),
            _ => {}
        }
    }

    fn begun(&mut self, at: usize, ended: bool) -> Result<Option<Begun>, Error> {
        let rest = self.bytes.get(at..).unwrap_or_default();
        let transfer_syntax = match &self.syntax {
            Some(uid) => TransferSyntax::of(uid),
            None if rest.len() < GUESS_BYTES && !ended => return Ok(None),
            None => {
                let guess = guess(rest, at > 0).ok_or_else(|| Error::invalid("this is not a DICOM file"))?;
                self.warnings.push("no transfer syntax is declared; it was told from the data set".to_owned());
                guess
            }
        };
        let has_meta = at > 0 && at != META_OFFSET;
        match self.group_end {
            None if has_meta => self.warnings.push("the file meta information has no group length".to_owned()),
            Some(end) if end != at => self.warnings.push("the length of the file meta information is wrong".to_owned()),
            _ => {}
        }
        let preamble = if self.has_preamble { self.bytes.first_chunk().copied() } else { None };
        let data_set = rest.to_vec();
        Ok(Some(Begun {
            meta: FileMeta {
                transfer_syntax,
                sop_class_uid: self.sop_class_uid.take(),
                sop_instance_uid: self.sop_instance_uid.take(),
                preamble,
                data_set_offset: u64::try_from(at).unwrap_or(u64::MAX),
                warnings: std::mem::take(&mut self.warnings),
            },
            data_set,
        }))
    }
}

/// Tag, bytes of the header and bytes of the value of a meta element: explicit little endian (PS3.10 7.1), or implicit
/// where the VR is no VR, as some writers have it.
fn meta_header(bytes: &[u8]) -> Option<(Tag, usize, usize)> {
    let &[g0, g1, e0, e1, v0, v1, l0, l1] = bytes.first_chunk::<8>()?;
    let tag = Tag(u16::from_le_bytes([g0, g1]), u16::from_le_bytes([e0, e1]));
    let long = |b: [u8; 4]| usize::try_from(u32::from_le_bytes(b)).unwrap_or(usize::MAX);
    match VR::from_binary([v0, v1]) {
        Some(vr) if dataset::has_long_length(vr) => {
            let length = bytes.get(8..)?.first_chunk::<4>()?;
            Some((tag, 12, long(*length)))
        }
        Some(_) => Some((tag, 8, usize::from(u16::from_le_bytes([l0, l1])))),
        None => Some((tag, 8, long([v0, v1, l0, l1]))),
    }
}

/// How a data set is written, from its first element. Without anything before it that marks the file as DICOM
/// (`marked`), it must begin with a low group: 0004 (a directory), 0008 or, in fragments of old files, up to 0020.
fn guess(bytes: &[u8], marked: bool) -> Option<TransferSyntax> {
    let &[g0, g1, _, _, v0, v1, l0, l1] = bytes.first_chunk::<GUESS_BYTES>()?;
    let plausible = |group: u16| (0x0004..=0x0020).contains(&group);
    let explicit = VR::from_binary([v0, v1]).is_some();
    let little = plausible(u16::from_le_bytes([g0, g1]));
    let big = plausible(u16::from_be_bytes([g0, g1]));
    // The first element of an implicit data set is short: a length, an image type, a character set.
    let short = u32::from_le_bytes([v0, v1, l0, l1]) <= 1024;
    match (explicit, little, big) {
        (true, true, _) => Some(TransferSyntax::of(syntax::EXPLICIT_LITTLE)),
        (true, false, true) => Some(TransferSyntax::of(syntax::EXPLICIT_BIG)),
        (true, false, false) if marked => Some(TransferSyntax::of(syntax::EXPLICIT_LITTLE)),
        (false, ..) if marked => Some(TransferSyntax::of(syntax::IMPLICIT_LITTLE)),
        (false, true, _) if short => Some(TransferSyntax::of(syntax::IMPLICIT_LITTLE)),
        _ => None,
    }
}

/// A zeroed preamble, `DICM` and the file meta information of a file whose data set follows in `transfer_syntax`.
/// `source` is the title of the application entity that the data set came from, if known.
#[must_use]
pub fn file_meta(sop_class_uid: &str, sop_instance_uid: &str, transfer_syntax: &str, source: Option<&str>) -> Vec<u8> {
    let mut group = Vec::with_capacity(256);
    // (0002,0001) File Meta Information Version: OB has the long form.
    group.extend_from_slice(&[2, 0, 1, 0, b'O', b'B', 0, 0, 2, 0, 0, 0, 0, 1]);
    put(&mut group, 0x0002, *b"UI", sop_class_uid, 0);
    put(&mut group, 0x0003, *b"UI", sop_instance_uid, 0);
    put(&mut group, 0x0010, *b"UI", transfer_syntax, 0);
    put(&mut group, 0x0012, *b"UI", IMPLEMENTATION_CLASS_UID, 0);
    put(&mut group, 0x0013, *b"SH", IMPLEMENTATION_VERSION_NAME, b' ');
    if let Some(source) = source {
        put(&mut group, 0x0016, *b"AE", source, b' ');
    }
    let mut out = vec![0; PREAMBLE_BYTES];
    out.extend_from_slice(b"DICM");
    out.extend_from_slice(&[2, 0, 0, 0, b'U', b'L', 4, 0]);
    out.extend_from_slice(&u32::try_from(group.len()).unwrap_or(u32::MAX).to_le_bytes());
    out.extend_from_slice(&group);
    out
}

fn put(out: &mut Vec<u8>, element: u16, vr: [u8; 2], text: &str, pad: u8) {
    // UIDs and titles are at most 64 bytes; what is longer came from outside and is cut where the length field ends.
    let bytes = text.as_bytes();
    let bytes = bytes.get(..65_534).unwrap_or(bytes);
    let padded = bytes.len().saturating_add(bytes.len() % 2);
    out.extend_from_slice(&[2, 0]);
    out.extend_from_slice(&element.to_le_bytes());
    out.extend_from_slice(&vr);
    out.extend_from_slice(&u16::try_from(padded).unwrap_or(u16::MAX).to_le_bytes());
    out.extend_from_slice(bytes);
    if bytes.len() % 2 == 1 {
        out.push(pad);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DATA_SET: &[u8] = b"\x08\x00\x05\x00CS\x0a\x00ISO_IR 100";

    fn whole(file: &[u8]) -> Result<Begun, Error> {
        let mut prefix = Prefix::new();
        match prefix.feed(file)? {
            Some(begun) => Ok(begun),
            None => prefix.finish(),
        }
    }

    fn file() -> Vec<u8> {
        let mut file = file_meta("1.2.840.10008.5.1.4.1.1.2", "1.2.3", syntax::EXPLICIT_LITTLE, Some("CT1"));
        file.extend_from_slice(DATA_SET);
        file
    }

    #[test]
    fn what_is_written_is_read_in_any_chunks() {
        let file = file();
        for size in [1, 2, 7, 131, 132, 133, file.len()] {
            let mut prefix = Prefix::new();
            let mut begun: Option<Begun> = None;
            for chunk in file.chunks(size) {
                match &mut begun {
                    Some(begun) => begun.data_set.extend_from_slice(chunk),
                    None => begun = prefix.feed(chunk).unwrap(),
                }
            }
            let begun = begun.unwrap();
            assert_eq!(begun.data_set, DATA_SET);
            assert_eq!(begun.meta.transfer_syntax.uid(), syntax::EXPLICIT_LITTLE);
            assert_eq!(begun.meta.sop_instance_uid.as_deref(), Some("1.2.3"));
            assert_eq!(begun.meta.sop_class_uid.as_deref(), Some("1.2.840.10008.5.1.4.1.1.2"));
            assert_eq!(begun.meta.preamble, Some([0; 128]));
            assert_eq!(begun.meta.warnings, Vec::<String>::new());
            assert_eq!(begun.meta.data_set_offset, u64::try_from(file.len() - DATA_SET.len()).unwrap());
        }
    }

    #[test]
    fn files_without_preamble_length_or_syntax_are_told_apart() {
        let file = file();
        let no_preamble = whole(&file[132..]).unwrap();
        assert_eq!(
            (no_preamble.meta.sop_instance_uid.as_deref(), no_preamble.data_set.as_slice()),
            (Some("1.2.3"), DATA_SET)
        );
        let no_length = [&file[..132], &file[144..]].concat();
        assert_eq!(whole(&no_length).unwrap().meta.warnings, ["the file meta information has no group length"]);
        let mut wrong_length = file.clone();
        wrong_length[140] = 200;
        assert_eq!(whole(&wrong_length).unwrap().meta.warnings, ["the length of the file meta information is wrong"]);
        let table: [(&[u8], &str); 4] = [
            (DATA_SET, syntax::EXPLICIT_LITTLE),
            (b"\x00\x08\x00\x05CS\x00\x0aISO_IR 100", syntax::EXPLICIT_BIG),
            (b"\x08\x00\x05\x00\x0a\x00\x00\x00ISO_IR 100", syntax::IMPLICIT_LITTLE),
            (&[[0_u8; 128].as_slice(), b"DICM", DATA_SET].concat(), syntax::EXPLICIT_LITTLE),
        ];
        for (bytes, uid) in table {
            assert_eq!(whole(bytes).unwrap().meta.transfer_syntax.uid(), uid);
        }
    }

    #[test]
    fn what_is_no_dicom_is_refused() {
        let file = file();
        let zip: &[u8] = b"PK\x03\x04\x14\x00\x00\x00";
        assert_eq!(whole(&[&file[..132], &[1, 0, 1, 0, 255, 255, 255, 255]].concat()).unwrap().data_set.len(), 8);
        for bytes in [
            b"".as_slice(),
            b"GET / HTTP/1.1\r\n\r\n",
            zip,
            &[0; 200],
            b"\x89PNG\r\n\x1a\n",
            &file[..150],
            &file[132..160],
        ] {
            assert!(whole(bytes).is_err(), "{bytes:02X?}");
        }
    }

    #[test]
    fn meta_information_reaches_its_limit_and_does_not_pass_it() {
        let with_private = |total: usize| {
            let mut file = vec![0; 128];
            file.extend_from_slice(b"DICM\x02\x00\x10\x00UI\x14\x001.2.840.10008.1.2.1\0\x02\x00\x02\x01OB\0\0");
            let value = total - file.len() - 4;
            file.extend_from_slice(&u32::try_from(value).unwrap().to_le_bytes());
            file.resize(total, 7);
            file.extend_from_slice(DATA_SET);
            file
        };
        assert_eq!(whole(&with_private(META_BYTES_MAX)).unwrap().data_set, DATA_SET);
        assert!(whole(&with_private(META_BYTES_MAX + 1)).unwrap_err().to_string().contains("65536 bytes"));
    }
}

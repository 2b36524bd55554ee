//! Small archives, workbooks and databases, made byte by byte.

use flate2::Compression;
use flate2::write::{DeflateEncoder, GzEncoder};
use std::io::Write;

const TABLE: &[u8] = b"nik,nama\n3171014101900001,Siti\n3171010101900002,Budi\n";

fn gz(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    let _ = encoder.write_all(bytes);
    encoder.finish().unwrap_or_default()
}

/// One member, and two.
pub fn gzip() -> Vec<Vec<u8>> {
    vec![gz(TABLE), [gz(b"a,b\n1,2\n"), gz(b"3,4\n")].concat(), gz(&gz(TABLE))]
}

/// An entry of an archive; `described` if its sizes follow it.
pub fn entry(name: &str, bytes: &[u8], deflated: bool, described: bool) -> Vec<u8> {
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::best());
    let _ = encoder.write_all(bytes);
    let packed = if deflated { encoder.finish().unwrap_or_default() } else { bytes.to_vec() };
    let mut crc = flate2::Crc::new();
    crc.update(bytes);
    let length = |bytes: &[u8]| u32::try_from(bytes.len()).unwrap_or(0);
    let sizes = [crc.sum(), length(&packed), length(bytes)].map(u32::to_le_bytes).concat();
    let mut out = b"PK\x03\x04\x14\0".to_vec();
    out.extend([if described { 8 } else { 0 }, 0, if deflated { 8 } else { 0 }, 0, 0, 0, 0, 0]);
    out.extend(if described { vec![0; 12] } else { sizes.clone() });
    out.extend(u16::try_from(name.len()).unwrap_or(0).to_le_bytes());
    out.extend([0, 0]);
    out.extend(name.as_bytes());
    out.extend(packed);
    if described {
        out.extend(b"PK\x07\x08");
        out.extend(sizes);
    }
    out
}

/// Entries with an empty directory behind them.
pub fn archive(entries: &[Vec<u8>]) -> Vec<u8> {
    [entries.concat(), b"PK\x05\x06".to_vec(), vec![0; 18]].concat()
}

/// Stored, deflated, described and nested entries.
pub fn zip() -> Vec<Vec<u8>> {
    let inner = archive(&[entry("t.csv", TABLE, true, false)]);
    vec![
        archive(&[
            entry("d/", b"", false, false),
            entry("d/t.csv", TABLE, true, false),
            entry("a.txt", b"Hello.", false, false),
        ]),
        archive(&[entry("t.csv", TABLE, true, true), entry("u.csv", TABLE, true, true)]),
        archive(&[entry("in.zip", &inner, false, false), entry("in.zip", &inner, true, false)]),
    ]
}

fn block(name: &str, size: usize, kind: u8) -> Vec<u8> {
    let mut block = vec![0; 512];
    block[..name.len()].copy_from_slice(name.as_bytes());
    block[124..135].copy_from_slice(format!("{size:011o}").as_bytes());
    block[156] = kind;
    block[257..262].copy_from_slice(b"ustar");
    block[148..156].fill(b' ');
    let sum: u32 = block.iter().map(|byte| u32::from(*byte)).sum();
    block[148..154].copy_from_slice(format!("{sum:06o}").as_bytes());
    block
}

/// An entry of a tape archive.
pub fn taped(name: &str, bytes: &[u8], kind: u8) -> Vec<u8> {
    let mut out = block(name, bytes.len(), kind);
    out.extend(bytes);
    out.resize(out.len().next_multiple_of(512), 0);
    out
}

/// Plain names, long names, links.
pub fn tar() -> Vec<Vec<u8>> {
    let end = vec![0; 1024];
    let mut names = [taped("././@LongLink", b"a/long/name.csv\0", b'L'), taped("short", TABLE, b'0')].concat();
    names.extend(taped("x", b"21 path=other/name.x\n", b'x'));
    names.extend(taped("short", b"Hello.", b'0'));
    vec![
        [taped("d/t.csv", TABLE, b'0'), taped("link", b"", b'2'), end.clone()].concat(),
        [names, end.clone()].concat(),
        gz(&[taped("t.csv", TABLE, b'0'), end].concat()),
    ]
}

/// A workbook of one sheet, with shared, inline and plain cells.
pub fn workbook() -> Vec<Vec<u8>> {
    let sheet = b"<?xml version=\"1.0\"?><worksheet><sheetData><row r=\"1\"><c r=\"A1\" t=\"s\"><v>0</v></c><c r=\"B1\" t=\"inlineStr\"><is><t>nama</t></is></c></row>\
        <row r=\"2\"><c r=\"A2\"><v>3.171014101900001E15</v></c><c r=\"B2\" t=\"s\"><v>1</v></c><c r=\"D2\" t=\"str\"><v>x &amp; y</v></c></row>\
        <row r=\"3\"><c r=\"A3\"><v>44927.5</v></c><c/></row></sheetData></worksheet>";
    let parts = |deflated: bool, described: bool| {
        archive(&[
            entry("[Content_Types].xml", b"<Types/>", deflated, false),
            entry(
                "xl/workbook.xml",
                b"<workbook><sheets><sheet name=\"Pasien\" sheetId=\"1\" r:id=\"rId1\"/></sheets></workbook>",
                deflated,
                described,
            ),
            entry(
                "xl/_rels/workbook.xml.rels",
                b"<Relationships><Relationship Id=\"rId1\" Target=\"worksheets/sheet1.xml\"/></Relationships>",
                deflated,
                false,
            ),
            entry("xl/worksheets/sheet1.xml", sheet, deflated, described),
            entry(
                "xl/sharedStrings.xml",
                b"<sst><si><t>NIK</t></si><si><r><t>Si</t></r><r><t>ti</t></r><rPh><t>no</t></rPh></si></sst>",
                deflated,
                described,
            ),
        ])
    };
    vec![parts(false, false), parts(true, true)]
}

/// A database of two pages: the schema, and a table of two rows.
pub fn database() -> Vec<Vec<u8>> {
    let mut file = vec![0; 1024];
    file[..16].copy_from_slice(b"SQLite format 3\0");
    file[16..18].copy_from_slice(&512_u16.to_be_bytes());
    file[18..24].copy_from_slice(&[1, 1, 0, 64, 32, 32]);
    file[59] = 1;
    let sql = b"CREATE TABLE t(id INTEGER PRIMARY KEY, nama TEXT)";
    let kind = |text: &[u8]| u8::try_from(13 + 2 * text.len()).unwrap_or(13);
    let head = [6, kind(b"table"), kind(b"t"), kind(b"t"), 1, kind(sql)];
    let schema = [&head[..], b"table", b"t", b"t", &[2], sql].concat();
    let put = |page: &mut [u8], head: usize, rows: &[Vec<u8>]| {
        let mut at = page.len();
        for (number, row) in rows.iter().enumerate() {
            at -= row.len() + 2;
            page[at] = u8::try_from(row.len()).unwrap_or(0);
            page[at + 1] = u8::try_from(number + 1).unwrap_or(0);
            page[at + 2..at + 2 + row.len()].copy_from_slice(row);
            let pointer = head + 8 + 2 * number;
            page[pointer..pointer + 2].copy_from_slice(&u16::try_from(at).unwrap_or(0).to_be_bytes());
        }
        page[head] = 13;
        page[head + 4] = u8::try_from(rows.len()).unwrap_or(0);
    };
    put(&mut file[..512], 100, &[schema]);
    let row = |name: &[u8]| [&[3, 0, kind(name)], name].concat();
    put(&mut file[512..], 0, &[row(b"Siti"), row(b"Budi")]);
    vec![file]
}

//! Every limit on goods of unknown shape: name, value, and the reason for the value. Memory is the sum of a few of them,
//! whatever the size of the goods.

/// Bytes read at a time: large enough that the disk and the decoder are not waited for call by call.
pub const CHUNK_BYTES: usize = 256 * 1024;
/// What is looked at to tell what a piece is: some hundred rows of a wide table.
pub const HEAD_BYTES: usize = 128 * 1024;
/// One row of a table, one value list of a statement, one record of JSON. A report with an embedded letter stays below 1 MiB;
/// what is longer is no row.
pub const ROW_BYTES_MAX: usize = 4 * 1024 * 1024;
/// Columns of one table: a sheet has at most 16,384, and registers of hospitals some hundred.
pub const COLUMNS_MAX: usize = 16_384;
/// A heading, a table's name, a name inside an archive. Longer ones are cut: they are shown, never used.
pub const NAME_BYTES_MAX: usize = 1_024;
/// Different keys of the records of one JSON table, flattened: FHIR resources come to some hundred.
pub const JSON_COLUMNS_MAX: usize = 4_096;
/// Names and headings of all tables of one text together: what comes after shares a table without headings.
pub const HEADINGS_BYTES_MAX: usize = 32 * 1024 * 1024;
/// Nesting of JSON. Exports stay below 20.
pub const JSON_DEPTH_MAX: usize = 64;
/// Archives within archives. Sellers pack folders of zips into one; four deep is a bomb or a joke.
pub const ARCHIVE_DEPTH_MAX: usize = 4;
/// Folders within folders of the sample: an operating system's paths end near it.
pub const FOLDER_DEPTH_MAX: usize = 128;
/// Entries of one folder that are put into order at once: so many names are some ten MB.
pub const FOLDER_SORTED_MAX: usize = 100_000;
/// Entries of one archive. An archive of all images of a hospital has some ten million.
pub const ENTRIES_MAX: u64 = 20_000_000;
/// Unpacked over packed bytes, once `RATIO_GRACE_BYTES` are out. Dumps of tables reach 30, padded ones 100; the most that
/// DEFLATE can do is 1,032.
pub const RATIO_MAX: u64 = 250;
/// Unpacked bytes before the ratio is looked at: small files of one repeated row.
pub const RATIO_GRACE_BYTES: u64 = 16 * 1024 * 1024;
/// Unpacked bytes of all layers of one outermost file over its size, once `LAYERS_GRACE_BYTES` are out: nested archives may
/// not multiply their ratios.
pub const LAYERS_RATIO_MAX: u64 = 1_000;
/// Unpacked bytes of all layers before their ratio is looked at: some seconds of work.
pub const LAYERS_GRACE_BYTES: u64 = 1024 * 1024 * 1024;
/// A file that is handed on whole: the largest multi-frame series that hospitals keep in one file. Of a larger one the digest
/// is taken over all of it, and so much of its beginning is handed on.
pub const FILE_BYTES_MAX: usize = 256 * 1024 * 1024;
/// A nested piece that must be read in no order (a workbook, a database, a 7z archive) and lies in memory for it.
pub const HELD_BYTES_MAX: usize = 256 * 1024 * 1024;
/// Texts that the cells of a workbook share, together. A sheet of a million rows with all texts different has some 100 MB.
pub const SHARED_BYTES_MAX: usize = 256 * 1024 * 1024;
/// Different texts of a workbook: each costs 24 bytes beside its letters.
pub const SHARED_TEXTS_MAX: usize = 8_000_000;
/// Sheets of a workbook, tables of a database.
pub const SHEETS_MAX: usize = 10_000;
/// One tag of a workbook's XML with its attributes, or one text.
pub const XML_BYTES_MAX: usize = 1024 * 1024;
/// Pages of a database's tree from its root: 4 billion rows of the smallest pages fit within 20.
pub const TREE_DEPTH_MAX: usize = 24;
/// The dictionary of one 7z stream: its own program's usual settings ask for up to 64 MB.
pub const DICTIONARY_BYTES_MAX: usize = 256 * 1024 * 1024;
/// The directory of one 7z archive, unpacked: names of some 80,000 files.
pub const DIRECTORY_BYTES_MAX: usize = 8 * 1024 * 1024;
/// Rows at the beginning of a table from which its columns are recognised.
pub const ROWS_FIRST: usize = 1_000;
/// Rows drawn evenly from the rest of it.
pub const ROWS_DRAWN: usize = 1_000;
/// Bytes of the rows that are held for recognition: wide tables have fewer of them.
pub const ROWS_HELD_BYTES_MAX: usize = 32 * 1024 * 1024;

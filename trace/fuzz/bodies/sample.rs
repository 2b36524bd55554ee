//! Any bytes as a sample, and any text as a value.

use std::collections::BTreeMap;
use trace::sample::columns::date::{Order, parse, parse_serial};
use trace::sample::columns::{Columns, Meaning, value};
use trace::sample::{File, Flow, Progress, Remark, Row, Sink, Summary, Table, read_bytes};

/// Holds what is promised of rows and files, and keeps nothing.
#[derive(Default)]
struct Strict {
    rows: BTreeMap<u64, u64>,
    seen: Summary,
}

impl Sink for Strict {
    fn row(&mut self, row: &Row<'_>) -> Flow {
        let last = self.rows.entry(row.table.id).or_default();
        *last += 1;
        assert_eq!(row.number, *last, "rows are counted one by one");
        assert_eq!(row.cells().map(str::len).sum::<usize>(), row.bytes(), "cells are all of the row");
        assert_eq!(row.cell(row.width()), "");
        self.seen.rows += 1;
        Flow::Continue(())
    }

    fn file(&mut self, file: &File<'_>) -> Flow {
        assert!(file.is_whole(), "a small file in part");
        self.seen.files += 1;
        Flow::Continue(())
    }

    fn end(&mut self, table: &Table) -> Flow {
        assert!(table.columns.len() <= trace::sample::limits::COLUMNS_MAX);
        Flow::Continue(())
    }

    fn remark(&mut self, _: Remark) {
        self.seen.remarks += 1;
    }
}

/// Any bytes as a file of a sample.
pub fn read(data: &[u8]) {
    let mut strict = Strict::default();
    let summary = read_bytes("goods.csv", data, &Progress::default(), &mut strict);
    assert_eq!(
        (summary.rows, summary.files, summary.remarks),
        (strict.seen.rows, strict.seen.files, strict.seen.remarks)
    );
    assert!(!summary.stopped);
}

/// Delimited texts.
pub fn delimited() -> Vec<Vec<u8>> {
    let wide: Vec<u8> = "\u{feff}nik\tnama\n1\tSiti\n2\tBudi\n".encode_utf16().flat_map(u16::to_le_bytes).collect();
    vec![
        b"nik,nama,lahir\n3171014101900001,\"Siti, S.Kep\",01/02/1990\n3171010101900002,\"say \"\"x\"\"\",2\n".to_vec(),
        b"'a';'b'\r\n'c;d';'e'\r\n'f';'g'\r\n".to_vec(),
        b"a|b\n\"x\\\"y\"|2\n\"open|3\n4|Jos\xE9\n".to_vec(),
        wide,
    ]
}

/// Dumps.
pub fn sql() -> Vec<Vec<u8>> {
    [
        "-- MySQL dump\nCREATE TABLE `a` (`x` int, `y` text, KEY `k` (`x`));\nINSERT INTO `a` VALUES (1,'it\\'s; (z)'),(NULL,0x41);\n",
        "-- PostgreSQL database dump\nCOPY public.a (x, y) FROM stdin;\n1\ta\\tb\n\\N\t\\\\x\n\\.\nINSERT INTO a VALUES (2, E'a\\'b'::text);\n",
        "CREATE TABLE [dbo].[a]([x] [int] NOT NULL)\nGO\nINSERT [dbo].[a] ([x]) VALUES (CAST(N'2020-01-01' AS Date))\nGO\n",
        "PRAGMA foreign_keys=OFF;\nBEGIN TRANSACTION;\nCREATE TABLE a(x, \"y\");\nINSERT INTO a VALUES(1,X'41');\nCOMMIT;\n",
        "CREATE FUNCTION f() AS $$ BEGIN; $$ LANGUAGE sql; /* c */ INSERT INTO a VALUES (1);",
    ]
    .map(|text| text.as_bytes().to_vec())
    .to_vec()
}

/// JSON.
pub fn json() -> Vec<Vec<u8>> {
    [
        r#"[{"nik":"3171014101900001","nama":"Siti \u00e9 \ud83d\ude00","lahir":{"y":1990},"telp":["08","09"]},{"nik":null,"x":1.50}]"#,
        "{\"a\":1,\"b\":\"x\"}\n{\"a\":2,\"c\":[{\"d\":1}]}\n{broken\n{\"a\":3}\n",
        r#"{"total":2,"pasien":[{"a":1},{"a":2}],"hasil":{"rows":[{"b":[1,2]}]}}"#,
        "[[1,\"a\"],[2,\"b\"],3,\"c\"]",
        r#"{"resourceType":"Bundle","entry":[{"resource":{"resourceType":"Patient","name":[{"family":"x"}]}}]}"#,
    ]
    .map(|text| text.as_bytes().to_vec())
    .to_vec()
}

/// Any text as each kind of value, and its lines as a table.
pub fn columns(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let rows: Vec<Vec<String>> =
        text.lines().take(50).map(|line| line.split(';').take(50).map(str::to_owned).collect()).collect();
    for cell in rows.iter().flatten() {
        for order in [Order::DayFirst, Order::MonthFirst] {
            if let Some(when) = parse(cell, order) {
                assert!(when.time.is_none_or(|time| (0..=86_400_999_999).contains(&time)));
                assert!((-50_000..70_000).contains(&when.days));
                let _ = when.micros(420);
            }
        }
        let _ = parse_serial(cell).map(|when| when.clock());
        assert!(value::nik(cell).is_none_or(|nik| nik.digits.len() == 16));
        assert!(value::phone(cell).is_none_or(|phone| phone.starts_with("+62") && phone.len() <= 15));
        assert!(value::jkn_card(cell).is_none_or(|card| card.len() == 13));
        let _ = (value::digits(cell), value::sex(cell), value::is_uid(cell), value::is_icd(cell));
    }
    let headings: Vec<String> = rows.first().cloned().unwrap_or_default();
    let mut columns = Columns::recognise(&headings, &rows);
    for column in columns.columns() {
        assert!(
            (0.0..=1.0).contains(&column.confidence)
                && column.scores.iter().all(|(_, score)| (0.0..=1.0).contains(score))
        );
    }
    columns.overrule(0, Meaning::Nik);
    assert!(columns.columns().is_empty() || columns.column(Meaning::Nik) == Some(0));
}

/// Tables of values.
pub fn values() -> Vec<Vec<u8>> {
    [
        "nik;nama;lahir;telp\n3171014101900001;Siti Aminah;01/01/1990;0812-3456-7890\n3171010101900002;Budi;1 Januari 1990;+62 812 3456 789\n",
        "20220115081500.123456;2022-01-15T08:15:00,123456+07:00;Senin, 5 Jan 2022 10.11 WIB;44927.5104166667;01-Feb-98\n",
        "1.2.840.113619.2.1;J18.9;RSUD Kota;L;RM-001234;RAD202201150001;Jl. Mawar RT 03;Cor dan pulmo normal;0001234567890\n",
    ]
    .map(|text| text.as_bytes().to_vec())
    .to_vec()
}

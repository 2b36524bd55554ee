//! A sample read once: the columns are decided on the first rows, and all rows come in their normal form.

#[cfg(test)]
mod tests {
    use trace::sample::columns::{Columns, Meaning, Recognised, Shown, Taker};
    use trace::sample::{Fault, File, Flow, Progress, Remark, Table, read_bytes};

    /// Number, name, NIK and instant of a row.
    type Normal = (u64, Vec<String>, Option<String>, Option<i64>);

    #[derive(Default)]
    struct Kept {
        rows: Vec<Normal>,
        faults: Vec<Fault>,
        overrules: bool,
    }

    impl Taker for Kept {
        fn columns(&mut self, _: &Table, columns: &mut Columns) {
            if self.overrules {
                columns.overrule(1, Meaning::Result);
            }
        }

        fn shown(&mut self, shown: &Shown<'_>) -> Flow {
            self.rows.push((shown.row().number, shown.name(), shown.nik(), shown.visit().map(|when| when.micros(420))));
            Flow::Continue(())
        }

        fn file(&mut self, _: &File<'_>) -> Flow {
            Flow::Continue(())
        }

        fn remark(&mut self, remark: Remark) {
            self.faults.push(remark.fault);
        }
    }

    fn goods(rows: u64, changed_from: u64) -> String {
        let mut text = String::from("NIK,Nama,Kunjungan\n");
        for n in 0..rows {
            let (one, two) = (
                format!("31710141{:02}90{:04}", n % 12 + 1, n % 900 + 1),
                format!("Hj. Siti {}, S.Kep", ["Aminah", "Rahayu"][usize::from(n % 2 == 0)]),
            );
            let two = format!("\"{two}\"");
            let (one, two) = if n < changed_from { (one, two) } else { (two, one) };
            text.push_str(&format!("{one},{two},2022-01-15 08:15:07.{:06}\n", n % 1_000_000));
        }
        text
    }

    #[test]
    fn all_rows_come_in_order_with_their_normal_forms() {
        for rows in [1, 30, 1_000, 2_500] {
            let mut kept = Kept::default();
            read_bytes("g", goods(rows, u64::MAX).as_bytes(), &Progress::default(), &mut Recognised::new(&mut kept));
            assert_eq!(kept.rows.len(), usize::try_from(rows).unwrap());
            for (at, (number, name, nik, visit)) in kept.rows.iter().enumerate() {
                let n = u64::try_from(at).unwrap();
                assert_eq!(*number, n + 1);
                assert_eq!(name[0], "SITI");
                assert_eq!(name.len(), 2);
                assert!(nik.is_some());
                // 2022-01-15T01:15:07Z.
                assert_eq!(*visit, Some(1_642_209_307_000_000 + i64::try_from(n).unwrap()));
            }
            assert!(kept.faults.is_empty(), "{:?}", kept.faults);
        }
    }

    #[test]
    fn a_person_overrules_and_a_change_is_remarked_on() {
        let mut kept = Kept { overrules: true, ..Kept::default() };
        read_bytes("g", goods(50, u64::MAX).as_bytes(), &Progress::default(), &mut Recognised::new(&mut kept));
        assert!(kept.rows.iter().all(|row| row.1.is_empty()));
        let mut changed = Kept::default();
        read_bytes("g", goods(40_000, 1_100).as_bytes(), &Progress::default(), &mut Recognised::new(&mut changed));
        assert_eq!(changed.faults, [Fault::ColumnsChange]);
    }
}

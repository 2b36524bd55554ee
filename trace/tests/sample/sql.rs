//! Dumps as four databases write them.

#[cfg(test)]
mod tests {
    use crate::support::{Kept, kept};
    use trace::sample::Fault;

    const COLUMNS: [&str; 4] = ["id", "nama", "lahir", "foto"];

    fn of(text: &str) -> Kept {
        let kept = kept("dump.sql", text);
        assert!(kept.remarks.is_empty(), "{:?}", kept.remarks);
        assert_eq!(kept.rows.keys().collect::<Vec<_>>(), ["dump.sql#pasien"]);
        assert_eq!(kept.headings(), COLUMNS);
        kept
    }

    #[test]
    fn mysql() {
        let kept = of(
            "-- MySQL dump 10.13  Distrib 8.0\n/*!40101 SET NAMES utf8 */;\nDROP TABLE IF EXISTS `pasien`;\n\
            CREATE TABLE `pasien` (\n  `id` int(11) NOT NULL AUTO_INCREMENT,\n  `nama` varchar(50) DEFAULT 'x;(y',\n  `lahir` date,\n  `foto` blob,\n  PRIMARY KEY (`id`),\n  KEY `n` (`nama`)\n) ENGINE=InnoDB;\n\
            LOCK TABLES `pasien` WRITE;\nINSERT INTO `pasien` VALUES (1,'Nu\\'man; (a)','1990-01-31',0x41FF),(-2,'O''Connor\\nJr',NULL,_binary 'ab\\0');\n\
            DELIMITER ;;\nCREATE TRIGGER t BEFORE INSERT ON pasien FOR EACH ROW SET @a = 1 ;;\nDELIMITER ;\n\
            INSERT INTO `pasien` (`id`,`nama`,`lahir`,`foto`) VALUES\n(3,'Siti',\n'1991-02-03 10:11:12.123456',1.5e3);\nUNLOCK TABLES;\n",
        );
        assert_eq!(
            kept.only(),
            [
                ["1", "Nu'man; (a)", "1990-01-31", "0x41FF"],
                ["-2", "O'Connor\nJr", "", "ab\0"],
                ["3", "Siti", "1991-02-03 10:11:12.123456", "1.5e3"]
            ]
        );
    }

    #[test]
    fn postgresql() {
        let kept = of(
            "--\n-- PostgreSQL database dump\n--\nSET client_encoding = 'UTF8';\nCREATE FUNCTION f() RETURNS void AS $$ BEGIN; INSERT INTO pasien VALUES (9,'no','no','no'); $$ LANGUAGE sql;\n\
            CREATE TABLE public.pasien (\n    id integer NOT NULL,\n    nama character varying(50),\n    lahir date,\n    foto bytea\n);\n\
            COPY public.pasien (id, nama, lahir, foto) FROM stdin;\n1\tSiti\\tA\t1990-01-31\t\\\\x41\n2\tBudi; '\t\\N\t\n\\.\n\n\
            INSERT INTO public.pasien (id, nama, lahir, foto) VALUES (3, E'Nu\\'man', '1991-02-03'::date, 'C:\\');\n",
        );
        assert_eq!(
            kept.only(),
            [["1", "Siti\tA", "1990-01-31", "\\x41"], ["2", "Budi; '", "", ""], ["3", "Nu'man", "1991-02-03", "C:\\"]]
        );
    }

    #[test]
    fn sql_server() {
        let kept = of(
            "USE [rs]\nGO\nSET ANSI_NULLS ON\nGO\nCREATE TABLE [dbo].[pasien](\n\t[id] [int] NOT NULL,\n\t[nama] [nvarchar](50) NULL,\n\t[lahir] [date] NULL,\n\t[foto] [varbinary](max)\n) ON [PRIMARY]\nGO\n\
            SET IDENTITY_INSERT [dbo].[pasien] ON \n\nINSERT [dbo].[pasien] ([id], [nama], [lahir], [foto]) VALUES (1, N'Nu''man', CAST(N'1990-01-31' AS Date), 0x41)\n\
            INSERT [dbo].[pasien] ([id], [nama], [lahir], [foto]) VALUES (2, NULL, CAST(N'1991-02-03T10:11:12.1234567' AS DateTime2), NULL)\nGO\n\
            INSERT INTO [dbo].[pasien] ([id], [nama], [lahir], [foto]) VALUES (CAST(3 AS Numeric(5, 0)), N'C:\\', CONVERT(date, '1992-01-01', 23), 0x)\nGO\n",
        );
        assert_eq!(
            kept.only(),
            [
                ["1", "Nu'man", "1990-01-31", "0x41"],
                ["2", "", "1991-02-03T10:11:12.1234567", ""],
                ["3", "C:\\", "1992-01-01", "0x"]
            ]
        );
    }

    #[test]
    fn sqlite() {
        let kept = of(
            "PRAGMA foreign_keys=OFF;\nBEGIN TRANSACTION;\nCREATE TABLE IF NOT EXISTS \"pasien\" (id INTEGER PRIMARY KEY, \"nama\" TEXT, lahir TEXT, foto BLOB, CHECK (id > 0));\n\
            INSERT INTO pasien VALUES(1,'Nu''man','1990-01-31',X'41ff');\nINSERT INTO pasien VALUES(2,'two\nlines',NULL,NULL);\nCREATE INDEX n ON pasien(nama);\nCOMMIT;\n",
        );
        assert_eq!(kept.only(), [["1", "Nu'man", "1990-01-31", "41ff"], ["2", "two\nlines", "", ""]]);
    }

    #[test]
    fn several_tables_and_rows_that_name_other_columns_stay_apart() {
        let kept = kept(
            "d.sql",
            "INSERT INTO a (x) VALUES (1);INSERT INTO b (y,z) VALUES (2,3);\nINSERT INTO a (x) VALUES (4) ON CONFLICT DO NOTHING;\nINSERT INTO c SELECT * FROM a;\nINSERT INTO a (x) VALUES (5);\n",
        );
        assert!(kept.remarks.is_empty(), "{:?}", kept.remarks);
        assert_eq!(kept.rows["d.sql#a"], [["1"], ["4"], ["5"]]);
        assert_eq!(kept.rows["d.sql#b"], [["2", "3"]]);
        assert_eq!(kept.rows.len(), 2);
    }

    #[test]
    fn a_dump_that_is_cut_or_damaged_gives_its_other_rows() {
        let whole = "INSERT INTO `a` VALUES (1,'x'),(2,'y');\nINSERT INTO `a` VALUES (3,'z');\n";
        for end in 0..whole.len() {
            let kept = kept("d.sql", &whole.as_bytes()[..end]);
            let expected = [(38, 2), (30, 1)].iter().find(|(at, _)| end >= *at).map_or(0, |(_, rows)| *rows);
            let found = kept.rows.values().map(Vec::len).sum::<usize>();
            assert!((expected..=3).contains(&found), "{end}: {found}");
        }
        let broken = kept("d.sql", "INSERT INTO `a` VALUES (1,'x'),!!(2,'y');\nINSERT INTO `a` VALUES (3,'z');\n");
        assert_eq!(broken.rows["d.sql#a"], [["1", "x"], ["3", "z"]]);
        assert!(broken.has(Fault::Damaged));
        let cut = kept("d.sql", "INSERT INTO `a` VALUES (1,'x'),(2,'y");
        assert_eq!(cut.rows["d.sql#a"], [["1", "x"]]);
        assert!(cut.has(Fault::CutShort));
    }
}

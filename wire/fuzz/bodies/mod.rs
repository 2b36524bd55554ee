//! What each fuzz target does with its bytes, and the seeds it starts from. The fuzz targets and the smoke test share it.

pub mod dataset;
pub mod names;
pub mod protocol;
pub mod recode;
pub mod samples;

/// Public functions under test together.
pub struct Body {
    /// The name of the fuzz target.
    pub name: &'static str,
    /// What it does with bytes.
    pub run: fn(&[u8]),
    /// Well-formed input to start from.
    pub seeds: fn() -> Vec<Vec<u8>>,
    /// The public functions of `wire` that it calls: `Type::function`, or `file::function` where there is no type.
    pub covers: &'static [&'static str],
}

/// Every body. Together they call every public function of `wire`; a test holds that against the sources.
pub const ALL: &[Body] = &[
    Body {
        name: "scanner",
        run: dataset::scanner,
        seeds: dataset::scanner_seeds,
        covers: &[
            "Scanner::new",
            "Scanner::with_total_bytes",
            "Scanner::feed",
            "Scanner::outline",
            "Scanner::position",
            "Scanner::finish",
            "Outline::root",
            "Outline::element",
            "Outline::text",
            "Outline::sequence",
            "Outline::warnings",
            "Outline::identified",
            "Outline::count",
            "Outline::json",
            "Outline::json_text",
            "DataSet::elements",
            "DataSet::element",
            "DataSet::text",
            "DataSet::sequence",
            "DataSet::json",
            "Element::tag",
            "Element::vr",
            "Element::value",
            "Element::inline",
            "Element::text",
            "Element::json",
            "json::read_json",
        ],
    },
    Body {
        name: "part10",
        run: dataset::part10,
        seeds: dataset::part10_seeds,
        covers: &["Prefix::new", "Prefix::feed", "Prefix::finish"],
    },
    Body {
        name: "charset",
        run: dataset::charset,
        seeds: dataset::charset_seeds,
        covers: &["Charset::of", "Charset::decode", "charset::defined_terms"],
    },
    Body {
        name: "draft",
        run: dataset::draft,
        seeds: dataset::draft_seeds,
        covers: &["write::write", "Draft::from_json", "Draft::encode"],
    },
    Body {
        name: "builder",
        run: recode::builder,
        seeds: recode::builder_seeds,
        covers: &["Draft::new", "Draft::text", "Draft::bytes", "Draft::shorts", "Draft::items"],
    },
    Body {
        name: "recoder",
        run: recode::recoder,
        seeds: recode::recoder_seeds,
        covers: &["Recoder::new", "Recoder::editing", "Recoder::feed", "Recoder::insert", "Recoder::finish"],
    },
    Body {
        name: "inflater",
        run: recode::inflater,
        seeds: recode::inflater_seeds,
        covers: &["Inflater::feed", "Inflater::finish"],
    },
    Body {
        name: "pdu",
        run: protocol::pdu,
        seeds: protocol::pdu_seeds,
        covers: &[
            "Header::parse",
            "PduType::from_code",
            "PduType::code",
            "PresentationResult::code",
            "AssociateRq::parse",
            "AssociateRq::write",
            "AssociateAc::parse",
            "AssociateAc::write",
            "AssociateRj::parse",
            "AssociateRj::named",
            "AssociateRj::write",
            "Abort::parse",
            "Abort::write",
            "short::release_rq",
            "short::release_rp",
            "Pdvs::new",
        ],
    },
    Body {
        name: "fragments",
        run: protocol::fragments,
        seeds: protocol::fragments_seeds,
        covers: &["Fragments::new", "Fragments::write", "Fragments::finish", "data::write_message"],
    },
    Body {
        name: "command",
        run: protocol::command,
        seeds: protocol::command_seeds,
        covers: &["Command::parse", "Command::has_data_set", "Command::response", "Command::write"],
    },
    Body {
        name: "multipart",
        run: protocol::multipart,
        seeds: protocol::multipart_seeds,
        covers: &["Reader::new", "Reader::next", "Reader::finish", "PartHeaders::get"],
    },
    Body {
        name: "media",
        run: names::media,
        seeds: names::media_seeds,
        covers: &[
            "MediaType::parse",
            "MediaType::parameter",
            "Writer::new",
            "Writer::content_type",
            "Writer::begin",
            "Writer::close",
        ],
    },
    Body {
        name: "fhir",
        run: protocol::fhir,
        seeds: protocol::fhir_seeds,
        covers: &[
            "Document::parse",
            "Document::value",
            "Document::into_value",
            "Document::resource_type",
            "Document::member",
            "Document::entry_resources",
            "Document::references",
            "splice::with_identity",
            "splice::set_members",
            "splice::splice",
        ],
    },
    Body {
        name: "names",
        run: names::names,
        seeds: names::names_seeds,
        covers: &[
            "uid::is_uid",
            "TransferSyntax::of",
            "TransferSyntax::uid",
            "TransferSyntax::encoding",
            "TransferSyntax::is_deflated",
            "TransferSyntax::is_encapsulated",
            "TransferSyntax::is_standard",
            "TransferSyntax::standard",
            "json::tag_key",
            "json::parse_tag",
            "vr::vr_of",
            "vr::tag_of",
            "vr::keyword_of",
            "Error::invalid",
            "Error::refused",
            "Error::outcome",
        ],
    },
    Body { name: "file_meta", run: names::file, seeds: names::file_seeds, covers: &["part10::file_meta"] },
];

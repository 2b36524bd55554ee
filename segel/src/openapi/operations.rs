//! What the doors for programs do.

/// One method of one path.
pub struct Operation {
    pub method: &'static str,
    /// As the router has it.
    pub path: &'static str,
    /// The standard's word for it, with its section.
    pub section: &'static str,
    pub summary: &'static str,
    /// Query parameters.
    pub query: &'static [&'static str],
    /// Media types of the request's body.
    pub takes: &'static [&'static str],
    /// Media types of the answer's.
    pub gives: &'static [&'static str],
    /// Whether it needs no token.
    pub is_open: bool,
}

const fn get(
    path: &'static str,
    section: &'static str,
    summary: &'static str,
    query: &'static [&'static str],
    gives: &'static [&'static str],
) -> Operation {
    Operation { method: "GET", path, section, summary, query, takes: &[], gives, is_open: false }
}

const fn post(
    path: &'static str,
    section: &'static str,
    summary: &'static str,
    takes: &'static [&'static str],
    gives: &'static [&'static str],
) -> Operation {
    Operation { method: "POST", path, section, summary, query: &[], takes, gives, is_open: false }
}

const SEARCH: &str = "Search (PS3.18 10.6)";
const STORE: &str = "Store (PS3.18 10.5)";
const RETRIEVE: &str = "Retrieve (PS3.18 10.4)";
const JSON: &[&str] = &["application/dicom+json"];
const MATCHING: &[&str] = &["{attribute}", "includefield", "fuzzymatching", "limit", "offset"];
const ACCEPT: &[&str] = &["accept"];
const PARTS: &str = "multipart/related";
const INSTANCES: &[&str] = &[PARTS, "application/dicom"];
const STORED: &[&str] = &[PARTS, "application/dicom"];
const BULK: &[&str] = &[PARTS, "application/octet-stream"];
const FRAMES: &[&str] = &[
    PARTS,
    "application/octet-stream",
    "image/jpeg",
    "image/jls",
    "image/jp2",
    "image/jphc",
    "image/jxl",
    "image/dicom-rle",
];
const PICTURE: &[&str] = &["accept", "annotation", "quality", "viewport", "window", "iccprofile"];
const PICTURES: &[&str] = &["image/jpeg", "image/png", "application/pdf"];
const ALL_PICTURES: &[&str] = &[PARTS];
const WORKLIST: &str = "Worklist (PS3.18 11)";
const FHIR: &str = "FHIR R4";
const FHIR_JSON: &[&str] = &["application/fhir+json"];

/// Every operation of the doors for programs.
pub const OPERATIONS: &[Operation] = &[
    get("/dicom-web/studies", SEARCH, "Search for studies.", MATCHING, JSON),
    post("/dicom-web/studies", STORE, "Store instances.", STORED, JSON),
    get("/dicom-web/series", SEARCH, "Search for series.", MATCHING, JSON),
    get("/dicom-web/instances", SEARCH, "Search for instances.", MATCHING, JSON),
    get("/dicom-web/studies/{study}/series", SEARCH, "Search for the series of a study.", MATCHING, JSON),
    get("/dicom-web/studies/{study}/instances", SEARCH, "Search for the instances of a study.", MATCHING, JSON),
    get(
        "/dicom-web/studies/{study}/series/{series}/instances",
        SEARCH,
        "Search for the instances of a series.",
        MATCHING,
        JSON,
    ),
    get("/dicom-web/studies/{study}", RETRIEVE, "The instances of a study.", ACCEPT, INSTANCES),
    post("/dicom-web/studies/{study}", STORE, "Store instances of one study.", STORED, JSON),
    get("/dicom-web/studies/{study}/series/{series}", RETRIEVE, "The instances of a series.", ACCEPT, INSTANCES),
    get("/dicom-web/studies/{study}/series/{series}/instances/{instance}", RETRIEVE, "An instance.", ACCEPT, INSTANCES),
    get("/dicom-web/studies/{study}/metadata", RETRIEVE, "The metadata of a study's instances.", ACCEPT, JSON),
    get(
        "/dicom-web/studies/{study}/series/{series}/metadata",
        RETRIEVE,
        "The metadata of a series' instances.",
        ACCEPT,
        JSON,
    ),
    get(
        "/dicom-web/studies/{study}/series/{series}/instances/{instance}/metadata",
        RETRIEVE,
        "The metadata of an instance.",
        ACCEPT,
        JSON,
    ),
    get(
        "/dicom-web/studies/{study}/series/{series}/instances/{instance}/frames/{frames}",
        RETRIEVE,
        "Frames by their numbers, from 1, with commas between them.",
        ACCEPT,
        FRAMES,
    ),
    get(
        "/dicom-web/studies/{study}/series/{series}/instances/{instance}/bulkdata/{*path}",
        RETRIEVE,
        "The value of an attribute: tags, with the item's number from 0 between a sequence and what is in it.",
        ACCEPT,
        BULK,
    ),
    get("/dicom-web/studies/{study}/bulkdata", RETRIEVE, "All bulk data of a study.", ACCEPT, BULK),
    get("/dicom-web/studies/{study}/series/{series}/bulkdata", RETRIEVE, "All bulk data of a series.", ACCEPT, BULK),
    get(
        "/dicom-web/studies/{study}/series/{series}/instances/{instance}/bulkdata",
        RETRIEVE,
        "All bulk data of an instance.",
        ACCEPT,
        BULK,
    ),
    get("/dicom-web/studies/{study}/pixeldata", RETRIEVE, "All frames of a study.", ACCEPT, FRAMES),
    get("/dicom-web/studies/{study}/series/{series}/pixeldata", RETRIEVE, "All frames of a series.", ACCEPT, FRAMES),
    get(
        "/dicom-web/studies/{study}/series/{series}/instances/{instance}/pixeldata",
        RETRIEVE,
        "All frames of an instance.",
        ACCEPT,
        FRAMES,
    ),
    get("/dicom-web/studies/{study}/rendered", RETRIEVE, "A picture of each image of a study.", PICTURE, ALL_PICTURES),
    get(
        "/dicom-web/studies/{study}/series/{series}/rendered",
        RETRIEVE,
        "A picture of each image of a series.",
        PICTURE,
        ALL_PICTURES,
    ),
    get(
        "/dicom-web/studies/{study}/series/{series}/instances/{instance}/rendered",
        RETRIEVE,
        "An instance to look at.",
        PICTURE,
        PICTURES,
    ),
    get(
        "/dicom-web/studies/{study}/series/{series}/instances/{instance}/frames/{frames}/rendered",
        RETRIEVE,
        "Frames to look at.",
        PICTURE,
        PICTURES,
    ),
    get("/dicom-web/studies/{study}/thumbnail", RETRIEVE, "A small picture of a study.", PICTURE, PICTURES),
    get(
        "/dicom-web/studies/{study}/series/{series}/thumbnail",
        RETRIEVE,
        "A small picture of a series.",
        PICTURE,
        PICTURES,
    ),
    get(
        "/dicom-web/studies/{study}/series/{series}/instances/{instance}/thumbnail",
        RETRIEVE,
        "A small picture of an instance.",
        PICTURE,
        PICTURES,
    ),
    get(
        "/dicom-web/studies/{study}/series/{series}/instances/{instance}/frames/{frames}/thumbnail",
        RETRIEVE,
        "A small picture of a frame.",
        PICTURE,
        PICTURES,
    ),
    get(
        "/wado",
        "URI service (PS3.18 9)",
        "An instance or a picture of it, by the UIDs in the query.",
        &[
            "requestType",
            "studyUID",
            "seriesUID",
            "objectUID",
            "contentType",
            "transferSyntax",
            "frameNumber",
            "rows",
            "columns",
            "region",
            "windowCenter",
            "windowWidth",
            "imageQuality",
            "annotation",
        ],
        &["application/dicom", "image/jpeg", "image/png"],
    ),
    post(
        "/dicom-web/commitment-requests/{transaction}",
        "Storage commitment (PS3.18 13)",
        "Which instances are kept for good.",
        JSON,
        JSON,
    ),
    get("/dicom-web/workitems", WORKLIST, "Search for workitems.", MATCHING, JSON),
    post("/dicom-web/workitems", WORKLIST, "Create a workitem.", JSON, &[]),
    get("/dicom-web/workitems/{workitem}", WORKLIST, "A workitem.", ACCEPT, JSON),
    post("/dicom-web/workitems/{workitem}", WORKLIST, "Update a workitem.", JSON, &[]),
    Operation {
        method: "PUT",
        path: "/dicom-web/workitems/{workitem}/state",
        section: WORKLIST,
        summary: "Claim, complete or end a workitem.",
        query: &[],
        takes: JSON,
        gives: &[],
        is_open: false,
    },
    post("/dicom-web/workitems/{workitem}/cancelrequest", WORKLIST, "Ask that a workitem be cancelled.", JSON, &[]),
    Operation {
        method: "OPTIONS",
        path: "/dicom-web",
        section: "Capabilities (PS3.18 8.9)",
        summary: "What this service can do.",
        query: ACCEPT,
        takes: &[],
        gives: &["application/vnd.sun.wadl+xml", "application/json"],
        is_open: true,
    },
    post("/fhir", FHIR, "transaction", FHIR_JSON, FHIR_JSON),
    post("/fhir/", FHIR, "transaction", FHIR_JSON, FHIR_JSON),
    get("/fhir/metadata", FHIR, "capabilities", &[], FHIR_JSON),
    get("/fhir/{resource_type}", FHIR, "search-type", &["{parameter}", "_count"], FHIR_JSON),
    post("/fhir/{resource_type}", FHIR, "create", FHIR_JSON, FHIR_JSON),
    post("/fhir/{resource_type}/_search", FHIR, "search-type", &["application/x-www-form-urlencoded"], FHIR_JSON),
    get("/fhir/{resource_type}/{id}", FHIR, "read", &[], FHIR_JSON),
    Operation {
        method: "PUT",
        path: "/fhir/{resource_type}/{id}",
        section: FHIR,
        summary: "update",
        query: &[],
        takes: FHIR_JSON,
        gives: FHIR_JSON,
        is_open: false,
    },
    get("/fhir/{resource_type}/{id}/_history/{version}", FHIR, "vread", &[], FHIR_JSON),
    Operation {
        method: "GET",
        path: "/openapi.json",
        section: "OpenAPI",
        summary: "This document.",
        query: &[],
        takes: &[],
        gives: &["application/json"],
        is_open: true,
    },
];

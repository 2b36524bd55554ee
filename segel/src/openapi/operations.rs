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

/// A step of signing in: whoever takes it has no token yet.
const fn sign_in(
    path: &'static str,
    section: &'static str,
    summary: &'static str,
    takes: &'static [&'static str],
) -> Operation {
    Operation { method: "POST", path, section, summary, query: &[], takes, gives: PLAIN_JSON, is_open: true }
}

/// What anybody may know.
const fn discover(path: &'static str, section: &'static str, summary: &'static str) -> Operation {
    Operation { method: "GET", path, section, summary, query: &[], takes: &[], gives: PLAIN_JSON, is_open: true }
}

const PLAIN_JSON: &[&str] = &["application/json"];
const FORM: &[&str] = &["application/x-www-form-urlencoded"];
const PASSKEYS: &str = "Passkeys (WebAuthn Level 3)";
const DEVICES: &str = "Devices (RFC 9449)";
const PROVIDERS: &str = "OpenID Connect";
const STEP_UP: &str = "Step-up";
const BREAK_GLASS: &str = "Break-glass";
const SMART: &str = "SMART Backend Services";
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

impl Operation {
    /// Whether it fails in the words of RFC 6749 5.2, as the routes of `identity/` do.
    pub fn fails_as_oauth(&self) -> bool {
        [PASSKEYS, DEVICES, PROVIDERS].contains(&self.section) || self.path == "/auth/token"
    }

    /// Whether it stores instances.
    pub fn is_store(&self) -> bool {
        self.section == STORE
    }
}

/// Every operation of the doors for programs.
pub const OPERATIONS: &[Operation] = &[
    Operation {
        method: "POST",
        path: "/auth/quorum",
        section: "Two people",
        summary: "An approver looks at what is proposed, approves or rejects it; everything is signed.",
        query: &[],
        takes: &["application/cbor"],
        gives: &["application/cbor"],
        is_open: true,
    },
    post(
        "/export/{export}",
        "Export",
        "Runs an approved export; its bundle opens for its recipient alone.",
        &[],
        &["application/vnd.segel.bundle"],
    ),
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
    Operation {
        method: "GET",
        path: "/fhir/metadata",
        section: FHIR,
        summary: "capabilities",
        query: &[],
        takes: &[],
        gives: FHIR_JSON,
        is_open: true,
    },
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
    post("/fhir/{resource_type}/{id}/$meta-add", FHIR, "labels are set", FHIR_JSON, FHIR_JSON),
    post("/fhir/{resource_type}/{id}/$meta-delete", FHIR, "labels are taken away", FHIR_JSON, FHIR_JSON),
    get("/fhir/{resource_type}/{id}/_history/{version}", FHIR, "vread", &[], FHIR_JSON),
    discover("/auth/ways", PASSKEYS, "Which ways of signing in there are."),
    sign_in("/auth/passkey/begin", PASSKEYS, "A challenge for a passkey.", PLAIN_JSON),
    sign_in("/auth/passkey/finish", PASSKEYS, "A passkey's answer for a bound token.", PLAIN_JSON),
    sign_in("/auth/enrol/begin", PASSKEYS, "A challenge for a new passkey, by an invitation.", PLAIN_JSON),
    sign_in("/auth/enrol/finish", PASSKEYS, "A new passkey for a bound token.", PLAIN_JSON),
    sign_in("/auth/device/begin", DEVICES, "A nonce for a device's key.", PLAIN_JSON),
    sign_in(
        "/auth/device/finish",
        DEVICES,
        "A device's proof, with an invitation if it is new, for a bound token.",
        PLAIN_JSON,
    ),
    sign_in("/auth/oidc/begin", PROVIDERS, "Where the browser goes to sign in.", PLAIN_JSON),
    sign_in("/auth/oidc/finish", PROVIDERS, "What the provider sent back for a bound token.", PLAIN_JSON),
    discover("/.well-known/smart-configuration", SMART, "Where systems get their tokens."),
    discover("/fhir/.well-known/smart-configuration", SMART, "Where systems get their tokens."),
    sign_in("/auth/token", SMART, "A system's signed assertion for a token (client_credentials).", FORM),
    Operation {
        method: "POST",
        path: "/auth/renew",
        section: DEVICES,
        summary: "A fresh token for the session's last one.",
        query: &[],
        takes: &[],
        gives: PLAIN_JSON,
        is_open: false,
    },
    Operation {
        method: "POST",
        path: "/auth/signout",
        section: DEVICES,
        summary: "Ends the session.",
        query: &[],
        takes: &[],
        gives: &[],
        is_open: false,
    },
    get("/auth/step-up", STEP_UP, "The own askings of a day, and what colleagues wait for.", &[], PLAIN_JSON),
    post("/auth/step-up", STEP_UP, "Asks a colleague for more patients in this hour.", PLAIN_JSON, PLAIN_JSON),
    post("/auth/step-up/approve", STEP_UP, "A colleague's word.", PLAIN_JSON, PLAIN_JSON),
    post("/auth/break-glass", BREAK_GLASS, "Declares an emergency for one patient.", PLAIN_JSON, PLAIN_JSON),
    get("/auth/break-glass/queue", BREAK_GLASS, "Emergencies that wait for a review.", &[], PLAIN_JSON),
    post("/auth/break-glass/review", BREAK_GLASS, "Reviews one.", PLAIN_JSON, PLAIN_JSON),
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

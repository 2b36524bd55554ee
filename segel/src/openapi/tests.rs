use super::*;
use crate::http::Doors;
use archive::Archive;
use archive::keys::{Endpoint, KeyClient};
use archive::settings::Settings;
use std::collections::{BTreeMap, BTreeSet};

const METHODS: [&str; 9] = ["get", "head", "delete", "options", "patch", "post", "put", "trace", "connect"];

/// The routes of a router, as its debugging output lists them: `METHOD path`. A route answers HEAD wherever it answers GET.
fn routes(router: &Router) -> BTreeSet<String> {
    let text = format!("{router:?}");
    let (text, _) = text.split_once("fallback_router: ").unwrap();
    let (mut paths, mut methods) = (BTreeMap::new(), BTreeMap::new());
    for piece in text.split("RouteId(").skip(1) {
        let (number, rest) = piece.split_once(')').unwrap();
        if let Some(path) = rest.strip_prefix(": \"") {
            paths.insert(number, path.split_once('"').unwrap().0);
        } else if rest.starts_with(": MethodRouter(") {
            let is_there = |method: &&str| !rest.split_once(&format!("{method}: ")).unwrap().1.starts_with("None");
            methods.insert(number, METHODS.into_iter().filter(is_there).map(str::to_uppercase).collect::<Vec<_>>());
        }
    }
    assert!(!paths.is_empty() && paths.keys().eq(methods.keys()), "the router shows itself differently: {text}");
    let named = paths.values().zip(methods.values());
    named.flat_map(|(path, methods)| methods.iter().map(move |method| format!("{method} {path}"))).collect()
}

#[tokio::test]
async fn every_route_is_described_and_every_description_has_its_route() {
    let folder = tempfile::tempdir().unwrap();
    let keys = KeyClient::new(Endpoint::Unix(folder.path().join("nobody.sock")));
    let archive = Archive::start(&Settings::new(folder.path()), keys, &mut |_| {}).unwrap();
    let doors = Doors::new(archive, None);
    let entrance = crate::identity::Entrance::new(doors.clone(), crate::identity::Providers::default(), &[]);
    let router = crate::dicomweb::router(doors.clone())
        .merge(crate::emergency::router(doors.clone()))
        .merge(crate::http::quorum::router(doors.clone()))
        .merge(crate::export::router(doors.clone()))
        .merge(crate::fhir::router(doors))
        .merge(crate::identity::router(entrance))
        .merge(router());
    let described: BTreeSet<String> = OPERATIONS.iter().map(|o| format!("{} {}", o.method, o.path)).collect();
    assert_eq!(described.len(), OPERATIONS.len(), "an operation is described twice");
    assert_eq!(routes(&router), described);
}

#[test]
fn the_document_names_every_part_of_every_path() {
    let document = described();
    assert_eq!(document["openapi"], "3.1.0");
    for (path, methods) in document["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap() {
            let named = operation["parameters"].as_array().unwrap();
            let named: Vec<&str> =
                named.iter().filter(|p| p["in"] == "path").filter_map(|p| p["name"].as_str()).collect();
            let steps: Vec<&str> = path.split('/').filter_map(|s| s.strip_prefix('{')?.strip_suffix('}')).collect();
            assert_eq!(named, steps, "{method} {path}");
            assert!(!operation["summary"].as_str().unwrap().is_empty());
        }
    }
    let wadl = wadl("http://h/dicom-web?a=\"b\"&c");
    assert!(wadl.contains("base=\"http://h/dicom-web?a=&quot;b&quot;&amp;c\""));
    assert_eq!(wadl.matches("<resource ").count(), wadl.matches("</resource>").count());
}

#[test]
fn a_path_is_allowed_the_methods_of_its_route() {
    let table = [
        ("/dicom-web/studies", "GET,HEAD,POST,OPTIONS"),
        ("/dicom-web/studies/1.2/metadata", "GET,HEAD,OPTIONS"),
        ("/dicom-web/studies/1/series/2/instances/3/bulkdata/00880200/0/7FE00010", "GET,HEAD,OPTIONS"),
        ("/fhir/Patient/1", "GET,HEAD,PUT,OPTIONS"),
    ];
    for (path, methods) in table {
        assert_eq!(allowed(path).as_deref(), Some(methods), "{path}");
    }
    for path in ["/dicom-web/nothing", "/dicom-web/studies/", "/studies", "/dicom-web/studies//metadata", ""] {
        assert_eq!(allowed(path), None, "{path}");
    }
}

#[tokio::test]
async fn the_pages_that_are_sent_what_nobody_would_are_all_pages() {
    let folder = tempfile::tempdir().unwrap();
    let keys = KeyClient::new(Endpoint::Unix(folder.path().join("nobody.sock")));
    let archive = Archive::start(&Settings::new(folder.path()), keys, &mut |_| {}).unwrap();
    let router = crate::pages::router(Doors::new(archive, None), crate::pages::Sessions::default());
    let tested: Value = serde_json::from_str(include_str!("../../../sim/pages.openapi.json")).unwrap();
    let paths = tested["paths"].as_object().unwrap().iter();
    let tested: BTreeSet<String> = paths
        .flat_map(|(path, methods)| {
            methods.as_object().unwrap().keys().map(move |m| format!("{} {path}", m.to_uppercase()))
        })
        .collect();
    assert_eq!(routes(&router), tested);
}

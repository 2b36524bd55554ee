use super::*;
use crate::http::Doors;
use archive::Archive;
use archive::keys::{Endpoint, KeyClient};
use archive::settings::Settings;
use std::collections::BTreeSet;

const METHODS: [&str; 9] = ["get", "head", "delete", "options", "patch", "post", "put", "trace", "connect"];

/// The routes of a router, as its debugging output lists them: `METHOD path`. A route answers HEAD wherever it answers GET.
fn routes(router: &Router) -> BTreeSet<String> {
    let text = format!("{router:?}");
    let paths = text.split("RouteId(").skip(1).filter_map(|piece| {
        let (number, rest) = piece.split_once(')')?;
        let path = rest.strip_prefix(": \"")?.split_once('"')?.0;
        Some((number.parse::<usize>().ok()?, path.to_owned()))
    });
    let paths: std::collections::BTreeMap<usize, String> = paths.collect();
    let methods: Vec<Vec<&str>> = text
        .split("MethodRouter(")
        .skip(1)
        .map(|piece| {
            let has = |method: &&str| {
                let after = piece.split_once(&format!("{method}: ")).unwrap().1;
                !after.starts_with("None")
            };
            METHODS.into_iter().filter(has).collect()
        })
        .collect();
    assert!(!paths.is_empty() && paths.len() == methods.len(), "the router shows itself differently: {text}");
    let named = paths.values().zip(methods);
    named.flat_map(|(path, methods)| methods.into_iter().map(move |m| format!("{} {path}", m.to_uppercase()))).collect()
}

#[tokio::test]
async fn every_route_is_described_and_every_description_has_its_route() {
    let folder = tempfile::tempdir().unwrap();
    let keys = KeyClient::new(Endpoint::Unix(folder.path().join("nobody.sock")));
    let archive = Archive::start(&Settings::new(folder.path()), keys, &mut |_| {}).unwrap();
    let doors = Doors::new(archive, None);
    let router = crate::dicomweb::router(doors.clone()).merge(crate::fhir::router(doors)).merge(router());
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

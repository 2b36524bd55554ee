//! What the administrator of the application tries: the command line, and the socket behind it.

use sim::Result;
use sim::adversary::administrator::Administrator::Application;
use sim::adversary::administrator::{Abuse, Attempt, Noticed, Scene};
use sim::process::{Archive, segel};

fn command(name: &'static str, hope: &'static str, attempt: fn(&Scene<'_>, &Archive) -> Result<bool>) -> Abuse {
    Abuse { name, by: Application, hope, noticed: Noticed::Refused, attempt: Attempt::Running(attempt) }
}

/// A key of the administrator's own; the file of its public half.
fn rogue(scene: &Scene<'_>) -> Result<(String, String)> {
    let key = scene.folder.join("rogue.key").display().to_string();
    segel(&scene.data, "approve", &["keygen", &key])?;
    let public = format!("{key}.pub");
    Ok((key, public))
}

/// What it proposes itself.
fn proposed(scene: &Scene<'_>) -> Result<String> {
    let token = ["token", "--as", "clinician RSUD-A", "--propose", "dr. Sari lost her laptop"];
    sim::approver::proposed(&scene.data, "admin", &token)
}

pub fn abuses() -> Vec<Abuse> {
    let mut abuses = rights();
    abuses.extend(decisions());
    abuses
}

fn rights() -> Vec<Abuse> {
    vec![
        command("a colleague's token", "a bearer token in a clinician's name", |scene, _| {
            scene.is_refused("admin", &["token", "--as", "clinician RSUD-A"])
        }),
        command("an accomplice on the staff", "a clinician who does not exist", |scene, _| {
            let add = ["person", "add", "accomplice", "--facility", "RSUD-A", "--role", "clinician"];
            scene.is_refused("admin", &add)
        }),
        command("a machine becomes a clinician", "another role for a system whose token is at hand", |scene, _| {
            let add = ["person", "add", "system RSUD-A", "--facility", "RSUD-A", "--role", "clinician", "--replace"];
            scene.is_refused("admin", &add)
        }),
        command("another hospital's clinician moves here", "another facility for a token at hand", |scene, _| {
            let name = "clinician KLINIK-B";
            scene.is_refused(
                "admin",
                &["person", "add", name, "--facility", "RSUD-A", "--role", "clinician", "--replace"],
            )
        }),
        command("a workstation of one's own", "a DICOM peer that moves studies to itself", |scene, _| {
            let add = ["peer", "add", "ROGUE", "--facility", "RSUD-A", "--host", "127.0.0.1", "--port", "11199"];
            scene.is_refused("admin", &add)
        }),
        command("a modality that moved", "another address for a peer that is known", |scene, _| {
            let add = ["peer", "add", "MODALITY", "--facility", "RSUD-A", "--host", "127.0.0.1", "--port", "11199"];
            scene.is_refused("admin", &add)
        }),
        command("an invitation in a colleague's name", "a passkey of one's own for somebody else", |scene, _| {
            scene.is_refused("admin", &["person", "invite", "clinician RSUD-A"])
        }),
        command("a system's keys exchanged", "assertions in a system's name", |scene, _| {
            let jwks = scene.folder.join("jwks.json");
            std::fs::write(&jwks, r#"{"keys": []}"#)?;
            let jwks = jwks.display().to_string();
            scene.is_refused("admin", &["person", "keys", "system RSUD-A", "--jwks", &jwks])
        }),
        command("a duty that goes on", "another last day for somebody who has left", |scene, _| {
            scene.is_refused("admin", &["person", "terms", "dr. Lapsed", "--duty-until", "2099-12-31"])
        }),
        command("whoever is frozen thaws", "an alarm's freezing undone in a colleague's name", |scene, _| {
            scene.is_refused("admin", &["thaw", "dr. Frozen", "--as", "Auditor", "--note", "a false alarm"])
        }),
        command("who was removed comes back", "the same name once more", |scene, _| {
            let add = ["person", "add", "dr. Gone", "--facility", "RSUD-A", "--role", "clinician"];
            scene.is_refused("admin", &add)
        }),
        command("a hold lifted", "a record under dispute, free to be erased", |scene, _| {
            scene.is_refused("admin", &["lift", &scene.base.pseudonym()?, "--reason", "settled"])
        }),
        command("a stranger's report", "who opened a neighbour's record, by the socket", |scene, _| {
            let number = &scene.base.people.first().ok_or("nobody")?.number;
            scene.is_refused("report", &["--patient", number, "--facility", "RSUD-A"])
        }),
        command(
            "a token for bringing records in, to read with",
            "the one token that takes one person",
            |_, archive| {
                let token = archive.admin(&["token", "--as", "system RSUD-A", "--purpose", "HSYSADMIN"])?;
                let study = sim::adversary::administrator::uids(0).study;
                let paths = ["/dicom-web/studies?limit=9", &format!("/dicom-web/studies/{study}/metadata")];
                Ok(paths.iter().all(|path| {
                    sim::http::get(archive.http, &token, path)
                        .is_some_and(|(status, body)| status >= 400 || body.len() < 3)
                }))
            },
        ),
    ]
}

fn decisions() -> Vec<Abuse> {
    vec![
        command("an approver of one's own", "a second key that approves", |scene, _| {
            let (_, public) = rogue(scene)?;
            scene.is_refused("admin", &["approver", "add", "clinician RSUD-A", "--key", &public])
        }),
        command("an approver's key exchanged", "an approver's name with one's own key", |scene, _| {
            let (_, public) = rogue(scene)?;
            scene.is_refused("admin", &["approver", "add", "Ani", "--key", &public])
        }),
        command("an approver removed", "fewer than two, so that none are needed", |scene, _| {
            scene.is_refused("admin", &["person", "remove", "Ani"])
        }),
        command("a proposal that nobody approved", "what one has proposed oneself, done", |scene, _| {
            let id = proposed(scene)?;
            scene.is_refused("approve", &["enact", &id])
        }),
        command("a proposal signed by its proposer", "a signature by a key of one's own", |scene, _| {
            let (id, (key, _)) = (proposed(scene)?, rogue(scene)?);
            let is_refused = scene.is_refused("approve", &["sign", &id, "--yes", "--key", &key])?;
            Ok(is_refused && scene.is_refused("approve", &["enact", &id])?)
        }),
        command("an old proposal done again", "what two approved once, a second time", |scene, _| {
            let listed = segel(&scene.data, "approve", &["list", "--json"])?;
            let id = listed.split('"').find(|word| word.len() == 64 && word.chars().all(|c| c.is_ascii_hexdigit()));
            scene.is_refused("approve", &["enact", id.ok_or("no proposal is listed")?])
        }),
        command("weaker rules", "one approval instead of two", |scene, _| {
            let file = scene.folder.join("weaker.toml");
            std::fs::write(&file, "[quorum.access]\napprovals = 1\n")?;
            scene.is_refused("approve", &["propose", "settings", &file.display().to_string(), "--reason", "it is late"])
        }),
    ]
}

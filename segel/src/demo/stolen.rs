//! A stolen login: somebody with a member of staff's token takes what it opens, as fast as it goes.

use super::story::{STUDY_INSTANCE_UID, Story, json, text};
use crate::client::HttpClient;
use crate::register::AdminClient;
use anyhow::{Context as _, Result, bail, ensure};
use record::{Purpose, Role};
use seal::message::alarm::{AlarmAnswer, AlarmRequest};
use seal::message::{AdminAnswer, AdminRequest};
use std::path::Path;
use std::time::Instant;

/// Refusals in a row after which the thief gives up.
const REFUSALS_MAX: usize = 10;
const TOKEN_SECONDS: u32 = 3_600;

/// A hospital of the demonstration has some twenty patients with images; where there are thousands, budgets are larger.
const SETTINGS: &str = "[budgets.actor.radiographer]
contents = { hour = 8, day = 16 }
summaries = { hour = 200, day = 500 }
";

/// Settings of the key service for a world so small.
pub(super) fn expect_few_patients(folder: &Path) -> Result<()> {
    let folder = folder.join("keyservice");
    std::fs::create_dir_all(&folder)?;
    Ok(std::fs::write(folder.join("keyservice.toml"), SETTINGS)?)
}

impl Story {
    /// The thief lists, opens one study after the other, and is stopped; the alarm says whose login it was.
    pub(super) async fn stolen_login_is_stopped(&mut self) -> Result<()> {
        let since = Instant::now();
        let mut admin = AdminClient::connect(&self.folder.join("keyservice/admin.sock"))?;
        let facility = &self.world.facilities.first().context("a world without facilities")?.code;
        let staff = self.world.people.iter().find(|one| one.facility == *facility && one.role == Role::Radiographer);
        let name = staff.context("nobody is a radiographer")?.name.clone();
        let request = AdminRequest::Token { name: name.clone(), purpose: Purpose::Treat, seconds: TOKEN_SECONDS };
        let AdminAnswer::Token(token) = admin.must(request)? else { bail!("the key service gives no token") };
        let thief = HttpClient::new(self.node()?.http_address().context("no HTTP door")?, token);
        let listed = json(&thief, "/dicom-web/studies?limit=1000").await?;
        let listed = listed.as_array().context("no list of studies")?;
        let (mut opened, mut refused) = (0, 0);
        for row in listed {
            let path = format!("/dicom-web/studies/{}/metadata", text(Some(row), STUDY_INSTANCE_UID)?);
            if thief.get(&path, "application/dicom+json").await?.status.is_success() {
                (opened, refused) = (opened + 1, 0);
            } else {
                refused += 1;
            }
            if refused == REFUSALS_MAX {
                break;
            }
        }
        ensure!(refused == REFUSALS_MAX, "the thief took all {} studies and nobody stopped it", listed.len());
        let AdminAnswer::Alarm(AlarmAnswer::Alarms(alarms)) =
            admin.must(AdminRequest::Alarm(AlarmRequest::List { all: true }))?
        else {
            bail!("the key service lists no alarms")
        };
        let alarm = alarms.iter().find(|alarm| alarm.name.as_deref() == Some(name.as_str()));
        let alarm = alarm.context("the login was stopped and no alarm names it")?;
        let told = format!(
            "A thief with the login of a radiographer saw a list of {} studies, opened {opened} of them, and was stopped. The alarm: {}.",
            listed.len(),
            alarm.text.trim_end_matches('.')
        );
        self.say(since, &told);
        Ok(())
    }
}

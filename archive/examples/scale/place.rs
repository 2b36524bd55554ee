//! A data folder with its key service, in this process.

use super::Result;
use archive::Archive;
use archive::keys::{Endpoint, KeyClient};
use archive::settings::Settings;
use keyservice::{Address, Config, Passphrase, Service};
use record::{FacilityCode, Purpose, Role};
use seal::frame;
use seal::message::{AdminAnswer, AdminCall, AdminReply, AdminRequest, Asker, Proof};
use std::path::Path;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::UnixStream;

/// The facility that has sent everything.
const FACILITY: &str = "RS-SKALA";

/// An open archive and the machine that sends to it and asks it.
pub struct Place {
    pub service: Service,
    pub archive: Archive,
    pub asker: Asker,
}

pub async fn open(data: &Path) -> Result<Place> {
    let passphrase = std::env::var("SEGEL_PASSPHRASE").map_err(|_| "the passphrase belongs into SEGEL_PASSPHRASE")?;
    let service = Service::start(keyservice::Settings {
        folder: data.join("keyservice"),
        passphrase: Passphrase::new(passphrase.into_bytes()),
        config: Config::default(),
    })
    .await?;
    let code = FacilityCode::new(FACILITY).ok_or("no facility's code")?;
    admin(&service, AdminRequest::AddFacility { code: code.clone(), name: "Rumah Sakit Skala".to_owned() }).await?;
    let name = "skala".to_owned();
    admin(&service, AdminRequest::AddPerson { name: name.clone(), facility: code, role: Role::System }).await?;
    let request = AdminRequest::Token { name, purpose: Purpose::Treat, seconds: 12 * 3_600 };
    let AdminAnswer::Token(token) = admin(&service, request).await? else { return Err("no token".into()) };
    let asker = Asker { proof: Proof::Bearer(token), purpose: Purpose::Treat, channel: "import".to_owned() };
    let Address::Unix(socket) = service.node() else { return Err("no socket".into()) };
    let keys = KeyClient::new(Endpoint::Unix(socket.clone()));
    let archive = Archive::start(&Settings::new(data), keys, &mut |_| {})?;
    Ok(Place { service, archive, asker })
}

async fn admin(service: &Service, request: AdminRequest) -> Result<AdminAnswer> {
    let Address::Unix(socket) = service.admin() else { return Err("no socket".into()) };
    let mut stream = UnixStream::connect(socket).await?;
    stream.write_all(&frame::encode(&AdminCall { id: 1, request })?).await?;
    let mut prefix = [0; 4];
    stream.read_exact(&mut prefix).await?;
    let mut item = vec![0; frame::item_len(prefix)?];
    stream.read_exact(&mut item).await?;
    let reply: AdminReply = frame::decode(&item)?;
    match reply.answer {
        AdminAnswer::Failed(failure) => Err(failure.to_string().into()),
        answer => Ok(answer),
    }
}

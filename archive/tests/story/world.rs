//! Two hospitals, a key service and an archive in a temporary folder.

use archive::ingest::{Declared, InstanceReceiver, Stored};
use archive::keys::{Endpoint, KeyClient};
use archive::retrieve::{Opened, Target};
use archive::settings::Settings;
use archive::{Archive, Result};
use keyservice::{Address, Config, Service};
use record::{FacilityCode, Purpose, Role};
use seal::frame;
use seal::message::{AdminAnswer, AdminCall, AdminReply, AdminRequest, Asker, Part, Proof};
use std::path::Path;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::UnixStream;
use wire::dataset::{Draft, Tag, VR};
use wire::syntax::{EXPLICIT_LITTLE, Encoding};

pub const CT_IMAGE_STORAGE: &str = "1.2.840.10008.5.1.4.1.1.2";

pub struct World {
    pub folder: TempDir,
    pub archive: Archive,
    pub service: Option<Service>,
    /// Hospital A's and B's machines.
    pub a: Asker,
    pub b: Asker,
    /// Hospital A's registrar, who acts for patients.
    pub registrar: Asker,
}

impl World {
    pub async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let service = start(folder.path()).await;
        for code in ["RSUD-A", "RSUD-B"] {
            let code = FacilityCode::new(code).unwrap();
            admin(&service, AdminRequest::AddFacility { code: code.clone(), name: code.to_string() }).await;
            admin(
                &service,
                AdminRequest::AddPerson { name: format!("pacs-{code}"), facility: code, role: Role::System },
            )
            .await;
        }
        let code = FacilityCode::new("RSUD-A").unwrap();
        admin(
            &service,
            AdminRequest::AddPerson { name: "registrar".to_owned(), facility: code, role: Role::Registrar },
        )
        .await;
        let a = asker(&service, "pacs-RSUD-A", Purpose::Treat).await;
        let b = asker(&service, "pacs-RSUD-B", Purpose::Treat).await;
        let registrar = asker(&service, "registrar", Purpose::PatientRequest).await;
        let archive = open(folder.path(), &service);
        Self { folder, archive, service: Some(service), a, b, registrar }
    }

    pub async fn stop_keys(&mut self) {
        self.service.take().unwrap().stop().await.unwrap();
    }

    pub async fn start_keys(&mut self) {
        self.service = Some(start(self.folder.path()).await);
        // The client waits this long after a failed attempt before the next one.
        tokio::time::sleep(std::time::Duration::from_millis(150)).await;
    }

    pub async fn store(&self, asker: &Asker, bytes: &[u8]) -> Result<Stored> {
        let mut receiver = self.receive(asker);
        receiver.write(bytes).await?;
        receiver.finish().await
    }

    /// A receiver of bare data sets.
    pub fn receive(&self, asker: &Asker) -> InstanceReceiver {
        self.archive
            .receive(asker, Declared { transfer_syntax: Some(EXPLICIT_LITTLE.to_owned()), ..Declared::default() })
    }

    pub async fn open(&self, asker: &Asker, target: &Target) -> Result<Vec<Opened>> {
        let located = self.archive.locate(asker, target).await?;
        self.archive.open(asker, Part::Content, &located).await
    }

    /// Every byte of every file below the archive's folder.
    pub fn archive_files(&self) -> Vec<(std::path::PathBuf, Vec<u8>)> {
        let mut folders = vec![self.folder.path().join("archive")];
        let mut files = Vec::new();
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    folders.push(path);
                } else {
                    files.push((path.clone(), std::fs::read(path).unwrap()));
                }
            }
        }
        files
    }

    /// Bytes of segments and staged files.
    pub fn kept_bytes(&self) -> usize {
        let is_index = |path: &Path| path.file_name().is_some_and(|name| name.to_string_lossy().contains("index"));
        self.archive_files().iter().filter(|(path, _)| !is_index(path)).map(|(_, bytes)| bytes.len()).sum()
    }
}

pub fn open(folder: &Path, service: &Service) -> Archive {
    let Address::Unix(socket) = service.node() else { panic!("the test's key service listens on a Unix socket") };
    Archive::start(&Settings::new(folder), KeyClient::new(Endpoint::Unix(socket.clone())), &mut |_| {}).unwrap()
}

async fn start(folder: &Path) -> Service {
    start_with(folder, Config::default()).await
}

pub async fn start_with(folder: &Path, config: Config) -> Service {
    let passphrase = keyservice::Passphrase::new(b"correct horse battery staple".to_vec());
    Service::start(keyservice::Settings { folder: folder.join("keyservice"), passphrase, config }).await.unwrap()
}

async fn admin(service: &Service, request: AdminRequest) -> AdminAnswer {
    let Address::Unix(socket) = service.admin() else { panic!("the test's key service listens on a Unix socket") };
    let mut stream = UnixStream::connect(socket).await.unwrap();
    stream.write_all(&frame::encode(&AdminCall { id: 1, request }).unwrap()).await.unwrap();
    let mut prefix = [0; 4];
    stream.read_exact(&mut prefix).await.unwrap();
    let mut item = vec![0; frame::item_len(prefix).unwrap()];
    stream.read_exact(&mut item).await.unwrap();
    let reply: AdminReply = frame::decode(&item).unwrap();
    if let AdminAnswer::Failed(failure) = &reply.answer {
        panic!("{failure}");
    }
    reply.answer
}

async fn asker(service: &Service, name: &str, purpose: Purpose) -> Asker {
    let request = AdminRequest::Token { name: name.to_owned(), purpose, seconds: 3600 };
    let AdminAnswer::Token(token) = admin(service, request).await else { panic!("no token") };
    Asker { proof: Proof::Bearer(token), purpose, channel: "import".to_owned() }
}

/// An image that differs from others in what a test names.
#[derive(Clone)]
pub struct Image {
    pub patient_id: &'static str,
    pub issuer: &'static str,
    pub nik: &'static str,
    pub name: &'static str,
    pub birth_date: &'static str,
    pub accession: &'static str,
    pub study: String,
    pub series: String,
    pub instance: String,
    pub date: &'static str,
    pub modality: &'static str,
    pub description: &'static str,
    pub pixels: Vec<u8>,
}

impl Image {
    pub fn new(patient_id: &'static str, name: &'static str, study: &str, number: u32) -> Self {
        Self {
            patient_id,
            issuer: "",
            nik: "",
            name,
            birth_date: "19900512",
            accession: "ACC-77-X",
            study: study.to_owned(),
            series: format!("{study}.1"),
            instance: format!("{study}.1.{number}"),
            date: "20220105",
            modality: "CT",
            description: "THORAX POLOS",
            pixels: vec![7; 64],
        }
    }

    pub fn target(&self) -> Target {
        Target::instance(&self.study, &self.series, &self.instance)
    }

    pub fn draft(&self) -> Draft {
        let mut set = Draft::new()
            .text(Tag(0x0008, 0x0005), VR::CS, "ISO_IR 192")
            .text(Tag(0x0008, 0x0016), VR::UI, CT_IMAGE_STORAGE)
            .text(Tag(0x0008, 0x0018), VR::UI, &*self.instance)
            .text(Tag(0x0008, 0x0020), VR::DA, self.date)
            .text(Tag(0x0008, 0x0030), VR::TM, "101500")
            .text(Tag(0x0008, 0x0050), VR::SH, self.accession)
            .text(Tag(0x0008, 0x0060), VR::CS, self.modality)
            .text(Tag(0x0008, 0x1030), VR::LO, self.description)
            .text(Tag(0x0010, 0x0010), VR::PN, self.name)
            .text(Tag(0x0010, 0x0020), VR::LO, self.patient_id)
            .text(Tag(0x0010, 0x0021), VR::LO, self.issuer)
            .text(Tag(0x0010, 0x0030), VR::DA, self.birth_date)
            .text(Tag(0x0020, 0x000D), VR::UI, &*self.study)
            .text(Tag(0x0020, 0x000E), VR::UI, &*self.series)
            .shorts(Tag(0x0028, 0x0002), &[1])
            .shorts(Tag(0x0028, 0x0010), &[8])
            .shorts(Tag(0x0028, 0x0011), &[8])
            .shorts(Tag(0x0028, 0x0100), &[8])
            .bytes(Tag(0x7FE0, 0x0010), VR::OW, self.pixels.clone());
        if !self.nik.is_empty() {
            let nik = Draft::new().text(Tag(0x0010, 0x0020), VR::LO, self.nik).text(Tag(0x0010, 0x0021), VR::LO, "NIK");
            set = set.items(Tag(0x0010, 0x1002), vec![nik]);
        }
        set
    }

    pub fn bytes(&self) -> Vec<u8> {
        self.draft().encode(Encoding::ExplicitLittle).unwrap()
    }
}

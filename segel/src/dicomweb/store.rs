//! Store (PS3.18 10.5): instances arrive part by part and go into the archive chunk by chunk; none is ever whole in memory.

mod described;

use super::failure::{Failure, Report};
use super::request::Request;
use crate::http::Problem;
use crate::http::body::BodyReader;
use archive::ingest::{Declared, InstanceReceiver};
use axum::Json;
use axum::body::Body;
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use wire::multipart::{Event, MediaType, PartHeaders, Reader};

const DICOM: &str = "application/dicom";

/// `POST .../studies` and `.../studies/{study}`.
pub async fn store(request: Request, headers: HeaderMap, body: Body) -> Result<Response, Problem> {
    let content_type = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let content_type = MediaType::parse(content_type).map_err(|_| unsupported())?;
    super::accept::json(&request.headers, request.parameter("accept"))?;
    let mut store = Store { request, report: Report::default(), current: Current::None };
    let reading = match content_type.essence.as_str() {
        DICOM => store.single(BodyReader::new(body)).await,
        "multipart/related" => {
            let reader = Reader::new(&content_type)?;
            match content_type.parameter("type").map(str::to_ascii_lowercase).as_deref() {
                None | Some(DICOM) => store.multipart(BodyReader::new(body), reader).await,
                Some(described::JSON) => store.described(BodyReader::new(body), reader).await,
                Some("application/dicom+xml") => {
                    return Err(Problem::unsupported(
                        "Metadata is not taken as XML; send application/dicom, or application/dicom+json with its bulk data.",
                    ));
                }
                Some(_) => return Err(unsupported()),
            }
        }
        _ => return Err(unsupported()),
    };
    store.answer(reading)
}

fn unsupported() -> Problem {
    Problem::unsupported(
        "Instances come as application/dicom, as multipart/related; type=\"application/dicom\", or as \
         multipart/related; type=\"application/dicom+json\" with their bulk data.",
    )
}

struct Store {
    request: Request,
    report: Report,
    current: Current,
}

/// The part that is arriving.
enum Current {
    None,
    Receiving(Box<InstanceReceiver>),
    /// It has failed; the rest of it is passed over.
    Failed(Failure),
}

impl Store {
    async fn single(&mut self, mut body: BodyReader) -> Result<(), Problem> {
        self.begin();
        while let Some(bytes) = body.next().await? {
            self.content(&bytes).await;
        }
        self.end().await;
        Ok(())
    }

    async fn multipart(&mut self, mut body: BodyReader, mut reader: Reader) -> Result<(), Problem> {
        while let Some(piece) = body.next().await? {
            let mut input: &[u8] = &piece;
            while let Some(event) = reader.next(&mut input)? {
                match event {
                    Event::Begin(headers) => self.begin_part(&headers),
                    Event::Content(bytes) => self.content(bytes).await,
                    Event::End => self.end().await,
                    Event::Close => {}
                }
            }
        }
        Ok(reader.finish()?)
    }

    async fn described(&mut self, body: BodyReader, reader: Reader) -> Result<(), Problem> {
        let mut parts = described::Parts::new(&self.request.doors.held);
        parts.read(body, reader).await?;
        parts.store(&self.request, &mut self.report).await
    }

    fn begin_part(&mut self, headers: &PartHeaders) {
        // A part without a type is taken for what the whole says of its parts (RFC 2387 3.1).
        let kind = headers
            .get("content-type")
            .map_or(Ok(DICOM.to_owned()), |text| MediaType::parse(text).map(|kind| kind.essence));
        if kind.is_ok_and(|kind| kind == DICOM) {
            self.begin();
        } else {
            self.current = Current::Failed(unreadable("the part is not application/dicom"));
        }
    }

    fn begin(&mut self) {
        let declared = Declared { study_instance_uid: self.request.names.study.clone(), ..Declared::default() };
        let receiver = self.request.doors.archive.receive(&self.request.caller.asker, declared);
        self.current = Current::Receiving(Box::new(receiver));
    }

    async fn content(&mut self, bytes: &[u8]) {
        if let Current::Receiving(receiver) = &mut self.current
            && let Err(error) = receiver.write(bytes).await
        {
            tracing::info!(%error, "an instance was not stored");
            self.current = Current::Failed(failure_of(receiver.identity(), &error));
        }
    }

    async fn end(&mut self) {
        match std::mem::replace(&mut self.current, Current::None) {
            Current::None => {}
            Current::Failed(failure) => self.report.failed(failure),
            Current::Receiving(receiver) => {
                let uids = receiver.identity();
                match receiver.finish().await {
                    Ok(stored) => {
                        for warning in &stored.warnings {
                            tracing::info!(warning, "an instance departs from the standard");
                        }
                        self.report.kept(&stored, &self.request.base);
                    }
                    Err(error) => {
                        tracing::info!(%error, "an instance was not stored");
                        self.report.failed(failure_of(uids, &error));
                    }
                }
            }
        }
    }

    /// What was kept stays kept, so a body that breaks off later is still answered with what became of its instances.
    fn answer(mut self, reading: Result<(), Problem>) -> Result<Response, Problem> {
        if let Err(problem) = reading {
            if self.report.is_empty() {
                return Err(problem);
            }
            self.report.failed(unreadable(&problem.detail));
        }
        if self.report.is_empty() {
            return Err(Problem::bad_request("There is no instance in the body."));
        }
        let status = self.report.status();
        let warnings: Vec<HeaderValue> = self.report.warnings().collect();
        let mut response = (status, Json(self.report.json(&self.request.base))).into_response();
        response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/dicom+json"));
        for warning in warnings {
            response.headers_mut().append(header::WARNING, warning);
        }
        if status == axum::http::StatusCode::SERVICE_UNAVAILABLE {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("2"));
        }
        Ok(response)
    }
}

fn failure_of(uids: Option<(String, String)>, error: &archive::Error) -> Failure {
    Failure { uids, outcome: error.outcome(), text: error.to_string(), out_of_space: error.is_out_of_space() }
}

/// Something that never became an instance.
fn unreadable(text: &str) -> Failure {
    Failure { uids: None, outcome: record::Outcome::Invalid, text: text.to_owned(), out_of_space: false }
}

//! A study from the archive's own DICOMweb door, instance by instance as it comes.

use crate::client::HttpClient;
use anyhow::{Result, bail};
use bytes::Bytes;
use http_body_util::BodyExt as _;
use hyper::{StatusCode, header};
use std::io;
use tokio::sync::mpsc;
use wire::multipart::{Event, MediaType, Reader};
use wire::part10::{FileMeta, Prefix};

/// Pieces that wait for the peer; the archive waits with them.
const PIECES_WAITING_MAX: usize = 8;
const ACCEPT: &str = "multipart/related; type=\"application/dicom\"; transfer-syntax=*";

/// What comes, in order.
pub enum Piece {
    /// An instance begins.
    Begin(Box<FileMeta>),
    /// Bytes of its data set.
    DataSet(Bytes),
    /// It is complete.
    End,
}

/// The instances of one study.
pub type Parts = mpsc::Receiver<io::Result<Piece>>;

/// Opens a study; `None` if it is not there or not this token's.
pub async fn open(client: &HttpClient, study: &str) -> Result<Option<Parts>> {
    let answer = client.stream(&format!("/dicom-web/studies/{study}"), ACCEPT).await?;
    match answer.status() {
        StatusCode::OK => {}
        StatusCode::NOT_FOUND => return Ok(None),
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => bail!("the archive does not take the token"),
        other => bail!("the archive answered {other}"),
    }
    let content_type = answer.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let reader = Reader::new(&MediaType::parse(content_type.unwrap_or_default())?)?;
    let (sender, parts) = mpsc::channel(PIECES_WAITING_MAX);
    tokio::spawn(async move {
        if let Err(error) = read(answer.into_body(), reader, &sender).await {
            // Whoever no longer listens has failed already.
            let _gone = sender.send(Err(error)).await;
        }
    });
    Ok(Some(parts))
}

async fn read(
    mut body: hyper::body::Incoming,
    mut reader: Reader,
    sender: &mpsc::Sender<io::Result<Piece>>,
) -> io::Result<()> {
    let mut prefix = Some(Prefix::new());
    while let Some(frame) = body.frame().await {
        let Ok(bytes) = frame.map_err(io::Error::other)?.into_data() else { continue };
        let mut input: &[u8] = &bytes;
        while let Some(event) = reader.next(&mut input).map_err(io::Error::other)? {
            let pieces = match event {
                Event::Begin(_) => {
                    prefix = Some(Prefix::new());
                    vec![]
                }
                Event::Content(content) => match &mut prefix {
                    None => vec![Piece::DataSet(bytes.slice_ref(content))],
                    Some(beginning) => match beginning.feed(content).map_err(io::Error::other)? {
                        None => vec![],
                        Some(begun) => {
                            prefix = None;
                            vec![Piece::Begin(Box::new(begun.meta)), Piece::DataSet(begun.data_set.into())]
                        }
                    },
                },
                Event::End => match prefix.take() {
                    // A file that is over before its data set was told from its beginning.
                    Some(beginning) => {
                        let begun = beginning.finish().map_err(io::Error::other)?;
                        vec![Piece::Begin(Box::new(begun.meta)), Piece::DataSet(begun.data_set.into()), Piece::End]
                    }
                    None => vec![Piece::End],
                },
                Event::Close => vec![],
            };
            for piece in pieces {
                if sender.send(Ok(piece)).await.is_err() {
                    return Ok(());
                }
            }
        }
    }
    reader.finish().map_err(io::Error::other)
}

//! Alarms by mail: submission to one server (RFC 6409) by SMTP (RFC 5321), over TLS (RFC 8314) or after STARTTLS (RFC 3207).
//!
//! A client that submits one short message needs six commands. A library for all of mail would bring more crates into the
//! process that holds the keys than these commands have lines.

use super::{Mail, check_address, secret};
use crate::alarm::outbox::Message;
use crate::alarm::settings::Transport;
use crate::error::{Error, Result};
use crate::outbound::{self, Outbound};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use record::{Micros, Outcome};
use rustls::ClientConfig;
use rustls_pki_types::ServerName;
use std::sync::Arc;
use tokio::io::{AsyncBufReadExt as _, AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, BufReader};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use zeroize::Zeroizing;

/// Bytes of one answer, all its lines: RFC 5321 4.5.3.1.5 allows 512 a line, and servers list some twenty extensions.
const ANSWER_BYTES_MAX: u64 = 16 * 1024;

/// Both directions of a connection, whatever is under them.
trait Way: AsyncRead + AsyncWrite + Unpin + Send {}
impl<T: AsyncRead + AsyncWrite + Unpin + Send> Way for T {}

/// The server that takes mail.
pub struct Submission {
    mail: Mail,
    /// For AUTH PLAIN (RFC 4616).
    password: Option<Zeroizing<Vec<u8>>>,
    tls: Option<TlsConnector>,
}

impl std::fmt::Debug for Submission {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Submission({}:{})", self.mail.host, self.mail.port)
    }
}

impl Submission {
    pub fn new(mail: &Mail) -> Result<Self> {
        check_address(&mail.from)?;
        let password = mail.password_file.as_deref().map(secret).transpose()?;
        let tls = if mail.transport == Transport::Loopback { None } else { Some(connector(mail)?) };
        if mail.user.is_some() && tls.is_none() {
            return Err(Error::invalid("alarms: a password is not sent in clear"));
        }
        Ok(Self { mail: mail.clone(), password, tls })
    }

    /// Hands a message to the server. It has taken it when this returns.
    pub async fn send(&self, id: i64, to: &str, message: &Message) -> Result<()> {
        check_address(to)?;
        let stream = TcpStream::connect((self.mail.host.as_str(), self.mail.port)).await.map_err(|e| self.away(e))?;
        let mut talk = match (self.mail.transport, &self.tls) {
            (Transport::Tls, Some(tls)) => Talk::over(Box::new(self.secure(tls, stream).await?)),
            (Transport::Starttls, Some(tls)) => {
                let mut talk = Talk::over(Box::new(stream));
                talk.greet().await?;
                talk.ask("STARTTLS", &[220]).await?;
                // What came before the handshake was not protected by it: a word that waits already is somebody else's.
                let stream = talk.into_way()?;
                let mut talk = Talk::over(Box::new(self.secure(tls, stream).await?));
                talk.ask(HELLO, &[250]).await?;
                return self.submit(talk, id, to, message).await;
            }
            _ => Talk::over(Box::new(stream)),
        };
        talk.greet().await?;
        self.submit(talk, id, to, message).await
    }

    async fn submit(&self, mut talk: Talk, id: i64, to: &str, message: &Message) -> Result<()> {
        if let (Some(user), Some(password)) = (&self.mail.user, &self.password) {
            let mut plain = Zeroizing::new(vec![0]);
            plain.extend_from_slice(user.as_bytes());
            plain.push(0);
            plain.extend_from_slice(password);
            let line = Zeroizing::new(format!("AUTH PLAIN {}", STANDARD.encode(&plain)));
            talk.ask(&line, &[235]).await?;
        }
        talk.ask(&format!("MAIL FROM:<{}>", self.mail.from), &[250]).await?;
        talk.ask(&format!("RCPT TO:<{to}>"), &[250, 251]).await?;
        talk.ask("DATA", &[354]).await?;
        talk.write(&text(&self.mail.from, to, id, message)).await?;
        talk.ask(".", &[250]).await?;
        // Taken is taken, whatever becomes of the farewell.
        let _farewell = talk.ask("QUIT", &[221]).await;
        Ok(())
    }

    async fn secure<S: Way>(&self, tls: &TlsConnector, stream: S) -> Result<tokio_rustls::client::TlsStream<S>> {
        let name = ServerName::try_from(self.mail.host.clone())
            .map_err(|_| Error::invalid("alarms: the mail server's host is not a name"))?;
        tls.connect(name, stream).await.map_err(|e| self.away(e))
    }

    fn away(&self, why: impl std::fmt::Display) -> Error {
        Error::new(Outcome::Busy, format!("{}:{}: {why}", self.mail.host, self.mail.port))
    }
}

fn connector(mail: &Mail) -> Result<TlsConnector> {
    let roots = Outbound::new(&outbound::Settings { ca: mail.ca_file.clone() })?.roots()?;
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|e| Error::invalid(format!("TLS: {e}")))?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(TlsConnector::from(Arc::new(config)))
}

/// Our name in the greeting. Servers that take submissions ask for an account, not for a name.
const HELLO: &str = "EHLO segel-keyservice.invalid";

/// One conversation.
struct Talk(BufReader<Box<dyn Way>>);

impl Talk {
    fn over(way: Box<dyn Way>) -> Self {
        Self(BufReader::new(way))
    }

    async fn greet(&mut self) -> Result<()> {
        self.hear(&[220]).await?;
        self.ask(HELLO, &[250]).await
    }

    async fn ask(&mut self, line: &str, expected: &[u16]) -> Result<()> {
        self.write(&format!("{line}\r\n")).await?;
        self.hear(expected).await
    }

    async fn write(&mut self, text: &str) -> Result<()> {
        let written = async {
            self.0.get_mut().write_all(text.as_bytes()).await?;
            self.0.get_mut().flush().await
        };
        written.await.map_err(|e| Error::new(Outcome::Busy, format!("the mail server: {e}")))
    }

    /// Reads an answer of one or more lines (RFC 5321 4.2.1): three digits, and a hyphen while more follow.
    async fn hear(&mut self, expected: &[u16]) -> Result<()> {
        let mut left = ANSWER_BYTES_MAX;
        loop {
            let mut line = Vec::new();
            let read = (&mut self.0).take(left).read_until(b'\n', &mut line).await;
            read.map_err(|e| Error::new(Outcome::Busy, format!("the mail server: {e}")))?;
            left = left.saturating_sub(u64::try_from(line.len()).unwrap_or(left));
            let Some((code, rest)) = line.split_at_checked(3).filter(|_| line.ends_with(b"\n")) else {
                return Err(Error::new(Outcome::Busy, "the mail server broke off"));
            };
            if rest.first() == Some(&b'-') {
                continue;
            }
            let code = std::str::from_utf8(code).ok().and_then(|code| code.parse::<u16>().ok()).unwrap_or_default();
            if expected.contains(&code) {
                return Ok(());
            }
            return Err(Error::new(Outcome::Busy, format!("the mail server answered {code}")));
        }
    }

    fn into_way(self) -> Result<Box<dyn Way>> {
        if self.0.buffer().is_empty() {
            return Ok(self.0.into_inner());
        }
        Err(Error::new(Outcome::Busy, "the mail server spoke before the handshake"))
    }
}

/// The message (RFC 5322), in base64 so that no line of it can be a command.
fn text(from: &str, to: &str, id: i64, message: &Message) -> String {
    let fields: serde_json::Value = serde_json::from_str(&message.body).unwrap_or_default();
    let word = |name: &str| fields.get(name).map(plain).unwrap_or_default();
    let subject = format!("[Segel] {} {}: alarm {}", word("severity"), word("kind"), word("alarm"));
    let mut body = String::new();
    if let Some(fields) = fields.as_object() {
        for (name, value) in fields.iter().filter(|(_, value)| !value.is_null()) {
            body.push_str(&format!("{name}: {}\r\n", plain(value)));
        }
    }
    body.push_str(&format!("delivery: {id}\r\n"));
    let encoded = STANDARD.encode(body);
    let lines: Vec<&str> =
        encoded.as_bytes().chunks(76).map(|line| std::str::from_utf8(line).unwrap_or_default()).collect();
    let host = from.split_once('@').map_or("localhost", |(_, host)| host);
    format!(
        "From: {from}\r\nTo: {to}\r\nSubject: {subject}\r\nDate: {}\r\nMessage-ID: <segel-alarm-{id}-{}@{host}>\r\n\
         Auto-Submitted: auto-generated\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n\
         Content-Transfer-Encoding: base64\r\n\r\n{}\r\n",
        date(message.at),
        message.at,
        lines.join("\r\n"),
    )
}

/// A value on one line.
fn plain(value: &serde_json::Value) -> String {
    let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    text.replace(char::is_control, " ")
}

/// A time as RFC 5322 3.3 has it, in UTC.
fn date(at: Micros) -> String {
    const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let seconds = at.div_euclid(1_000_000);
    let (days, second) = (seconds.div_euclid(86_400), seconds.rem_euclid(86_400));
    // The civil calendar from days, counted in eras of 400 years that begin on 1 March.
    let day_of_era = (days + 719_468).rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    let year = year_of_era + (days + 719_468).div_euclid(146_097) * 400 + i64::from(month <= 2);
    let name = usize::try_from(month - 1).ok().and_then(|month| MONTHS.get(month)).copied().unwrap_or("Jan");
    format!("{day:02} {name} {year:04} {:02}:{:02}:{:02} +0000", second / 3_600, second / 60 % 60, second % 60)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_those_of_the_calendar() {
        for (seconds, expected) in [
            (0, "01 Jan 1970 00:00:00 +0000"),
            (951_782_399, "28 Feb 2000 23:59:59 +0000"),
            (951_782_400, "29 Feb 2000 00:00:00 +0000"),
            (1_767_225_599, "31 Dec 2025 23:59:59 +0000"),
            (4_107_542_400, "01 Mar 2100 00:00:00 +0000"),
        ] {
            assert_eq!(date(seconds * 1_000_000), expected);
        }
    }

    #[test]
    fn a_sentence_cannot_become_a_header_or_a_command() {
        let message = Message {
            alarm: 1,
            to: crate::alarm::outbox::To::Mail("a@b".into()),
            at: 0,
            body:
                r#"{"alarm":1,"kind":"x\r\nBcc: thief@evil","severity":"warning","text":"a\r\n.\r\nMAIL FROM:<x@y>"}"#
                    .into(),
            attempts: 0,
            next: 0,
            error: None,
            is_dead: false,
        };
        let text = text("from@host", "to@host", 7, &message);
        assert!(!text.contains("\r\nBcc") && !text.contains("\r\n.\r\n") && !text.contains("MAIL FROM"), "{text}");
    }
}

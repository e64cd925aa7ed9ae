//! Statements in bodies: JSON, or `multipart/mixed` with the files that they tell of.

use std::collections::HashSet;
use std::pin::Pin;

use actix_web::dev::Payload;
use actix_web::http::Method;
use actix_web::http::header::{ACCEPT, CONTENT_TYPE, HeaderName, HeaderValue};
use actix_web::{FromRequest, HttpRequest};
use serde_json::Value;
use uuid::Uuid;

use super::multipart::{self, File};
use crate::http::extract::{BATCH_LIMIT, parse, read_bytes};
use crate::http::problem::{ApiError, Kind};
use crate::service::Fault;
use crate::service::statements::Sent;
use crate::xapi::{Statement, Version, attachments};

/// How many statements a request has at the most.
const MOST: usize = 1000;

const MEDIA_TYPES: &str = "application/json, multipart/mixed";

/// What was sent.
pub struct StatementBody {
    value: Value,
    /// The files; `None` where there can be none.
    files: Option<Vec<File>>,
}

impl FromRequest for StatementBody {
    type Error = ApiError;
    type Future = Pin<Box<dyn Future<Output = Result<Self, ApiError>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let (request, payload) = (request.clone(), payload.take());
        Box::pin(async move {
            let content_type = request.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned();
            let essence = content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
            let boundary = multipart::boundary(&content_type);
            match (essence.as_str(), boundary) {
                ("application/json", _) => {
                    let bytes = read_bytes(&request, payload, BATCH_LIMIT).await?;
                    Ok(Self { value: parse(&bytes)?, files: None })
                }
                ("multipart/mixed", Some(boundary)) => {
                    let bytes = read_bytes(&request, payload, BATCH_LIMIT).await?;
                    let (statements, files) =
                        multipart::read(&boundary, &bytes).map_err(|why| refused(vec![Fault::new("", "invalid_multipart", why)]))?;
                    Ok(Self { value: parse(statements)?, files: Some(files) })
                }
                _ => {
                    let accepted = if request.method() == Method::POST { HeaderName::from_static("accept-post") } else { ACCEPT };
                    let detail =
                        format!("the body's media type is `{essence}`; application/json, and multipart/mixed with its boundary, are expected");
                    let problem = ApiError::new(Kind::UnsupportedMediaType).detail(detail);
                    Err(problem.header(accepted, HeaderValue::from_static(MEDIA_TYPES)))
                }
            }
        })
    }
}

fn refused(faults: Vec<Fault>) -> ApiError {
    ApiError::new(Kind::InvalidStatement).faults(faults)
}

impl StatementBody {
    /// One statement, or several.
    ///
    /// # Errors
    /// [`Kind::InvalidStatement`] with every fault, [`Kind::ContentTooLarge`].
    pub fn read(&self, version: Version, authority: Value) -> Result<Sent, ApiError> {
        let (values, several) = match &self.value {
            Value::Array(values) => (values.as_slice(), true),
            value => (std::slice::from_ref(value), false),
        };
        if values.len() > MOST {
            return Err(
                ApiError::new(Kind::ContentTooLarge).detail(format!("a request has at most {MOST} statements, and this one has {}", values.len()))
            );
        }
        let at = |index: usize| if several { format!("/{index}") } else { String::new() };
        let (mut statements, mut faults, mut ids) = (Vec::with_capacity(values.len()), Vec::new(), HashSet::new());
        for (index, value) in values.iter().enumerate() {
            match Statement::read(&at(index), value, version) {
                Ok(statement) => {
                    if statement.id.is_some_and(|id| !ids.insert(id)) {
                        faults.push(Fault::new(format!("{}/id", at(index)), "repeated", "another statement of the request has the id"));
                    }
                    statements.push(statement);
                }
                Err(wrong) => faults.extend(Fault::all(wrong)),
            }
        }
        if faults.is_empty() {
            faults.extend(self.faults_of_files(values, at));
        }
        if faults.is_empty() { Ok(Sent { statements, several, version, authority }) } else { Err(refused(faults)) }
    }

    /// One statement under an id.
    ///
    /// # Errors
    /// As [`StatementBody::read`].
    pub fn read_one(&self, version: Version, authority: Value, id: Uuid) -> Result<Sent, ApiError> {
        if self.value.is_array() {
            return Err(refused(vec![Fault::new("", "wrong_type", "must be one statement")]));
        }
        let mut sent = self.read(version, authority)?;
        for statement in &mut sent.statements {
            if statement.id.is_some_and(|other| other != id) {
                return Err(refused(vec![Fault::new("/id", "other_id", "must be the `statementId` of the query, or be left out")]));
            }
            statement.id = Some(id);
        }
        Ok(sent)
    }

    /// Whether each file that lies nowhere else is there, and each that is there is told of.
    fn faults_of_files(&self, values: &[Value], at: impl Fn(usize) -> String) -> Vec<Fault> {
        let told: Vec<_> = values.iter().enumerate().flat_map(|(index, value)| attachments(&at(index), value)).collect();
        let files = self.files.as_deref().unwrap_or_default();
        let mut faults = Vec::new();
        for attachment in told.iter().filter(|attachment| !attachment.has_url && files.iter().all(|file| file.sha2 != attachment.sha2)) {
            faults.push(Fault::new(attachment.pointer.clone(), "file_missing", "the file is neither in the request nor at a `fileUrl`"));
        }
        for attachment in &told {
            if files.iter().any(|file| file.sha2 == attachment.sha2 && file.length != attachment.length) {
                faults.push(Fault::new(format!("{}/length", attachment.pointer), "wrong_length", "the file in the request has another length"));
            }
        }
        for file in files.iter().filter(|file| told.iter().all(|attachment| attachment.sha2 != file.sha2)) {
            let detail = format!("no statement tells of the file {}", file.sha2);
            faults.push(Fault::new("", "unknown_file", detail));
        }
        faults
    }
}

//! What statements are asked for.

use actix_web::HttpRequest;
use actix_web::http::header::ACCEPT_LANGUAGE;
use deserr::Deserr;
use serde_json::Value;
use utoipa::IntoParams;
use uuid::Uuid;

use crate::domain::invalid::Invalid;
use crate::http::decode::{Faults, Flag, Moment, parsed};
use crate::http::problem::{ApiError, Kind};
use crate::http::{page, unique};
use crate::service::statements::{self as service, lookup};
use crate::service::{Fault, ServiceResult, Tx};
use crate::storage::statements::StatementFilter;
use crate::xapi::{Format, Key, Version, agent_key, check_agent, check_iri, is_uuid};

/// How many statements a page has at the most.
const MOST: usize = 100;

/// A UUID in standard form.
#[derive(Debug, Clone, Copy)]
pub struct StatementId(pub Uuid);

impl StatementId {
    fn parse(text: &str) -> Result<Self, Invalid> {
        let id = Uuid::try_parse(text).ok().filter(|_| is_uuid(text));
        id.map(Self).ok_or_else(|| Invalid::new("invalid_id", "must be a UUID"))
    }
}

/// An IRI.
#[derive(Debug, Clone)]
struct Iri(String);

impl Iri {
    fn parse(text: &str) -> Result<Self, Invalid> {
        check_iri(text).map(|()| Self(text.to_owned()))
    }
}

/// A number of statements; 0: as many as a page may have.
#[derive(Debug, Clone, Copy)]
struct Most(usize);

impl Most {
    fn parse(text: &str) -> Result<Self, Invalid> {
        let number = text.parse::<u64>().ok().filter(|_| text.bytes().all(|b| b.is_ascii_digit()));
        let number = number.ok_or_else(|| Invalid::new("invalid_limit", "must be a whole number of at least 0"))?;
        Ok(Self(usize::try_from(number).unwrap_or(MOST)))
    }
}

/// `exact`, `ids` or `canonical`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum FormatWord {
    Exact,
    Ids,
    Canonical,
}

impl FormatWord {
    fn parse(text: &str) -> Result<Self, Invalid> {
        match text {
            "exact" => Ok(Self::Exact),
            "ids" => Ok(Self::Ids),
            "canonical" => Ok(Self::Canonical),
            _ => Err(Invalid::new("invalid_format", "must be exact, ids or canonical")),
        }
    }
}

/// JSON in a parameter.
#[derive(Debug, Clone)]
struct Json(Value);

impl Json {
    fn parse(text: &str) -> Result<Self, Invalid> {
        unique::from_slice(text.as_bytes()).map(Self).map_err(|cause| Invalid::new("invalid_json", format_args!("must be JSON: {cause}")))
    }
}

/// Where a page begins, as the page before gave it.
#[derive(Debug, Clone)]
struct PageKey(String);

impl PageKey {
    #[expect(clippy::unnecessary_wraps, reason = "parsers of parameters have this form")]
    fn parse(text: &str) -> Result<Self, Invalid> {
        Ok(Self(text.to_owned()))
    }
}

parsed!(StatementId, Iri, Most, FormatWord, Json, PageKey);

/// Under which id a statement is sent.
#[derive(Debug, Deserr, IntoParams)]
#[deserr(error = Faults, deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct PutQuery {
    /// The id of the statement.
    #[deserr(rename = "statementId")]
    #[param(rename = "statementId", value_type = Uuid, example = "6690e6c9-3ef0-4ed3-8b37-7f3964730bee")]
    pub statement_id: StatementId,
}

/// Which statements (xAPI-Communication §2.1.3).
#[derive(Debug, Deserr, IntoParams)]
#[deserr(error = Faults, deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct StatementQuery {
    /// The one of this id, unless it was taken back; beside it only `format` and `attachments`.
    #[deserr(default, rename = "statementId")]
    #[param(rename = "statementId", value_type = Option<Uuid>)]
    statement_id: Option<StatementId>,
    /// The one of this id that was taken back; beside it only `format` and `attachments`.
    #[deserr(default, rename = "voidedStatementId")]
    #[param(rename = "voidedStatementId", value_type = Option<Uuid>)]
    voided_statement_id: Option<StatementId>,
    /// Only those whose actor or object is this Agent or identified Group, as JSON.
    #[deserr(default)]
    #[param(value_type = Option<String>)]
    agent: Option<Json>,
    /// Only those of this verb.
    #[deserr(default)]
    #[param(value_type = Option<String>)]
    verb: Option<Iri>,
    /// Only those whose object is this Activity.
    #[deserr(default)]
    #[param(value_type = Option<String>)]
    activity: Option<Iri>,
    /// Only those of this registration.
    #[deserr(default)]
    #[param(value_type = Option<Uuid>)]
    registration: Option<StatementId>,
    /// `activity` is looked for in the context, too, and in statements within.
    #[deserr(default)]
    #[param(value_type = Option<bool>)]
    related_activities: Option<Flag>,
    /// `agent` is looked for in authority and context, too, and in statements within.
    #[deserr(default)]
    #[param(value_type = Option<bool>)]
    related_agents: Option<Flag>,
    /// Only those stored after this instant.
    #[deserr(default)]
    #[param(inline)]
    since: Option<Moment>,
    /// Only those stored at this instant or before.
    #[deserr(default)]
    #[param(inline)]
    until: Option<Moment>,
    /// How many a page has; 0, and more than 100: 100.
    #[deserr(default)]
    #[param(value_type = Option<u32>, minimum = 0)]
    limit: Option<Most>,
    /// `exact` as sent, `ids` what identifies each part, `canonical` texts in one language by `Accept-Language`.
    #[deserr(default)]
    #[param(value_type = Option<String>, pattern = "^(exact|ids|canonical)$")]
    format: Option<FormatWord>,
    /// Whether the answer is `multipart/mixed`.
    #[deserr(default)]
    #[param(value_type = Option<bool>)]
    attachments: Option<Flag>,
    /// The oldest first.
    #[deserr(default)]
    #[param(value_type = Option<bool>)]
    ascending: Option<Flag>,
    /// Where the page begins, as `more` of the page before has it.
    #[deserr(default)]
    #[param(value_type = Option<String>)]
    page: Option<PageKey>,
}

/// What is to be answered.
pub struct Asked {
    what: What,
    /// In which form.
    pub format: Format,
    /// Whether as `multipart/mixed`.
    pub attachments: bool,
}

enum What {
    One { id: Uuid, voided: bool },
    Several { filter: StatementFilter, limit: usize },
}

/// What was found.
pub struct Found {
    /// The statement, or those of a page.
    pub statements: Statements,
    /// Up to when all that was stored of the client is to be read.
    pub consistent_through: jiff::Timestamp,
}

/// A statement, or a page.
pub enum Statements {
    /// One.
    One(Box<Value>),
    /// Several, and the last of them where there are more.
    Several(Vec<Value>, Option<Uuid>, usize),
}

impl StatementQuery {
    /// What the query asks for.
    ///
    /// # Errors
    /// Problems of the kind [`Kind::InvalidParameter`]: all of them at once.
    pub fn asked(self, request: &HttpRequest, version: Version) -> Result<Asked, ApiError> {
        let mut faults = Vec::new();
        let one = match (self.statement_id, self.voided_statement_id) {
            (Some(_), Some(_)) => {
                faults.push(Fault::new("/voidedStatementId", "exactly_one", "give either `statementId` or `voidedStatementId`"));
                None
            }
            (Some(id), None) => Some(What::One { id: id.0, voided: false }),
            (None, Some(id)) => Some(What::One { id: id.0, voided: true }),
            (None, None) => None,
        };
        if self.statement_id.or(self.voided_statement_id).is_some() {
            faults.extend(self.given().into_iter().map(|name| {
                Fault::new(
                    format!("/{name}"),
                    "not_allowed",
                    format!("`{name}` goes with lists; beside the id of one statement there are `format` and `attachments`"),
                )
            }));
        }
        let after = self.page.as_ref().map(|key| page::opened(request, &key.0));
        if after == Some(None) {
            faults.push(Fault::new("/page", "invalid_cursor", "a page is asked for as `more` of the page before has it"));
        }
        let agent = self.agent.as_ref().map(|agent| &agent.0);
        if let Some(Err(wrong)) = agent.map(|agent| check_agent("/agent", agent, version)) {
            faults.extend(Fault::all(wrong));
        }
        if !faults.is_empty() {
            return Err(ApiError::new(Kind::InvalidParameter).faults(faults));
        }
        let filter = StatementFilter {
            lookups: self.keys().iter().map(lookup).collect(),
            since: self.since.map(|at| at.0),
            until: self.until.map(|at| at.0),
            ascending: self.ascending.is_some_and(|flag| flag.0),
            after: after.flatten(),
        };
        let limit = self.limit.map(|limit| limit.0).filter(|limit| (1..=MOST).contains(limit)).unwrap_or(MOST);
        let format = match self.format {
            None | Some(FormatWord::Exact) => Format::Exact,
            Some(FormatWord::Ids) => Format::Ids,
            Some(FormatWord::Canonical) => Format::Canonical(languages(request)),
        };
        Ok(Asked { what: one.unwrap_or(What::Several { filter, limit }), format, attachments: self.attachments.is_some_and(|flag| flag.0) })
    }

    /// The parameters of lists that are given.
    fn given(&self) -> Vec<&'static str> {
        let all = [
            ("agent", self.agent.is_some()),
            ("verb", self.verb.is_some()),
            ("activity", self.activity.is_some()),
            ("registration", self.registration.is_some()),
            ("related_activities", self.related_activities.is_some()),
            ("related_agents", self.related_agents.is_some()),
            ("since", self.since.is_some()),
            ("until", self.until.is_some()),
            ("limit", self.limit.is_some()),
            ("ascending", self.ascending.is_some()),
            ("page", self.page.is_some()),
        ];
        all.into_iter().filter(|(_, given)| *given).map(|(name, _)| name).collect()
    }

    fn keys(&self) -> Vec<Key> {
        let mut keys = Vec::new();
        let (agents, activities) = (self.related_agents.is_some_and(|flag| flag.0), self.related_activities.is_some_and(|flag| flag.0));
        let agent = self.agent.as_ref().and_then(|agent| agent_key(&agent.0));
        keys.extend(agent.map(|key| if agents { Key::related_agent(&key) } else { Key::agent(&key) }));
        keys.extend(self.activity.as_ref().map(|iri| if activities { Key::related_activity(&iri.0) } else { Key::activity(&iri.0) }));
        keys.extend(self.verb.as_ref().map(|iri| Key::verb(&iri.0)));
        keys.extend(self.registration.map(|id| Key::registration(&id.0.to_string())));
        keys
    }
}

impl Asked {
    /// Finds it.
    ///
    /// # Errors
    /// [`crate::service::ServiceError::NotFound`].
    pub fn find(&self, tx: &mut Tx<'_>) -> ServiceResult<Found> {
        let statements = match &self.what {
            What::One { id, voided } => Statements::One(Box::new(service::get(tx, *id, *voided)?)),
            What::Several { filter, limit } => {
                let (statements, last) = service::list(tx, filter, *limit)?;
                Statements::Several(statements, last, *limit)
            }
        };
        Ok(Found { statements, consistent_through: service::consistent_through(tx)? })
    }
}

/// The languages that the caller reads, the best first.
fn languages(request: &HttpRequest) -> Vec<String> {
    let accepted = request.headers().get(ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let mut languages: Vec<(f32, String)> = accepted
        .split(',')
        .filter_map(|part| {
            let (tag, quality) = part.split_once(";q=").map_or((part, 1.0), |(tag, quality)| (tag, quality.trim().parse().unwrap_or(0.0)));
            Some((quality, tag.trim().to_owned())).filter(|(quality, tag)| *quality > 0.0 && !tag.is_empty() && tag != "*")
        })
        .collect();
    languages.sort_by(|(one, _), (other, _)| other.total_cmp(one));
    languages.into_iter().map(|(_, tag)| tag).collect()
}

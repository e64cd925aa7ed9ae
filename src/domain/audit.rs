//! What an entry of the audit log says, and the bytes that are sealed of it.

use jiff::Timestamp;
use uuid::Uuid;

use super::words::words;

/// How many chains the log has beside each other.
pub const LANES: i32 = 64;

/// How many bytes a seal has.
pub const SEAL: usize = 32;

words! {
    /// What became of a request.
    pub enum AuditOutcome else "invalid_outcome" {
        /// It changed something.
        Changed = "changed",
        /// It was to change something that was so already.
        Unchanged = "unchanged",
        /// It got the answer again that is kept under its idempotency key.
        Replayed = "replayed",
        /// It told something, and changed nothing.
        Read = "read",
        /// It was refused.
        Refused = "refused",
    }
}

/// Who did what, to what, when, from where, and what became of it. It holds no name, no token and no body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Its id; ids ascend.
    pub id: Uuid,
    /// When, to the microsecond.
    pub at: Timestamp,
    /// The client, where the token said so.
    pub client: Option<Uuid>,
    /// Who acted for it.
    pub subject: Option<String>,
    /// The operation by its id in the document, or the name of a command.
    pub operation: String,
    /// What became of it.
    pub outcome: AuditOutcome,
    /// The HTTP status; 0 for a command.
    pub status: u16,
    /// The kind of resource.
    pub resource: Option<String>,
    /// Which one: its id, or the natural key by which it was asked for.
    pub resource_id: Option<String>,
    /// Whose it is, where that is known.
    pub agency: Option<Uuid>,
    /// The request, as in `X-Request-Id`.
    pub request: Option<Uuid>,
    /// From which network address.
    pub address: Option<String>,
    /// The members that were given or that differ, dotted, separated by commas.
    pub fields: Option<String>,
    /// What else there is to say: JSON.
    pub detail: Option<String>,
    /// Of a change to many, which: `outcome:id,id;outcome:id`, ids without hyphens.
    pub ids: Option<String>,
}

/// The end of a lane, and where it begins since it was last pruned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Head {
    /// Which lane, from 0.
    pub lane: i32,
    /// The number of its last entry; 0 where it has none yet.
    pub sequence: i64,
    /// The seal of that entry.
    pub hash: Vec<u8>,
    /// The number of the last entry that was pruned; 0 where none was.
    pub pruned_sequence: i64,
    /// The seal of that entry.
    pub pruned_hash: Vec<u8>,
}

/// Bytes in which no two different values look alike: each is told apart from none, and has its length before it.
#[derive(Default)]
struct Canonical(Vec<u8>);

impl Canonical {
    fn new(what: &str) -> Self {
        Self(Vec::with_capacity(512)).bytes(what.as_bytes())
    }

    fn bytes(mut self, bytes: &[u8]) -> Self {
        self.0.push(1);
        self.0.extend((bytes.len() as u64).to_be_bytes());
        self.0.extend(bytes);
        self
    }

    fn number(self, number: i64) -> Self {
        self.bytes(&number.to_be_bytes())
    }

    fn maybe(mut self, bytes: Option<&[u8]>) -> Self {
        if let Some(bytes) = bytes {
            return self.bytes(bytes);
        }
        self.0.push(0);
        self
    }

    fn text(self, text: Option<&String>) -> Self {
        self.maybe(text.map(String::as_bytes))
    }

    fn id(self, id: Option<Uuid>) -> Self {
        self.maybe(id.as_ref().map(|id| id.as_bytes().as_slice()))
    }
}

impl Entry {
    /// What is sealed of the entry as the `sequence`th of a lane, after the one with the seal `previous`.
    pub fn canonical(&self, lane: i32, sequence: i64, previous: &[u8]) -> Vec<u8> {
        Canonical::new("onemind audit entry 1")
            .bytes(previous)
            .number(i64::from(lane))
            .number(sequence)
            .id(Some(self.id))
            .number(self.at.as_microsecond())
            .id(self.client)
            .text(self.subject.as_ref())
            .bytes(self.operation.as_bytes())
            .bytes(self.outcome.as_str().as_bytes())
            .number(i64::from(self.status))
            .text(self.resource.as_ref())
            .text(self.resource_id.as_ref())
            .id(self.agency)
            .id(self.request)
            .text(self.address.as_ref())
            .text(self.fields.as_ref())
            .text(self.detail.as_ref())
            .text(self.ids.as_ref())
            .0
    }
}

impl Head {
    /// What is sealed of the head.
    pub fn canonical(&self) -> Vec<u8> {
        Canonical::new("onemind audit head 1")
            .number(i64::from(self.lane))
            .number(self.sequence)
            .bytes(&self.hash)
            .number(self.pruned_sequence)
            .bytes(&self.pruned_hash)
            .0
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    fn entry() -> Entry {
        Entry {
            id: Uuid::from_u128(1),
            at: "2026-11-21T12:00:00.000001Z".parse().unwrap(),
            client: None,
            subject: None,
            operation: "get_officer".into(),
            outcome: AuditOutcome::Read,
            status: 200,
            resource: None,
            resource_id: None,
            agency: None,
            request: None,
            address: None,
            fields: None,
            detail: None,
            ids: None,
        }
    }

    #[test]
    fn whatever_differs_is_sealed_otherwise() {
        let text = || Some("a".to_owned());
        let id = || Some(Uuid::from_u128(7));
        let (e, none) = (entry(), [0; SEAL]);
        let cases = [
            Entry { id: Uuid::from_u128(2), ..entry() },
            Entry { at: "2026-11-21T12:00:00.000002Z".parse().unwrap(), ..entry() },
            Entry { client: id(), ..entry() },
            Entry { agency: id(), ..entry() },
            Entry { request: id(), ..entry() },
            Entry { subject: text(), ..entry() },
            Entry { subject: Some(String::new()), ..entry() },
            Entry { operation: "get_officers".into(), ..entry() },
            Entry { outcome: AuditOutcome::Refused, ..entry() },
            Entry { status: 201, ..entry() },
            Entry { resource: text(), ..entry() },
            Entry { resource_id: text(), ..entry() },
            Entry { address: text(), ..entry() },
            Entry { fields: text(), ..entry() },
            Entry { detail: text(), ..entry() },
            Entry { ids: text(), ..entry() },
        ];
        let mut seen: HashSet<Vec<u8>> = cases.iter().map(|entry| entry.canonical(0, 1, &none)).collect();
        seen.extend([e.canonical(0, 1, &none), e.canonical(1, 1, &none), e.canonical(0, 2, &none), e.canonical(0, 1, &[1; SEAL])]);
        assert_eq!(seen.len(), cases.len() + 4);
    }

    #[test]
    fn what_is_sealed_stays_the_same_from_version_to_version() {
        let full = Entry { client: Some(Uuid::from_u128(7)), subject: Some("Ünä".into()), ids: Some("created:07".into()), ..entry() };
        let bytes = full.canonical(3, 9, &[0xAB; SEAL]);
        let text = |part: &str| [&[1, 0, 0, 0, 0, 0, 0, 0, u8::try_from(part.len()).unwrap()], part.as_bytes()].concat();
        let number = |number: i64| [&[1, 0, 0, 0, 0, 0, 0, 0, 8], number.to_be_bytes().as_slice()].concat();
        let id = |id: u128| [&[1, 0, 0, 0, 0, 0, 0, 0, 16], id.to_be_bytes().as_slice()].concat();
        let expected = [
            text("onemind audit entry 1"),
            [vec![1, 0, 0, 0, 0, 0, 0, 0, 32], vec![0xAB; 32]].concat(),
            number(3),
            number(9),
            id(1),
            number(1_795_262_400_000_001),
            id(7),
            text("Ünä"),
            text("get_officer"),
            text("read"),
            number(200),
            vec![0; 7],
            text("created:07"),
        ];
        assert_eq!(bytes, expected.concat());
    }

    #[test]
    fn a_head_is_sealed_with_all_that_it_says() {
        let head = Head { lane: 1, sequence: 2, hash: vec![3; SEAL], pruned_sequence: 0, pruned_hash: vec![0; SEAL] };
        let others = [
            Head { lane: 2, ..head.clone() },
            Head { sequence: 3, ..head.clone() },
            Head { hash: vec![4; SEAL], ..head.clone() },
            Head { pruned_sequence: 1, ..head.clone() },
            Head { pruned_hash: vec![1; SEAL], ..head.clone() },
        ];
        for other in others {
            assert_ne!(other.canonical(), head.canonical());
        }
    }
}

//! What a transaction has done so far, in the words of the audit log.

use std::collections::BTreeSet;

use serde::Serialize;
use serde_json::{Map, Value};
use uuid::Uuid;

use super::super::Tx;
use super::super::events::Happened;
use crate::domain::audit::{AuditOutcome, Entry};

/// What a transaction changed, and whose it was. It holds ids and names of members, never what they say.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Trail {
    /// Kind and id of what was changed first.
    pub resource: Option<(&'static str, String)>,
    /// The agency that it is about.
    pub agency: Option<Uuid>,
    /// The members that were given or differ.
    pub fields: Vec<String>,
    /// Of a change to many: an outcome, how many, and which of them are worth naming.
    pub groups: Vec<Group>,
    /// What others are told of it, other than by the operation itself.
    pub told: Vec<Happened>,
    /// The agencies that hear of the operation, other than the one that it is about.
    pub heard_by: BTreeSet<Uuid>,
    /// Whether anything was changed.
    pub changed: bool,
    /// Whether the answer is one that was kept.
    pub replayed: bool,
    /// The HTTP status, where it isn't the one that the operation has in the document.
    pub status: Option<u16>,
}

/// How many of a change to many fared how.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    /// How they fared.
    pub outcome: &'static str,
    /// How many.
    pub count: usize,
    /// Which, where they were touched.
    pub ids: Vec<Uuid>,
}

impl Tx<'_> {
    /// Notes that a resource was changed, created or taken away. `fields` are those that were given or differ.
    pub fn changed(&mut self, kind: &'static str, id: Uuid, fields: Vec<String>) {
        self.trail.changed = true;
        if self.trail.resource.is_none() {
            self.trail.resource = Some((kind, id.to_string()));
            self.trail.fields = fields;
        }
    }

    /// Notes whose the resource is.
    pub fn of_agency(&mut self, agency: Uuid) {
        self.trail.agency = Some(agency);
    }

    /// Notes how many of a change to many fared so, and which of them were touched.
    pub fn changed_many(&mut self, outcome: &'static str, ids: Vec<Uuid>) {
        self.trail.changed |= !ids.is_empty();
        self.trail.add(outcome, ids.len(), ids);
    }

    /// Notes how many of a change to many fared so, and were not touched.
    pub fn left_many(&mut self, outcome: &'static str, count: usize) {
        self.trail.add(outcome, count, Vec::new());
    }
}

impl Trail {
    /// What was done to one resource, of which these members were given or differ.
    pub fn of(kind: &'static str, id: Uuid, fields: Vec<String>) -> Self {
        Self { resource: Some((kind, id.to_string())), fields, ..Self::default() }
    }

    /// Notes how many fared so, and which of them were touched.
    pub fn add(&mut self, outcome: &'static str, count: usize, ids: Vec<Uuid>) {
        if count == 0 {
            return;
        }
        match self.groups.iter_mut().find(|group| group.outcome == outcome) {
            Some(group) => {
                group.count += count;
                group.ids.extend(ids);
            }
            None => self.groups.push(Group { outcome, count, ids }),
        }
    }

    /// Puts what was done into an entry, which says of itself who did it.
    pub fn tell(self, entry: Entry) -> Entry {
        let outcome = match (self.replayed, self.changed) {
            (true, _) => AuditOutcome::Replayed,
            (false, true) => AuditOutcome::Changed,
            (false, false) => AuditOutcome::Unchanged,
        };
        let counts: Map<String, Value> = self.groups.iter().map(|group| (group.outcome.to_owned(), group.count.into())).collect();
        let named: Vec<String> = self.groups.iter().filter(|group| !group.ids.is_empty()).map(Group::ids).collect();
        let (resource, resource_id) = self.resource.map_or((entry.resource, entry.resource_id), |(kind, id)| (Some(kind.to_owned()), Some(id)));
        Entry {
            outcome,
            status: self.status.unwrap_or(entry.status),
            resource,
            resource_id,
            agency: self.agency.or(entry.agency),
            fields: Some(self.fields.join(",")).filter(|fields| !fields.is_empty()).or(entry.fields),
            detail: Some(counts).filter(|counts| !counts.is_empty()).map(|counts| Value::Object(counts).to_string()).or(entry.detail),
            ids: Some(named.join(";")).filter(|ids| !ids.is_empty()).or(entry.ids),
            ..entry
        }
    }
}

impl Group {
    fn ids(&self) -> String {
        let ids: Vec<String> = self.ids.iter().map(|id| id.simple().to_string()).collect();
        format!("{}:{}", self.outcome, ids.join(","))
    }
}

/// The members in which two values differ, dotted. A list is one member.
pub fn fields_between<T: Serialize>(before: &T, after: &T) -> Vec<String> {
    let mut fields = Vec::new();
    let value = |of: &T| serde_json::to_value(of).unwrap_or_default();
    differ("", &value(before), &value(after), &mut fields);
    fields
}

/// The members that a value has, dotted, without those that are null or empty lists.
pub fn fields_of<T: Serialize>(value: &T) -> Vec<String> {
    let mut fields = Vec::new();
    differ("", &Value::Null, &serde_json::to_value(value).unwrap_or_default(), &mut fields);
    fields
}

fn differ(name: &str, before: &Value, after: &Value, fields: &mut Vec<String>) {
    let nothing = |value: &Value| value.is_null() || value.as_array().is_some_and(Vec::is_empty);
    if before == after || (nothing(before) && nothing(after)) {
        return;
    }
    let members = |value: &Value| value.as_object().map(|object| object.keys().cloned().collect::<Vec<_>>());
    let (old, new) = (members(before), members(after));
    if (old.is_none() && !before.is_null()) || (new.is_none() && !after.is_null()) || (old.is_none() && new.is_none()) {
        fields.push(name.to_owned());
        return;
    }
    let mut names = old.unwrap_or_default();
    names.extend(new.unwrap_or_default());
    let mut seen = std::collections::HashSet::new();
    for member in names.into_iter().filter(|name| seen.insert(name.clone())) {
        let dotted = if name.is_empty() { member.clone() } else { format!("{name}.{member}") };
        differ(&dotted, &before[&member], &after[&member], fields);
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn fields_are_those_that_differ_and_a_list_is_one() {
        let before = json!({"a": 1, "b": {"c": 1, "d": null}, "e": [1], "f": null, "g": {"h": 1}, "i": []});
        let after = json!({"a": 1, "b": {"c": 2, "d": 3}, "e": [1, 2], "f": {"x": 1, "y": null}, "g": null, "i": null});
        assert_eq!(fields_between(&before, &after), ["b.c", "b.d", "e", "f.x", "g.h"]);
        assert_eq!(fields_between(&before, &before), [""; 0]);
        assert_eq!(fields_of(&before), ["a", "b.c", "e", "g.h"]);
    }

    #[test]
    fn groups_of_one_outcome_are_one() {
        let mut trail = Trail::default();
        trail.add("created", 1, vec![Uuid::from_u128(1)]);
        trail.add("unchanged", 3, Vec::new());
        trail.add("created", 1, vec![Uuid::from_u128(2)]);
        let ids: Vec<String> = trail.groups.iter().filter(|group| !group.ids.is_empty()).map(Group::ids).collect();
        assert_eq!(ids, ["created:00000000000000000000000000000001,00000000000000000000000000000002"]);
        assert_eq!(trail.groups.iter().map(|group| (group.outcome, group.count)).collect::<Vec<_>>(), [("created", 2), ("unchanged", 3)]);
    }
}

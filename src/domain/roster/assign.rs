//! The passes that assign entries of a roster to people, from the surest evidence to the weakest.
//!
//! Each pass looks at what is still unassigned, sorts both sides by a key and treats the groups that share it, so that the
//! whole takes O(n log n). Within a group, content decides and never the order of the roster.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use jiff::civil::Date;
use uuid::Uuid;

use super::{Assignment, Member, Plan, RosterEntry};
use crate::domain::appointment::overlaps;
use crate::domain::names::fold;
use crate::domain::text::{Email, Text};

/// Assigns each entry of a roster, and tells who must not be ended although no entry was assigned to them.
pub fn plan(entries: &[RosterEntry], members: &[Member]) -> Plan {
    let folded: Vec<[Option<String>; 3]> = entries
        .iter()
        .map(|e| [Some(fold(e.family_name.as_str())), Some(fold(e.given_name.as_str())), e.email.as_ref().map(Email::folded)])
        .collect();
    let mut board = Board::new(entries, &folded, members);
    board.by_identifier();
    // Everything is as it was: the night's usual case.
    board.pair_equals(|face| Some((face.who()?, face.content())));
    // A number or an address, and at least one of the names.
    board.by_strong(Face::open_employee);
    board.by_strong(Face::open_email);
    // Names, first day and badge: nothing else has to tell people apart, absent being equal to absent.
    board.pair_equals(|face| Some((face.who()?, face.badge, face.employee, face.sworn)));
    board.pair_equals(|face| Some((face.who()?, face.badge, face.employee)));
    board.resolve(|face| face.badge.is_some(), |face| Some((face.who()?, face.badge, face.sworn)));
    board.resolve(|face| face.badge.is_some(), |face| Some((face.who()?, face.badge)));
    // The badge with both names, or with the first day and one of the names.
    board.pair_single(|face| Some((face.open_badge()?, face.names())));
    let unique = board.unique(Face::open_badge);
    for one_name in [Face::family, Face::given] {
        board.pair_single(|face| Some((face.open_badge().filter(|key| unique.contains(key))?, face.started_on, one_name(face))));
    }
    // Names and first day, where that leaves no choice.
    board.resolve(|_| true, Face::who);
    board.finish()
}

/// What is known of somebody, on either side.
#[derive(Debug)]
struct Face<'a> {
    family: &'a str,
    given: &'a str,
    email: Option<&'a str>,
    employee: Option<&'a str>,
    badge: Option<&'a str>,
    rank: Option<&'a str>,
    sworn: bool,
    started_on: Option<Date>,
    ended_on: Option<Date>,
    identifiers: Vec<(&'a str, &'a str)>,
    /// On the side of the entries, or an appointment that is open.
    open: bool,
}

type Content<'a> = (Option<&'a str>, Option<&'a str>, bool, Option<&'a str>, Option<&'a str>, Option<Date>);

impl<'a> Face<'a> {
    fn family(&self) -> &'a str {
        self.family
    }

    fn given(&self) -> &'a str {
        self.given
    }

    fn names(&self) -> (&'a str, &'a str) {
        (self.family, self.given)
    }

    /// Names and first day; absent for people without an appointment here.
    fn who(&self) -> Option<(&'a str, &'a str, Date)> {
        Some((self.family, self.given, self.started_on?))
    }

    fn content(&self) -> Content<'a> {
        (self.badge, self.employee, self.sworn, self.email, self.rank, self.ended_on)
    }

    // A closed appointment is found by its first day alone, since numbers are reissued.

    fn open_employee(&self) -> Option<&'a str> {
        self.employee.filter(|_| self.open)
    }

    fn open_email(&self) -> Option<&'a str> {
        self.email.filter(|_| self.open)
    }

    /// Badge and whether sworn: a badge may be borne by a sworn and an unsworn member at once.
    fn open_badge(&self) -> Option<(&'a str, bool)> {
        self.badge.filter(|_| self.open).map(|badge| (badge, self.sworn))
    }

    fn systems(&self) -> BTreeSet<&'a str> {
        self.identifiers.iter().map(|identifier| identifier.0).collect()
    }

    /// Whether both have keys in one system and no number in common. Between an entry and a member who are both unassigned
    /// after the first pass, these are different keys; where a number agrees, the key was corrected.
    fn told_apart_by_identifier(&self, other: &Self) -> bool {
        let agree = |a: Option<&str>, b: Option<&str>| a.is_some() && a == b;
        let numbered = agree(self.employee, other.employee) || agree(self.badge, other.badge);
        !numbered && self.identifiers.iter().any(|(system, _)| other.identifiers.iter().any(|(theirs, _)| system == theirs))
    }

    fn told_apart_by_number(&self, other: &Self) -> bool {
        let differ = |a: Option<&str>, b: Option<&str>| a.zip(b).is_some_and(|(a, b)| a != b);
        differ(self.employee, other.employee) || differ(self.badge, other.badge)
    }

    /// The numbers borne, each in its place.
    fn numbers(&self) -> impl Iterator<Item = [Option<&'a str>; 2]> + use<'a> {
        [self.employee.map(|number| [Some(number), None]), self.badge.map(|number| [None, Some(number)])].into_iter().flatten()
    }

    fn same_but_for_order(&self, other: &Self) -> bool {
        self.content() == other.content() && self.systems() == other.systems()
    }

    fn both_names_differ(&self, other: &Self) -> bool {
        self.family != other.family && self.given != other.given
    }
}

struct Board<'a> {
    entries: Vec<Face<'a>>,
    faces: Vec<Face<'a>>,
    members: &'a [Member],
    assigned: Vec<Option<Assignment>>,
    /// Officers who were assigned to an entry.
    taken: HashSet<Uuid>,
    contested: HashSet<Uuid>,
}

impl<'a> Board<'a> {
    fn new(entries: &'a [RosterEntry], folded: &'a [[Option<String>; 3]], members: &'a [Member]) -> Self {
        let entry_face = |(entry, [family, given, email]): (&'a RosterEntry, &'a [Option<String>; 3])| Face {
            family: family.as_deref().unwrap_or_default(),
            given: given.as_deref().unwrap_or_default(),
            email: email.as_deref(),
            employee: entry.employee_number.as_ref().map(Text::as_str),
            badge: entry.badge_number.as_ref().map(Text::as_str),
            rank: entry.rank.as_ref().map(Text::as_str),
            sworn: entry.sworn,
            started_on: Some(entry.started_on),
            ended_on: entry.ended_on,
            identifiers: entry.identifiers.iter().map(|i| (i.system.as_str(), i.value.as_str())).collect(),
            open: true,
        };
        let member_face = |member: &'a Member| Face {
            family: &member.family_name,
            given: &member.given_name,
            email: member.email.as_deref(),
            employee: member.employee_number.as_deref(),
            badge: member.badge_number.as_deref(),
            rank: member.rank.as_deref(),
            sworn: member.sworn,
            started_on: member.started_on.filter(|_| member.appointment.is_some()),
            ended_on: member.ended_on,
            identifiers: member.identifiers.iter().map(|(system, value)| (system.as_str(), value.as_str())).collect(),
            open: member.appointment.is_some() && member.ended_on.is_none(),
        };
        Self {
            entries: entries.iter().zip(folded).map(entry_face).collect(),
            faces: members.iter().map(member_face).collect(),
            members,
            assigned: vec![None; entries.len()],
            taken: HashSet::new(),
            contested: HashSet::new(),
        }
    }

    fn take(&mut self, entry: usize, member: usize) {
        let Member { officer, appointment, .. } = self.members[member];
        self.assigned[entry] = Some(Assignment::Existing { officer, appointment });
        self.taken.insert(officer);
    }

    /// Who holds an identifier is that person, unless both names say otherwise or two entries say so at once.
    fn by_identifier(&mut self) {
        let mut holders: HashMap<(&str, &str), Vec<usize>> = HashMap::new();
        for (index, face) in self.faces.iter().enumerate() {
            for identifier in &face.identifiers {
                holders.entry(*identifier).or_default().push(index);
            }
        }
        let mut mentions: HashMap<(&str, &str), usize> = HashMap::new();
        for identifier in self.entries.iter().flat_map(|entry| entry.identifiers.iter().copied().collect::<BTreeSet<_>>()) {
            *mentions.entry(identifier).or_default() += 1;
        }
        let mut claims: HashMap<Uuid, Vec<(usize, bool)>> = HashMap::new();
        let mut conflicts = Vec::new();
        for (index, entry) in self.entries.iter().enumerate() {
            let held = entry.identifiers.iter().filter_map(|identifier| holders.get(identifier)).flatten();
            let found: BTreeSet<(Uuid, usize)> = held.map(|&member| (self.members[member].officer, member)).collect();
            let officers: BTreeSet<Uuid> = found.iter().map(|(officer, _)| *officer).collect();
            let repeated = entry.identifiers.iter().any(|identifier| mentions[identifier] > 1);
            let renamed = found.iter().any(|(_, member)| entry.both_names_differ(&self.faces[*member]));
            if repeated || renamed || officers.len() > 1 {
                conflicts.push(index);
                self.contested.extend(officers);
            } else if let Some(officer) = officers.first() {
                let same_names = found.iter().all(|(_, member)| entry.names() == self.faces[*member].names());
                claims.entry(*officer).or_default().push((index, same_names));
            }
        }
        for (officer, claimants) in claims {
            if let [(entry, same_names)] = claimants[..]
                && (same_names || !self.contested.contains(&officer))
            {
                self.assigned[entry] = Some(Assignment::Existing { officer, appointment: None });
                self.taken.insert(officer);
            } else {
                conflicts.extend(claimants.into_iter().map(|claimant| claimant.0));
                self.contested.insert(officer);
            }
        }
        for entry in conflicts {
            self.assigned[entry] = Some(Assignment::Conflict);
        }
        self.choose_appointments();
    }

    /// For those found by identifier: the appointment that starts on the same day, else an open one that overlaps.
    fn choose_appointments(&mut self) {
        let mut held: HashMap<Uuid, Vec<usize>> = HashMap::new();
        for (index, member) in self.members.iter().enumerate() {
            held.entry(member.officer).or_default().push(index);
        }
        for (entry, assigned) in self.entries.iter().zip(&mut self.assigned) {
            let Some(Assignment::Existing { officer, appointment }) = assigned else { continue };
            let (Some(own), Some(started_on)) = (held.get(officer), entry.started_on) else { continue };
            let spell = (started_on, entry.ended_on);
            let fits = |face: &Face<'_>| {
                face.started_on == Some(started_on) || face.started_on.is_some_and(|start| face.open && overlaps((start, None), spell))
            };
            *appointment = own
                .iter()
                .filter(|&&member| fits(&self.faces[member]))
                .max_by_key(|&&member| {
                    let face = &self.faces[member];
                    (face.started_on == Some(started_on), face.open, Reverse(self.members[member].appointment))
                })
                .and_then(|&member| self.members[member].appointment);
        }
    }

    /// The unassigned of both sides in groups of one key, each side in an order that content alone decides.
    fn groups<K: Ord>(&self, key: impl Fn(&Face<'a>) -> Option<K>) -> Vec<(Vec<usize>, Vec<usize>)> {
        let mut entries: Vec<(K, usize)> = (0..self.entries.len())
            .filter(|&index| self.assigned[index].is_none())
            .filter_map(|index| Some((key(&self.entries[index])?, index)))
            .collect();
        let mut members: Vec<(K, usize)> =
            (0..self.members.len()).filter(|&index| self.free(index)).filter_map(|index| Some((key(&self.faces[index])?, index))).collect();
        entries.sort_unstable_by(|a, b| a.0.cmp(&b.0));
        members.sort_unstable_by(|a, b| a.0.cmp(&b.0));
        let mut members = members.as_slice();
        let mut groups = Vec::new();
        for group in entries.chunk_by(|a, b| a.0 == b.0) {
            members = &members[members.partition_point(|member| member.0 < group[0].0)..];
            let equal;
            (equal, members) = members.split_at(members.partition_point(|member| member.0 == group[0].0));
            if !equal.is_empty() {
                let mut ours: Vec<usize> = group.iter().map(|entry| entry.1).collect();
                let mut theirs: Vec<usize> = equal.iter().map(|member| member.1).collect();
                ours.sort_by_cached_key(|&index| (self.entries[index].content(), self.entries[index].identifiers.clone(), index));
                theirs.sort_by_cached_key(|&index| (self.faces[index].content(), self.members[index].officer, self.members[index].appointment));
                groups.push((ours, theirs));
            }
        }
        groups
    }

    fn free(&self, member: usize) -> bool {
        !self.taken.contains(&self.members[member].officer)
    }

    /// Keys that at most one entry and at most one member bear, of all.
    fn unique<K: Ord + Copy + std::hash::Hash>(&self, key: impl Fn(&Face<'a>) -> Option<K>) -> HashSet<K> {
        let mut counts: HashMap<K, [u32; 2]> = HashMap::new();
        for (side, faces) in [&self.entries, &self.faces].into_iter().enumerate() {
            for key in faces.iter().filter_map(&key) {
                counts.entry(key).or_default()[side] += 1;
            }
        }
        counts.into_iter().filter(|(_, count)| count.iter().all(|&count| count <= 1)).map(|(key, _)| key).collect()
    }

    /// Pairs by a key that means one person, where at least one of the names agrees too.
    fn by_strong(&mut self, strong: impl Fn(&Face<'a>) -> Option<&'a str> + Copy) {
        self.pair_single(|face| Some((strong(face)?, face.names())));
        let unique = self.unique(strong);
        for one_name in [Face::family, Face::given] {
            self.pair_single(|face| strong(face).filter(|key| unique.contains(key)).map(|key| (key, one_name(face))));
        }
    }

    /// Pairs the entry and the member of each group of one and one. An officer whom a conflict is about gets no other name.
    fn pair_single<K: Ord>(&mut self, key: impl Fn(&Face<'a>) -> Option<K>) {
        for (entries, members) in self.groups(key) {
            if let ([entry], [member]) = (&entries[..], &members[..])
                && self.free(*member)
            {
                if self.contested.contains(&self.members[*member].officer) && self.entries[*entry].names() != self.faces[*member].names() {
                    self.assigned[*entry] = Some(Assignment::Conflict);
                } else {
                    self.take(*entry, *member);
                }
            }
        }
    }

    /// Pairs one to one, as many as there are, what equals in all that the key holds, both numbers among it: nothing tells
    /// them apart but different keys in one system, and these only where there is no number.
    fn pair_equals<K: Ord>(&mut self, key: impl Fn(&Face<'a>) -> Option<K>) {
        for (entries, members) in self.groups(key) {
            // People with the same kinds of identifier wait in one line, so that a line is passed by or served whole.
            let mut lines: Vec<(BTreeSet<&str>, Vec<usize>)> = Vec::new();
            for member in members.into_iter().rev() {
                let systems = self.faces[member].systems();
                match lines.iter_mut().find(|line| line.0 == systems) {
                    Some(line) => line.1.push(member),
                    None => lines.push((systems, vec![member])),
                }
            }
            lines.sort();
            for entry in entries {
                let face = &self.entries[entry];
                let (systems, numbered) = (face.systems(), face.badge.or(face.employee).is_some());
                for line in lines.iter_mut().filter(|line| numbered || line.0.is_disjoint(&systems)) {
                    while line.1.last().is_some_and(|&member| !self.free(member)) {
                        line.1.pop();
                    }
                    if let Some(member) = line.1.pop() {
                        self.take(entry, member);
                        break;
                    }
                }
            }
        }
    }

    /// Pairs where there is no choice: one entry and one member, or one side whose people nothing tells apart and of whom
    /// there are enough. Different numbers are a change of number only between one and one, where `renumbered` allows it.
    fn resolve<K: Ord>(&mut self, renumbered: impl Fn(&Face<'a>) -> bool, key: impl Fn(&Face<'a>) -> Option<K>) {
        for (mut entries, mut members) in self.groups(key) {
            members.retain(|&member| self.free(member));
            let (Some(&first), Some(&other)) = (entries.first(), members.first()) else { continue };
            let renumbered = entries.len() == 1 && members.len() == 1 && renumbered(&self.entries[first]);
            let may_be = |entry: usize, member: usize| {
                let (entry, member) = (&self.entries[entry], &self.faces[member]);
                !entry.told_apart_by_identifier(member) && (renumbered || !entry.told_apart_by_number(member))
            };
            let alike = |faces: &[Face<'_>], group: &[usize]| group.iter().all(|&index| faces[index].same_but_for_order(&faces[group[0]]));
            let no_choice = if alike(&self.entries, &entries) {
                members.retain(|&member| may_be(first, member));
                entries.len() >= members.len() || alike(&self.faces, &members)
            } else if alike(&self.faces, &members) {
                entries.retain(|&entry| may_be(entry, other));
                entries.len() <= members.len()
            } else {
                false
            };
            for (entry, member) in entries.into_iter().zip(members).filter(|_| no_choice) {
                if self.free(member) {
                    self.take(entry, member);
                }
            }
        }
    }

    /// Says of what is left whether it is new.
    fn finish(mut self) -> Plan {
        for (entries, members) in self.groups(Face::who) {
            // By kinds of identifier and by number, whom an entry may mean; each list is emptied into `contested` once.
            let mut by_systems: BTreeMap<BTreeSet<&str>, Vec<Uuid>> = BTreeMap::new();
            let mut by_number: BTreeMap<[Option<&str>; 2], Vec<Uuid>> = BTreeMap::new();
            for member in members {
                let (face, officer) = (&self.faces[member], self.members[member].officer);
                by_systems.entry(face.systems()).or_default().push(officer);
                for number in face.numbers() {
                    by_number.entry(number).or_default().push(officer);
                }
            }
            for entry in entries {
                let face = &self.entries[entry];
                let systems = face.systems();
                let mut ambiguous = false;
                for (_, choice) in by_systems.iter_mut().filter(|kind| kind.0.is_disjoint(&systems)) {
                    ambiguous = true;
                    self.contested.extend(choice.drain(..));
                }
                for number in face.numbers() {
                    if let Some(choice) = by_number.get_mut(&number) {
                        ambiguous = true;
                        self.contested.extend(choice.drain(..));
                    }
                }
                if ambiguous {
                    self.assigned[entry] = Some(Assignment::Ambiguous);
                }
            }
        }
        self.conflict_on(|face| Some((face.open_employee()?, face.started_on)));
        self.conflict_on(|face| Some((face.open_badge()?, face.started_on)));
        let assignments = self.assigned.iter().map(|assigned| assigned.unwrap_or(Assignment::New)).collect();
        self.contested.retain(|officer| !self.taken.contains(officer));
        Plan { assignments, contested: self.contested }
    }

    /// A number that somebody unassigned bears under two other names since the same first day: a person or a mistake. Under
    /// another first day the number was reissued.
    fn conflict_on<K: Ord>(&mut self, key: impl Fn(&Face<'a>) -> Option<K>) {
        for (entries, members) in self.groups(key) {
            for entry in entries {
                let other = members.iter().find(|&&member| self.entries[entry].both_names_differ(&self.faces[member]));
                if let Some(&member) = other {
                    self.assigned[entry] = Some(Assignment::Conflict);
                    self.contested.insert(self.members[member].officer);
                }
            }
        }
    }
}

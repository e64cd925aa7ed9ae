//! Assistance: an agency asks the IACP for help, or for a peer to learn from, and what becomes of it.

use serde::Serialize;

use super::agency::AgencyKey;
use super::library::Topic;
use super::text::{Email, Name, Note};
use super::words::words;

words! {
    /// What an agency asks for.
    pub enum AssistanceKind else "invalid_kind" {
        /// Help by the IACP itself.
        TechnicalAssistance = "technical_assistance",
        /// An agency that went the way already.
        PeerAgency = "peer_agency",
    }
}

words! {
    /// Where a request for assistance stands.
    pub enum AssistanceState else "invalid_state" {
        /// Nobody looks at it yet.
        Open = "open",
        /// Staff work on it.
        InProgress = "in_progress",
        /// Staff answered.
        Answered = "answered",
        /// Nothing more is to come.
        Closed = "closed",
    }
}

/// A request as an agency makes it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AssistanceDraft {
    /// Who asks.
    pub agency: AgencyKey,
    /// For what.
    pub kind: AssistanceKind,
    /// What it is about.
    pub topic: Topic,
    /// What is asked.
    pub question: Note,
    /// Whom to answer.
    pub contact: Contact,
}

/// Whom to answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Contact {
    /// Name.
    pub name: Name,
    /// Where mail reaches them.
    pub email: Email,
}

/// A state to which nothing leads from where a request stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the request is {from}, from where `{to}` can't be reached; possible: {}", possible_words(*.from))]
pub struct Impossible {
    /// Where it stands.
    pub from: AssistanceState,
    /// What was asked for.
    pub to: AssistanceState,
}

fn possible_words(from: AssistanceState) -> String {
    let words: Vec<&str> = from.possible().iter().map(|state| state.as_str()).collect();
    if words.is_empty() { "nothing more".to_owned() } else { words.join(", ") }
}

impl AssistanceState {
    /// The states that it may go to from here.
    pub fn possible(self) -> &'static [Self] {
        match self {
            // An answer that did not help is followed up.
            Self::Open | Self::Answered => &[Self::InProgress, Self::Closed],
            Self::InProgress => &[Self::Answered, Self::Closed],
            Self::Closed => &[],
        }
    }

    /// The next state, where it may go there.
    ///
    /// # Errors
    /// [`Impossible`], which names where it may go.
    pub fn go(self, to: Self) -> Result<Self, Impossible> {
        if self.possible().contains(&to) { Ok(to) } else { Err(Impossible { from: self, to }) }
    }
}

#[cfg(test)]
mod tests {
    use super::AssistanceState::{Answered, Closed, InProgress, Open};
    use super::*;

    #[test]
    fn a_request_goes_on_from_state_to_state_and_says_where_it_may_go() {
        let reached: Vec<(AssistanceState, AssistanceState)> = AssistanceState::ALL
            .iter()
            .flat_map(|from| AssistanceState::ALL.iter().map(move |to| (*from, *to)))
            .filter(|(from, to)| from.go(*to).is_ok())
            .collect();
        assert_eq!(
            reached,
            [(Open, InProgress), (Open, Closed), (InProgress, Answered), (InProgress, Closed), (Answered, InProgress), (Answered, Closed)]
        );
        assert_eq!(
            Open.go(Answered).unwrap_err().to_string(),
            "the request is open, from where `answered` can't be reached; possible: in_progress, closed"
        );
        assert_eq!(Closed.go(Open).unwrap_err().to_string(), "the request is closed, from where `open` can't be reached; possible: nothing more");
    }
}

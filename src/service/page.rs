//! Pages of a list, in the order of ids: stable while rows are written, since a new row gets a greater id.

use uuid::Uuid;

/// Which page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PageRequest {
    /// The last id of the page before.
    pub after: Option<Uuid>,
    /// How many items at the most, 1..=500.
    pub limit: u16,
}

impl PageRequest {
    /// What a query asks for: one more than the page holds, to see whether there is another.
    pub fn fetch(&self) -> i64 {
        i64::from(self.limit) + 1
    }

    /// Cuts what was fetched to the page and notes where the next begins.
    pub fn cut<T>(&self, mut fetched: Vec<T>, id: impl Fn(&T) -> Uuid) -> PageOf<T> {
        let more = fetched.len() > usize::from(self.limit);
        fetched.truncate(usize::from(self.limit));
        let next = if more { fetched.last().map(&id) } else { None };
        PageOf { items: fetched, next }
    }
}

/// A page of a list.
#[derive(Debug, Clone)]
pub struct PageOf<T> {
    /// The items.
    pub items: Vec<T>,
    /// The id after which the next page begins, where there is one.
    pub next: Option<Uuid>,
}

impl<T> PageOf<T> {
    /// The same page of something else.
    pub fn map<U>(self, f: impl FnMut(T) -> U) -> PageOf<U> {
        PageOf { items: self.items.into_iter().map(f).collect(), next: self.next }
    }
}

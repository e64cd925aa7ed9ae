//! Digests of addresses, by which xAPI names people without telling who they are (`mbox_sha1sum`).

use std::fmt::Write as _;

use diesel::prelude::*;

use crate::domain::text::Email;
use crate::storage::StorageError;
use crate::storage::conn::AnyConn;
use crate::storage::schema::officers;
use crate::storage::types::Id;

/// How many officers get their digests in one go.
const AT_ONCE: i64 = 1000;

/// The SHA-1 of an address as a `mailto:` URI, in hexadecimal: as it is written, and in lower case.
pub fn email_sha1s(email: &Email) -> [String; 2] {
    [sha1(email.as_str()), sha1(&email.folded())]
}

fn sha1(address: &str) -> String {
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA1_FOR_LEGACY_USE_ONLY, format!("mailto:{address}").as_bytes());
    digest.as_ref().iter().fold(String::with_capacity(40), |mut hex, byte| {
        // Writing to a string never fails.
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}

/// Gives digests to the addresses that came before there were any; answers how many.
///
/// # Errors
/// Where the database fails.
pub fn fill_digests(conn: &mut AnyConn) -> Result<usize, StorageError> {
    let mut filled = 0;
    loop {
        let lacking: Vec<(Id, Option<String>)> = officers::table
            .filter(officers::email.is_not_null())
            .filter(officers::email_sha1.is_null())
            .order(officers::id)
            .limit(AT_ONCE)
            .select((officers::id, officers::email))
            .load(conn)?;
        if lacking.is_empty() {
            return Ok(filled);
        }
        filled += lacking.len();
        conn.transaction(|conn| {
            for (id, email) in &lacking {
                let email = email.as_deref().and_then(|email| Email::parse(email).ok());
                let [written, folded] = email.map_or_else(Default::default, |email| email_sha1s(&email));
                diesel::update(officers::table.filter(officers::id.eq(id)))
                    .set((officers::email_sha1.eq(Some(written)), officers::email_folded_sha1.eq(Some(folded))))
                    .execute(conn)?;
            }
            diesel::QueryResult::Ok(())
        })?;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_digest_is_that_of_the_mailto_uri() {
        // printf %s mailto:m.rivera@example.org | sha1sum
        let [written, folded] = email_sha1s(&Email::parse("M.Rivera@example.org").unwrap());
        assert_eq!(folded, "d90d1cdec81849aaf5aee4d9a2010285d9f46332");
        assert_ne!(written, folded);
    }
}

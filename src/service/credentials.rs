//! How clients prove who they are, before they have a token.

use jiff::Timestamp;
use uuid::Uuid;

use crate::service::{ServiceResult, Tx};
use crate::storage::AnyConn;
use crate::storage::clients::{self as rows, Client};

/// What a client proved itself by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Proof {
    /// One of its secrets.
    Secret(Uuid),
    /// An assertion, which may be used once.
    Assertion {
        /// Its id.
        jti: String,
        /// When it ends.
        expires_at: Timestamp,
    },
}

/// The client of an id, whoever asks.
///
/// # Errors
/// Where the database fails.
pub fn find(conn: &mut AnyConn, client: Uuid) -> ServiceResult<Option<Client>> {
    Ok(rows::by_id(conn, client)?)
}

/// Writes that the client of the transaction proved itself; answers whether it may by this proof: an assertion is good for once.
///
/// # Errors
/// Where the database fails.
pub fn prove(tx: &mut Tx<'_>, proof: &Proof) -> ServiceResult<bool> {
    let secret = match proof {
        Proof::Secret(secret) => Some(*secret),
        Proof::Assertion { jti, expires_at } => {
            if !rows::use_assertion(tx.conn, tx.client, jti, *expires_at, tx.now)? {
                return Ok(false);
            }
            None
        }
    };
    rows::use_at(tx.conn, tx.client, secret, tx.now)?;
    tx.changed("client", tx.client, vec!["last_used_at".into()]);
    Ok(true)
}

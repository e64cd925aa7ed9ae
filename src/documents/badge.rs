//! An award as a verifiable credential: an `OpenBadgeCredential` of Open Badges 3.0, and the list that tells which of them were revoked, by
//! Bitstring Status List 1.0. Both as the claims of a JWT, for whoever holds the key.

use std::io::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use flate2::Compression;
use flate2::write::GzEncoder;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use uuid::Uuid;

use super::Award;
use crate::domain::certification::CertificateNumber;

/// For how long a list of what was revoked holds: whoever kept an older one has to ask again.
pub const LIST_LIFETIME: SignedDuration = SignedDuration::from_hours(24);

/// How many certificates a list has room for at least (Bitstring Status List 1.0, §3.4: none can be told from its neighbours).
const LEAST_BITS: usize = 131_072;

const CREDENTIALS: &str = "https://www.w3.org/ns/credentials/v2";

/// What a badge says.
#[derive(Debug, Clone, Copy)]
pub struct Badge<'a> {
    /// The application.
    pub id: Uuid,
    /// The agency.
    pub agency: Uuid,
    /// The number of the certificate, which is its place in the list of its year.
    pub number: CertificateNumber,
    /// The code of the standard.
    pub standard: &'a str,
    /// The instant of the award.
    pub awarded_at: Timestamp,
    /// What was awarded.
    pub award: &'a Award,
    /// The name of the key that signs the badge, and the list by which it is known to be revoked: a verifier may know no other.
    pub key: &'a str,
    /// Who issues.
    pub issuer: &'a str,
    /// The address of the service as the public knows it, without a slash at its end.
    pub public: &'a str,
}

/// What was revoked of a year.
#[derive(Debug, Clone, Copy)]
pub struct StatusList<'a> {
    /// The year of the awards.
    pub year: i16,
    /// The numbers that were revoked.
    pub revoked: &'a [CertificateNumber],
    /// The name of the key that was asked for to sign it.
    pub key: Option<&'a str>,
    /// Who issues.
    pub issuer: &'a str,
    /// The address of the service as the public knows it, without a slash at its end.
    pub public: &'a str,
}

/// The claims of a badge: the credential itself is the payload (Open Badges 3.0, §8.2), beside the registered claims that repeat it.
pub fn badge_of(badge: &Badge<'_>) -> Value {
    let Badge { award, public, .. } = badge;
    let id = format!("urn:uuid:{}", badge.id);
    let subject = format!("{public}/v1/agencies/{}", badge.agency);
    let list = list_of(public, badge.number.year(), Some(badge.key));
    let place = badge.number.count();
    let mut identifiers = vec![identity("name", &award.agency)];
    identifiers.extend(award.ori.as_ref().map(|ori| identity("ext:ori", ori)));
    json!({
        "@context": [CREDENTIALS, "https://purl.imsglobal.org/spec/ob/v3p0/context-3.0.3.json"],
        "id": id,
        "type": ["VerifiableCredential", "OpenBadgeCredential"],
        "name": "One Mind Certified",
        "description": format!("{} is One Mind Certified: certificate {}, awarded on {}.", award.agency, award.number, award.awarded_on),
        "issuer": profile(badge.issuer, public),
        "validFrom": badge.awarded_at,
        "awardedDate": badge.awarded_at,
        "credentialSubject": {
            "id": subject,
            "type": ["AchievementSubject"],
            "identifier": identifiers,
            "achievement": {
                "id": format!("{public}/v1/standards/{}", badge.standard),
                "type": ["Achievement"],
                "achievementType": "Certification",
                "name": "One Mind Certified",
                "description": format!("A law-enforcement agency that meets every requirement of the standard “{}”.", award.standard),
                "criteria": {"narrative": "The agency works in partnership with a community mental health organization, has adopted a policy on \
                    responding to people with mental health conditions, and its sworn officers are trained as the standard asks."},
            },
        },
        "evidence": [{"id": award.check_url, "type": ["Evidence"], "name": format!("Certificate {}", award.number)}],
        "credentialStatus": {
            "id": format!("{list}#{place}"),
            "type": "BitstringStatusListEntry",
            "statusPurpose": "revocation",
            "statusListIndex": place.to_string(),
            "statusListCredential": list,
        },
        "iss": public,
        "sub": subject,
        "jti": id,
        "nbf": badge.awarded_at.as_second(),
    })
}

/// The claims of a list of what was revoked, as it is at an instant.
///
/// # Errors
/// Where the list can't be compressed; none is expected.
pub fn status_list_of(list: &StatusList<'_>, now: Timestamp) -> std::io::Result<Value> {
    let StatusList { public, year, key, .. } = list;
    let id = list_of(public, *year, *key);
    let subject = format!("{id}#list");
    // A list changes on the hour, or where something is revoked: whoever asks more often gets the same bytes.
    let from = now.as_second() - now.as_second().rem_euclid(3600);
    let until = from + LIST_LIFETIME.as_secs();
    let instant = |second: i64| Timestamp::from_second(second).unwrap_or(now);
    Ok(json!({
        "@context": [CREDENTIALS],
        "id": id,
        "type": ["VerifiableCredential", "BitstringStatusListCredential"],
        "issuer": profile_id(list.issuer, public),
        "validFrom": instant(from),
        "validUntil": instant(until),
        "credentialSubject": {
            "id": subject,
            "type": "BitstringStatusList",
            "statusPurpose": "revocation",
            "encodedList": encoded(list.revoked)?,
        },
        "iss": public,
        "sub": subject,
        "jti": id,
        "nbf": from,
        "exp": until,
    }))
}

fn list_of(public: &str, year: i16, key: Option<&str>) -> String {
    let asked = key.map_or_else(String::new, |key| format!("?key={key}"));
    format!("{public}/public/status-lists/{year}{asked}")
}

fn identity(kind: &str, value: &str) -> Value {
    json!({"type": "IdentityObject", "hashed": false, "identityHash": value, "identityType": kind})
}

fn profile(name: &str, public: &str) -> Value {
    json!({"id": public, "type": ["Profile"], "name": name, "url": public})
}

fn profile_id(name: &str, public: &str) -> Value {
    json!({"id": public, "name": name})
}

/// The bits, the first at the left of the first byte, in GZIP and base64url with the prefix of multibase.
fn encoded(revoked: &[CertificateNumber]) -> std::io::Result<String> {
    let places: Vec<usize> = revoked.iter().filter_map(|number| usize::try_from(number.count()).ok()).collect();
    let bits = places.iter().max().map_or(0, |place| place + 1).next_multiple_of(8).max(LEAST_BITS);
    let mut bytes = vec![0_u8; bits / 8];
    for place in places {
        bytes[place / 8] |= 0x80 >> (place % 8);
    }
    let mut gzip = GzEncoder::new(Vec::new(), Compression::best());
    gzip.write_all(&bytes)?;
    Ok(format!("u{}", URL_SAFE_NO_PAD.encode(gzip.finish()?)))
}

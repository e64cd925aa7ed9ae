//! Webhooks: where a client wants to be told of what happens, when it is tried again, and which addresses are never called.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use jiff::SignedDuration;
use serde::Serialize;

use super::agency::AgencyKey;
use super::event::EventType;
use super::text::Url;
use super::words::words;

words! {
    /// Whether a webhook is called.
    pub enum WebhookState else "invalid_state" {
        /// It is.
        Enabled = "enabled",
        /// It is not: it failed for too long.
        Disabled = "disabled",
    }
}

words! {
    /// How far a delivery is.
    pub enum DeliveryState else "invalid_state" {
        /// It is to be made, or tried again.
        Pending = "pending",
        /// It was taken.
        Delivered = "delivered",
        /// It was tried as often as it is tried by itself.
        Dead = "dead",
    }
}

/// A webhook as a client describes it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct WebhookDraft {
    /// What is called.
    pub url: Url,
    /// Of which events; `None`: of all.
    pub event_types: Option<Vec<EventType>>,
    /// Of which agencies; `None`: of all that the client hears of.
    pub agencies: Option<Vec<AgencyKey>>,
}

/// How long after each attempt that failed the next is made, in seconds: some 28 hours in all.
const WAITS: [i64; 13] = [5, 15, 60, 300, 900, 1_800, 3_600, 7_200, 10_800, 14_400, 18_000, 21_600, 21_600];

/// For how long a webhook fails before it is disabled.
pub const FAILS_FOR: SignedDuration = SignedDuration::from_hours(24 * 5);

/// For how long the former secret is good beside the new one.
pub const SECRETS_OVERLAP: SignedDuration = SignedDuration::from_hours(24);

/// How long to wait after so many attempts that failed, the first being 1; `None` after the last. `random` spreads it by a fifth either way, so
/// that what failed at once is not tried at once.
pub fn wait_after(attempts: u32, random: u8) -> Option<SignedDuration> {
    let index = usize::try_from(attempts.checked_sub(1)?).ok()?;
    let milliseconds = WAITS.get(index)? * 1_000;
    let spread = milliseconds * (i64::from(random) - 128) / (5 * 128);
    Some(SignedDuration::from_millis(milliseconds + spread))
}

/// Whether an address is one of the public internet: not of this machine, this network, a private one, or one that stands for such
/// (IANA's registries of special-purpose addresses, RFC 6890).
pub fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => is_public_v6(address),
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    let special = address.is_private()
        || address.is_loopback()
        || address.is_link_local()
        || address.is_documentation()
        || address.is_multicast()
        || a == 0
        || a >= 240
        || (a == 100 && (64..128).contains(&b))
        || (a == 192 && b == 0 && c == 0)
        || (a == 192 && b == 88 && c == 99)
        || (a == 198 && (b == 18 || b == 19));
    !special
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    let segments = address.segments();
    let embedded = |high: u16, low: u16| {
        let ([a, b], [c, d]) = (high.to_be_bytes(), low.to_be_bytes());
        is_public_v4(Ipv4Addr::new(a, b, c, d))
    };
    match segments {
        // As an address of version 4, translated to one (RFC 6052), and 6to4 (RFC 3056).
        [0, 0, 0, 0, 0, 0xffff, high, low] | [0x64, 0xff9b, 0, 0, 0, 0, high, low] | [0x2002, high, low, ..] => embedded(high, low),
        // Teredo and others for protocols, documentation.
        [0x2001, second, ..] if second < 0x200 || second == 0xdb8 => false,
        [0x3fff, second, ..] if second < 0x1000 => false,
        [first, ..] => first & 0xe000 == 0x2000,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_addresses_of_the_public_internet_are_public() {
        for public in [
            "1.1.1.1",
            "8.8.8.8",
            "172.15.0.1",
            "172.32.0.1",
            "100.63.0.1",
            "100.128.0.1",
            "192.0.1.1",
            "223.255.255.255",
            "2606:4700::1111",
            "2a00:1450:4001::1",
            "64:ff9b::808:808",
            "2002:808:808::1",
            "::ffff:8.8.8.8",
        ] {
            assert!(is_public(public.parse().unwrap()), "{public}");
        }
        for special in [
            "0.0.0.0",
            "0.1.2.3",
            "10.0.0.1",
            "100.64.0.1",
            "127.0.0.1",
            "127.255.255.255",
            "169.254.169.254",
            "172.16.0.1",
            "172.31.255.255",
            "192.0.0.1",
            "192.0.2.1",
            "192.88.99.1",
            "192.168.1.1",
            "198.18.0.1",
            "198.19.255.255",
            "198.51.100.1",
            "203.0.113.1",
            "224.0.0.1",
            "240.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "fe80::1",
            "fc00::1",
            "fd12::1",
            "ff02::1",
            "2001:db8::1",
            "2001::1",
            "::ffff:127.0.0.1",
            "::ffff:10.0.0.1",
            "64:ff9b::7f00:1",
            "64:ff9b:1::1",
            "2002:a00:1::1",
            "2002:7f00:1::",
            "100::1",
            "::7f00:1",
            "3fff::1",
        ] {
            assert!(!is_public(special.parse().unwrap()), "{special}");
        }
    }

    #[test]
    fn what_fails_is_tried_for_over_a_day() {
        let most: SignedDuration = (1..=13).map(|attempt| wait_after(attempt, 128).unwrap()).sum();
        assert!(most > SignedDuration::from_hours(24), "{most}");
        assert_eq!((wait_after(0, 0), wait_after(14, 0)), (None, None));
        let second = SignedDuration::from_secs(1);
        assert_eq!(wait_after(1, 0), Some(second * 4));
        let latest = wait_after(1, 255).unwrap();
        assert!(second * 5 < latest && latest <= second * 6, "{latest}");
    }
}

//! Where a request comes from: the peer of its connection, or whom a trusted proxy names.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use actix_web::http::header::HeaderName;
use actix_web::{HttpRequest, web};
use ipnet::IpNet;

use super::registry::Registry;

/// The address of the client. `X-Forwarded-For` is believed only where the peer is a trusted proxy, and then from the right: the
/// rightmost address that is no trusted proxy's. What stands left of it, anybody may have written.
pub fn client_address(request: &HttpRequest) -> IpAddr {
    let peer = request.peer_addr().map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |peer| peer.ip().to_canonical());
    let Some(registry) = request.app_data::<web::Data<Registry>>() else { return peer };
    let lines = request.headers().get_all(HeaderName::from_static("x-forwarded-for"));
    let hops: Vec<&str> = lines.flat_map(|line| line.to_str().unwrap_or("?").split(',')).collect();
    walk(peer, &hops, &registry.limits.settings.trusted_proxies)
}

/// From the peer leftwards through the hops, as long as each is trusted. A hop that is no address ends the walk: whoever passed it
/// on is the last that is known.
fn walk(peer: IpAddr, hops: &[&str], trusted: &[IpNet]) -> IpAddr {
    let mut known = peer;
    for hop in hops.iter().rev() {
        if !trusted.iter().any(|network| network.contains(&known)) {
            break;
        }
        match parse(hop.trim()) {
            Some(address) => known = address,
            None => break,
        }
    }
    known
}

/// An address with or without a port; an IPv6 address with or without brackets.
fn parse(hop: &str) -> Option<IpAddr> {
    let bare = hop.strip_prefix('[').and_then(|hop| hop.strip_suffix(']')).unwrap_or(hop);
    let address = bare.parse().or_else(|_| hop.parse::<SocketAddr>().map(|address| address.ip()));
    address.ok().map(|address: IpAddr| address.to_canonical())
}

/// What is counted as one address: an IPv4 address, or the /64 that an IPv6 address lies in, since one subscriber has all of it.
pub fn counted(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(address) => IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() & (u128::MAX << 64))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PROXIES: [&str; 2] = ["10.0.0.0/8", "2001:db8:1::/48"];

    fn address_of(peer: &str, hops: &[&str]) -> String {
        let trusted: Vec<IpNet> = PROXIES.iter().map(|network| network.parse().unwrap()).collect();
        walk(peer.parse().unwrap(), hops, &trusted).to_string()
    }

    #[test]
    fn a_peer_that_is_no_proxy_is_the_client_whatever_it_says() {
        assert_eq!(address_of("203.0.113.7", &["198.51.100.1"]), "203.0.113.7");
        assert_eq!(address_of("2001:db8:2::1", &["10.0.0.1"]), "2001:db8:2::1");
    }

    #[test]
    fn behind_proxies_the_rightmost_address_that_is_none_of_them_counts() {
        assert_eq!(address_of("10.0.0.1", &["198.51.100.1"]), "198.51.100.1");
        assert_eq!(address_of("10.0.0.1", &["1.1.1.1", " 198.51.100.1 ", "10.0.0.2"]), "198.51.100.1");
        assert_eq!(address_of("2001:db8:1::9", &["[2001:db8:2::5]:443"]), "2001:db8:2::5");
        assert_eq!(address_of("10.0.0.1", &["198.51.100.1:5000"]), "198.51.100.1");
        assert_eq!(address_of("10.0.0.1", &["::ffff:198.51.100.1"]), "198.51.100.1");
    }

    #[test]
    fn what_is_no_address_ends_at_the_proxy_that_passed_it_on() {
        assert_eq!(address_of("10.0.0.1", &[]), "10.0.0.1");
        assert_eq!(address_of("10.0.0.1", &["198.51.100.1", "unknown"]), "10.0.0.1");
        assert_eq!(address_of("10.0.0.1", &["198.51.100.1", "", "10.0.0.2"]), "10.0.0.2");
        assert_eq!(address_of("10.0.0.1", &["10.0.0.3", "10.0.0.2"]), "10.0.0.3");
    }

    #[test]
    fn a_subscriber_of_ipv6_counts_as_one() {
        let counted = |text: &str| counted(text.parse().unwrap()).to_string();
        assert_eq!(counted("2001:db8:1:2:3:4:5:6"), "2001:db8:1:2::");
        assert_eq!(counted("192.0.2.1"), "192.0.2.1");
    }
}

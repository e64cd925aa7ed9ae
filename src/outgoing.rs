//! Calls to addresses that clients gave: never to this machine, its network or a private one, unless that is allowed; not by a redirect, and not by
//! a name that means another address each time it is asked.

use std::error::Error;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::redirect::Policy;

use crate::domain::webhook::is_public;

/// How long a call may take in all.
const TIMEOUT: Duration = Duration::from_secs(15);

/// How long to wait for a connection.
const CONNECT: Duration = Duration::from_secs(5);

/// Calls addresses that clients gave.
#[derive(Debug, Clone)]
pub struct Outgoing {
    client: reqwest::Client,
    private: bool,
}

/// What became of a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Called {
    /// It was answered with this status; only 2xx is taken for a yes.
    Answered(u16),
    /// It was not.
    Failed(String),
}

/// Looks names up, and leaves out what must not be called; the connection is made to one of the rest.
struct Checked {
    private: bool,
}

impl Resolve for Checked {
    fn resolve(&self, name: Name) -> Resolving {
        let private = self.private;
        Box::pin(async move {
            let found: Vec<SocketAddr> = tokio::net::lookup_host((name.as_str(), 0)).await?.collect();
            let allowed: Vec<SocketAddr> = found.into_iter().filter(|address| private || is_public(address.ip())).collect();
            if allowed.is_empty() {
                return Err(Box::<dyn Error + Send + Sync>::from("the host has no public address"));
            }
            Ok(Box::new(allowed.into_iter()) as Addrs)
        })
    }
}

impl Outgoing {
    /// With `private`, any address may be called.
    ///
    /// # Errors
    /// Where no HTTP client can be made.
    pub fn new(private: bool) -> Result<Self, std::io::Error> {
        let client = reqwest::Client::builder()
            .timeout(TIMEOUT)
            .connect_timeout(CONNECT)
            .redirect(Policy::none())
            .no_proxy()
            .dns_resolver(Checked { private })
            .user_agent(concat!("onemind/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(std::io::Error::other)?;
        Ok(Self { client, private })
    }

    /// Why an address is never called, as far as that is plain from itself.
    pub fn refusal(&self, url: &str) -> Option<&'static str> {
        let Ok(url) = reqwest::Url::parse(url) else { return Some("is no address that can be called") };
        if !url.username().is_empty() || url.password().is_some() {
            return Some("must not hold a user name or password");
        }
        if self.private {
            return None;
        }
        if url.scheme() != "https" {
            return Some("must be an https address");
        }
        let host = url.host_str().unwrap_or_default().trim_start_matches('[').trim_end_matches(']');
        match host.parse::<IpAddr>() {
            Ok(address) if !is_public(address) => Some("must be an address of the public internet"),
            Err(_) if host == "localhost" || host.ends_with(".localhost") => Some("must be an address of the public internet"),
            _ => None,
        }
    }

    /// Posts JSON with headers.
    pub async fn post(&self, url: &str, headers: [(&'static str, String); 3], body: String) -> Called {
        if let Some(refusal) = self.refusal(url) {
            return Called::Failed(format!("the address {refusal}"));
        }
        let mut request = self.client.post(url).header("content-type", "application/json").body(body);
        for (name, value) in headers {
            request = request.header(name, value);
        }
        match request.send().await {
            Ok(response) => Called::Answered(response.status().as_u16()),
            Err(error) => Called::Failed(why(&error)),
        }
    }
}

/// What went wrong, without the address, which may hold a secret.
fn why(error: &reqwest::Error) -> String {
    if error.is_timeout() {
        return "it took too long".to_owned();
    }
    let mut cause: &dyn Error = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    cause.to_string().chars().take(200).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[actix_web::test]
    async fn a_name_is_called_at_none_but_public_addresses() {
        // Whatever a name means when it is asked, the connection is made to what was let through then.
        let resolve = |private| Checked { private }.resolve("localhost".parse().unwrap());
        assert_eq!(resolve(false).await.err().unwrap().to_string(), "the host has no public address");
        assert!(resolve(true).await.unwrap().all(|address| address.ip().is_loopback()));
        let server = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        server.set_nonblocking(true).unwrap();
        let url = format!("http://localhost:{}/", server.local_addr().unwrap().port());
        let refused = Outgoing::new(false).unwrap().client.post(url).send().await.unwrap_err();
        assert_eq!(why(&refused), "the host has no public address");
        assert_eq!(server.accept().unwrap_err().kind(), std::io::ErrorKind::WouldBlock, "nobody came");
    }

    #[test]
    fn what_is_plainly_not_public_is_refused() {
        let careful = Outgoing::new(false).unwrap();
        for bad in [
            "http://example.org/",
            "https://127.0.0.1/",
            "https://[::1]/",
            "https://0x7f.1/",
            "https://2130706433/",
            "https://10.1.2.3:8443/x",
            "https://169.254.169.254/latest/meta-data",
            "https://[::ffff:127.0.0.1]/",
            "https://localhost/",
            "https://x.localhost/",
            "https://user:pw@example.org/",
        ] {
            assert!(careful.refusal(bad).is_some(), "{bad}");
        }
        assert_eq!(careful.refusal("https://hooks.example.org/onemind?tenant=1"), None);
        assert_eq!(Outgoing::new(true).unwrap().refusal("http://127.0.0.1:1/"), None);
    }
}

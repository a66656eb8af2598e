//! Which requests go through a proxy: `http_proxy`, `https_proxy` and `no_proxy`, in either case, as
//! Go's programs read them, concourse/s3-resource among them.
//!
//! Beyond Go's rules, what gives credentials to a machine or a container is always asked straight: a
//! proxy would answer with its own.

use crate::words::fault::Fault;
use crate::words::names::shown;
use http::header::HeaderValue;
use std::net::IpAddr;
use std::str::FromStr as _;

/// The environment's proxies, and what is reached without one.
#[derive(Debug, Default)]
pub(super) struct Proxies {
    http: Option<Result<Proxy, Fault>>,
    https: Option<Result<Proxy, Fault>>,
    straight: Vec<Straight>,
}

/// A proxy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Proxy {
    /// Its address.
    pub(super) uri: http::Uri,
    /// What it is told of who asks.
    pub(super) authorization: Option<HeaderValue>,
}

/// What is reached without a proxy; of one port, where one is named.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Straight {
    Everything,
    Network {
        address: IpAddr,
        bits: u32,
    },
    Address(IpAddr, Option<u16>),
    /// `.example.com`, and `example.com` itself where `whole` says so.
    Domain {
        dotted: String,
        whole: bool,
        port: Option<u16>,
    },
}

impl Proxies {
    /// Reads the environment.
    pub(super) fn read(variable: impl Fn(&str) -> Option<String>) -> Proxies {
        let either = |name: &str| variable(&name.to_uppercase()).or_else(|| variable(name));
        let proxy = |name: &str| either(name).map(|text| Proxy::parse(name, &text));
        let mut straight = straight(&either("no_proxy").unwrap_or_default());
        for name in ["AWS_EC2_METADATA_SERVICE_ENDPOINT", "AWS_CONTAINER_CREDENTIALS_FULL_URI"] {
            let uri = variable(name).and_then(|text| http::Uri::from_str(&text).ok());
            let host = uri.as_ref().and_then(|uri| uri.host().map(bare).map(str::to_owned));
            straight.extend(host.and_then(|host| rule(&host)));
        }
        Proxies { http: proxy("http_proxy"), https: proxy("https_proxy"), straight }
    }

    /// The proxy through which a request goes; an error where that one cannot be used.
    pub(super) fn of(&self, to: &http::Uri) -> Result<Option<&Proxy>, Fault> {
        let over_tls = to.scheme_str() == Some("https");
        let Some(proxy) = (if over_tls { &self.https } else { &self.http }) else {
            return Ok(None);
        };
        let port = to.port_u16().unwrap_or(if over_tls { 443 } else { 80 });
        let host = bare(to.host().unwrap_or("")).to_ascii_lowercase();
        if self.is_straight(&host, port) {
            return Ok(None);
        }
        proxy.as_ref().map(Some).map_err(Clone::clone)
    }

    fn is_straight(&self, host: &str, port: u16) -> bool {
        let address = IpAddr::from_str(host).ok().map(|address| address.to_canonical());
        host == "localhost"
            || address.is_some_and(|it| it.is_loopback() || gives_credentials(it))
            || self.straight.iter().any(|rule| rule.fits(host, address, port))
    }
}

/// Where the metadata of a machine, and the credentials of a container, are asked for.
fn gives_credentials(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => address.is_link_local(),
        IpAddr::V6(address) => {
            address.is_unicast_link_local() || address.segments()[..2] == [0xfd00, 0x0ec2]
        }
    }
}

impl Straight {
    fn fits(&self, host: &str, address: Option<IpAddr>, port: u16) -> bool {
        let fits_port = |named: &Option<u16>| named.is_none_or(|named| named == port);
        match self {
            Straight::Everything => true,
            Straight::Network { address: network, bits } => {
                address.is_some_and(|address| is_within(address, *network, *bits))
            }
            Straight::Address(named, of) => address == Some(*named) && fits_port(of),
            Straight::Domain { dotted, whole, port: of } => {
                let itself = *whole && host == &dotted[1..];
                (itself || host.ends_with(dotted.as_str())) && fits_port(of)
            }
        }
    }
}

fn is_within(address: IpAddr, network: IpAddr, bits: u32) -> bool {
    match (address, network) {
        (IpAddr::V4(a), IpAddr::V4(n)) => {
            let mask = u32::MAX.checked_shl(32 - bits).unwrap_or(0);
            a.to_bits() & mask == n.to_bits() & mask
        }
        (IpAddr::V6(a), IpAddr::V6(n)) => {
            let mask = u128::MAX.checked_shl(128 - bits).unwrap_or(0);
            a.to_bits() & mask == n.to_bits() & mask
        }
        _ => false,
    }
}

/// The rules of `no_proxy`: names and addresses with commas between.
fn straight(text: &str) -> Vec<Straight> {
    text.split(',').filter_map(|entry| rule(&entry.trim().to_ascii_lowercase())).collect()
}

/// One rule; none where there is nothing that could fit.
fn rule(entry: &str) -> Option<Straight> {
    if entry == "*" {
        return Some(Straight::Everything);
    }
    if let Some((address, bits)) = entry.split_once('/')
        && let (Ok(address), Ok(bits)) = (IpAddr::from_str(address), bits.parse::<u32>())
        && bits <= if address.is_ipv4() { 32 } else { 128 }
    {
        return Some(Straight::Network { address, bits });
    }
    let (host, port) = match IpAddr::from_str(entry) {
        // Colons of an address are none of a port.
        Ok(_) => (entry, None),
        Err(_) => match entry.rsplit_once(':') {
            Some((host, port)) => (host, Some(port.parse::<u16>().ok()?)),
            None => (entry, None),
        },
    };
    let host = bare(host);
    if let Ok(address) = IpAddr::from_str(host) {
        return Some(Straight::Address(address.to_canonical(), port));
    }
    let name = host.strip_prefix('*').filter(|rest| rest.starts_with('.')).unwrap_or(host);
    match name.strip_prefix('.') {
        Some("") => None,
        Some(_) => Some(Straight::Domain { dotted: name.to_owned(), whole: false, port }),
        None if name.is_empty() => None,
        None => Some(Straight::Domain { dotted: format!(".{name}"), whole: true, port }),
    }
}

/// A host without the brackets of an IPv6 address.
fn bare(host: &str) -> &str {
    host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host)
}

impl Proxy {
    /// `[http://][user:password@]host[:port]`. What cannot be used is refused by its kind: nothing of
    /// the text is shown but that, for there may be a password in it.
    fn parse(name: &str, text: &str) -> Result<Proxy, Fault> {
        let (scheme, rest) = text.trim().split_once("://").unwrap_or(("http", text.trim()));
        let hint = "give an HTTP proxy: `http://host:port`, with `user:password@` where it asks";
        if !scheme.eq_ignore_ascii_case("http") {
            let kind = match scheme.to_ascii_lowercase().as_str() {
                "https" => "a proxy that is spoken to over TLS".to_owned(),
                other if other.starts_with("socks") => {
                    format!("a SOCKS proxy (`{}://`)", shown(other))
                }
                other => format!("`{}://`", shown(other)),
            };
            return Err(Fault::new(format!("{name}: {kind} is not supported"), hint));
        }
        let authority = rest.split(['/', '?', '#']).next().unwrap_or("");
        let (user, address) = match authority.rsplit_once('@') {
            Some((user, address)) => (Some(user), address),
            None => (None, authority),
        };
        let uri = http::Uri::from_str(&format!("http://{address}/")).ok();
        let uri = uri.filter(|uri| uri.host().is_some_and(|host| !host.is_empty()));
        let Some(uri) = uri else {
            return Err(Fault::new(format!("{name}: there is no address in it"), hint));
        };
        let authorization = user.map(|user| {
            let (user, password) = user.split_once(':').unwrap_or((user, ""));
            let plain = |text| percent_encoding::percent_decode_str(text).collect::<Vec<u8>>();
            let pair = [plain(user), plain(password)].join(&b':');
            format!("Basic {}", base64_simd::STANDARD.encode_to_string(pair))
        });
        let mut authorization = authorization.and_then(|text| HeaderValue::try_from(text).ok());
        authorization.iter_mut().for_each(|value| value.set_sensitive(true));
        Ok(Proxy { uri, authorization })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn proxies(pairs: &[(&str, &str)]) -> Proxies {
        Proxies::read(|name| {
            pairs.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned())
        })
    }

    fn goes(proxies: &Proxies, to: &str) -> Option<String> {
        let to = http::Uri::from_str(to).expect(to);
        proxies.of(&to).expect("usable").map(|proxy| proxy.uri.to_string())
    }

    #[test]
    fn what_goes_through_which_proxy() {
        let both = proxies(&[("http_proxy", "plain:3128"), ("HTTPS_PROXY", "http://tls:3129")]);
        assert_eq!(goes(&both, "http://s3.example.com/").as_deref(), Some("http://plain:3128/"));
        assert_eq!(goes(&both, "https://s3.example.com/").as_deref(), Some("http://tls:3129/"));
        let upper = proxies(&[("http_proxy", "lower:1"), ("HTTP_PROXY", "upper:1")]);
        assert_eq!(goes(&upper, "http://a/").as_deref(), Some("http://upper:1/"));
        assert_eq!(goes(&proxies(&[("http_proxy", "plain:1")]), "https://a/"), None);
        for straight in [
            "http://localhost/",
            "http://127.0.0.1:9000/",
            "http://[::1]/",
            "http://169.254.169.254/latest/meta-data/",
            "http://169.254.170.2/v2/credentials",
            "http://169.254.170.23/v1/credentials",
            "http://[fd00:ec2::254]/",
        ] {
            assert_eq!(goes(&both, straight), None, "{straight}");
        }
        let metadata = proxies(&[
            ("http_proxy", "plain:1"),
            ("AWS_EC2_METADATA_SERVICE_ENDPOINT", "http://metadata.internal:8080/"),
        ]);
        assert_eq!(goes(&metadata, "http://metadata.internal:8080/latest"), None);
        assert!(goes(&metadata, "http://s3.internal/").is_some());
    }

    #[test]
    fn no_proxy_is_read_as_go_reads_it() {
        let cases = [
            ("example.com", "http://example.com/", true),
            ("example.com", "http://s3.example.com/", true),
            ("example.com", "http://notexample.com/", false),
            (".example.com", "http://s3.example.com/", true),
            (".example.com", "http://example.com/", false),
            ("*.example.com", "http://s3.example.com/", true),
            ("*.example.com", "http://example.com/", false),
            ("example.com:9000", "http://example.com:9000/", true),
            ("example.com:9000", "http://example.com/", false),
            ("example.com:80", "http://example.com/", true),
            ("EXAMPLE.com", "http://Example.COM/", true),
            (" a , example.com ", "http://example.com/", true),
            ("10.0.0.0/8", "http://10.1.2.3/", true),
            ("10.0.0.0/8", "http://11.1.2.3/", false),
            ("10.0.0.0/8", "http://ten.example.com/", false),
            ("0.0.0.0/0", "http://8.8.8.8/", true),
            ("10.1.2.3", "http://10.1.2.3:9000/", true),
            ("10.1.2.3:80", "http://10.1.2.3:9000/", false),
            ("2001:db8::/32", "http://[2001:db8::1]/", true),
            ("2001:db8::1", "http://[2001:db8::1]:9000/", true),
            ("[2001:db8::1]:80", "http://[2001:db8::1]:9000/", false),
            ("*", "http://anything/", true),
            ("a,*", "http://anything/", true),
            ("", "http://example.com/", false),
            (",,.", "http://example.com/", false),
            ("com", "http://example.com/", true),
        ];
        for (no_proxy, to, straight) in cases {
            let proxies = proxies(&[("http_proxy", "proxy:1"), ("no_proxy", no_proxy)]);
            assert_eq!(goes(&proxies, to).is_none(), straight, "{no_proxy} {to}");
        }
    }

    #[test]
    fn proxies_are_read_or_refused_by_their_kind() {
        let parse = |text: &str| Proxy::parse("http_proxy", text);
        let with = parse("http://us%40er:p%3Ass@proxy:3128/path").expect("a proxy");
        assert_eq!(with.uri.to_string(), "http://proxy:3128/");
        let header = with.authorization.expect("a header");
        assert!(header.is_sensitive());
        let want = base64_simd::STANDARD.encode_to_string("us@er:p:ss");
        assert_eq!(header.to_str().expect("text"), format!("Basic {want}"));
        assert_eq!(parse("proxy:3128").expect("a proxy").authorization, None);
        for (text, what) in [
            ("socks5://u:hunter2@proxy:1080", "SOCKS"),
            ("socks5h://proxy", "SOCKS"),
            ("https://u:hunter2@proxy", "TLS"),
            ("ftp://proxy", "`ftp://`"),
            ("http://u:hunter2@", "no address"),
            ("http://", "no address"),
            ("http://hunter2 x", "no address"),
        ] {
            let refused = parse(text).expect_err(text);
            assert!(refused.to_string().contains(what), "{refused}");
            assert!(!refused.to_string().contains("hunter2"), "{refused}");
        }
    }

    /// `http_proxy`, `no_proxy` and an address, a line each.
    #[test]
    fn fuzz_proxies() {
        let seeds = [
            "http://us%40er:p@proxy:3128/\n.example.com,10.0.0.0/8,[::1]:80,2001:db8::/32\nhttp://s3.example.com:9000/a",
            "socks5://proxy\n*\nhttps://[2001:db8::1]/",
            "proxy\nEXAMPLE.com:443, 1.2.3.4\nhttp://1.2.3.4/",
        ];
        fuzz_driver::texts("proxies", 5_000, seeds, |input| {
            let mut lines = input.split('\n');
            let (proxy, no_proxy) = (lines.next().unwrap_or(""), lines.next().unwrap_or(""));
            let all =
                proxies(&[("http_proxy", proxy), ("https_proxy", proxy), ("no_proxy", no_proxy)]);
            let Ok(to) = http::Uri::from_str(lines.next().unwrap_or("http://a/")) else {
                return "no address".to_owned();
            };
            match all.of(&to) {
                Ok(proxy) => format!(
                    "{} {}",
                    proxy.is_some(),
                    proxy.is_some_and(|it| it.authorization.is_some())
                ),
                Err(e) => fuzz_driver::line(e),
            }
        });
    }
}

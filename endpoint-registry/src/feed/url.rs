//! What an address of a feed must look like. Whether it may be asked (loopback, redirects) is the
//! fetcher's to say.

/// `https://host/...`; `http` only for servers of one's own.
pub fn check(url: &str, private: bool) -> Result<(), String> {
    let rest = match url.split_once("://") {
        Some(("https", rest)) => rest,
        Some(("http", rest)) if private => rest,
        Some(("http", _)) => {
            return Err(format!(
                "{url:?}: a list over plain http can be changed on its way; write https, or \
                 `transport: {{ private: true }}` for a server of one's own"
            ));
        }
        _ => return Err(format!("{url:?} is not an address of a feed: write https://host/path")),
    };
    host(url, rest)
}

/// `http`, `https` or `socks5`.
pub fn check_proxy(url: &str) -> Result<(), String> {
    match url.split_once("://") {
        Some(("http" | "https" | "socks5", rest)) => host(url, rest),
        _ => Err(format!("{url:?} is not a proxy: write http://, https:// or socks5://host:port")),
    }
}

/// The name of an HTTP header.
#[must_use]
pub fn is_header(name: &str) -> bool {
    let token = |b: u8| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b);
    !name.is_empty() && name.bytes().all(token)
}

fn host(url: &str, rest: &str) -> Result<(), String> {
    let plain = |byte: u8| byte.is_ascii_graphic() && !b"\"<>\\^`{|}".contains(&byte);
    if let Some(wrong) = url.chars().find(|&c| !u8::try_from(c).is_ok_and(plain)) {
        return Err(format!("{url:?}: {wrong:?} cannot be in an address; write it as %.."));
    }
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    if authority.contains('@') {
        return Err("no user name or password in an address: use `transport: headers`".to_owned());
    }
    let (host, port) = match authority.rsplit_once(':') {
        Some((host, port)) if !port.contains(']') => (host, Some(port)),
        _ => (authority, None),
    };
    let port = port.is_none_or(|port| port.parse::<u16>().is_ok_and(|port| port > 0));
    if host.is_empty() || !port {
        return Err(format!("{url:?} has no host, or a port that is none"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses() {
        for url in ["https://example.com/list.txt", "https://[2001:db8::1]:8443/a?b=c"] {
            assert_eq!(check(url, false), Ok(()));
        }
        assert_eq!(check("http://192.0.2.1:8080/x", true), Ok(()));
        assert_eq!(check_proxy("socks5://192.0.2.1:1080"), Ok(()));
        for (url, part) in [
            ("http://example.com/", "private: true"),
            ("ftp://example.com/", "https://host/path"),
            ("example.com", "https://host/path"),
            ("https://", "no host"),
            ("https:///x", "no host"),
            ("https://example.com:0/", "no host, or a port"),
            ("https://example.com:x/", "no host, or a port"),
            ("https://user:word@example.com/", "no user name"),
            ("https://example.com/a b", "' '"),
            ("https://ex\u{430}mple.com/", "cannot be"),
            ("https://example.com/\n", "cannot be"),
        ] {
            let message = check(url, false).unwrap_err();
            assert!(message.contains(part), "{url}: {message}");
        }
        assert!(check_proxy("example.com:3128").is_err());
    }
}

//! Services of a cluster and the ports behind which they are expected.
//!
//! In: nothing. Out: one table of services: name, words, usual ports; and the ports that the engineer gave instead. It refuses
//! to know what the services say.

/// What is behind a server's port.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Service {
    /// The Trust Verification Service.
    Tvs,
    /// Tomcat: the phone's web services.
    Tomcat,
    /// Secure download of configuration.
    Https,
    /// Files over HTTP.
    Http,
    /// Files over TFTP (UDP).
    Tftp,
    /// SIP in clear.
    Sip,
    /// SCCP in clear.
    Sccp,
    /// Anything else.
    Other,
}

impl Service {
    /// Name for machines, words for people, usual ports (domain.md 4.4, 4.5).
    const fn row(self) -> (&'static str, &'static str, &'static [u16]) {
        match self {
            Self::Tvs => ("tvs", "TVS", &[2445]),
            Self::Tomcat => ("tomcat", "Tomcat", &[8443]),
            Self::Https => ("https", "HTTPS", &[6971, 6972]),
            Self::Http => ("http", "HTTP", &[6970]),
            Self::Tftp => ("tftp", "TFTP", &[69]),
            Self::Sip => ("sip", "SIP", &[5060]),
            Self::Sccp => ("sccp", "SCCP", &[2000]),
            Self::Other => ("other", "TLS", &[]),
        }
    }

    /// Whether a web server is behind it, whose certificate the phone shows to TVS where it does not know it.
    pub const fn is_secure_web(self) -> bool {
        matches!(self, Self::Tomcat | Self::Https)
    }

    /// For machines.
    pub const fn name(self) -> &'static str {
        self.row().0
    }

    /// For people.
    pub const fn words(self) -> &'static str {
        self.row().1
    }

    /// The ports that it has unless somebody changed them.
    pub const fn usual_ports(self) -> &'static [u16] {
        self.row().2
    }

    /// The first of [`Self::usual_ports`]; 0 where there is none.
    pub const fn usual_port(self) -> u16 {
        match self.usual_ports() {
            [first, ..] => *first,
            [] => 0,
        }
    }
}

/// TCP ports that are always examined, and what is expected behind them.
#[derive(Debug, Clone)]
pub struct Ports {
    /// The Trust Verification Service.
    pub tvs: Vec<u16>,
    /// Tomcat.
    pub tomcat: Vec<u16>,
    /// Configuration over HTTPS.
    pub https: Vec<u16>,
    /// Files over HTTP.
    pub http: Vec<u16>,
    /// SIP in clear.
    pub sip: Vec<u16>,
    /// SCCP in clear.
    pub sccp: Vec<u16>,
}

impl Default for Ports {
    fn default() -> Self {
        let usual = |service: Service| service.usual_ports().to_vec();
        Self {
            tvs: usual(Service::Tvs),
            tomcat: usual(Service::Tomcat),
            https: usual(Service::Https),
            http: usual(Service::Http),
            sip: usual(Service::Sip),
            sccp: usual(Service::Sccp),
        }
    }
}

impl Ports {
    fn rows(&self) -> [(&[u16], Service); 6] {
        [
            (&self.tvs, Service::Tvs),
            (&self.tomcat, Service::Tomcat),
            (&self.https, Service::Https),
            (&self.http, Service::Http),
            (&self.sip, Service::Sip),
            (&self.sccp, Service::Sccp),
        ]
    }

    /// The service that is expected behind a port; of a port that is given twice, the first.
    pub fn expected(&self, port: u16) -> Option<Service> {
        self.rows().into_iter().find_map(|(ports, service)| ports.contains(&port).then_some(service))
    }

    /// All of them.
    pub fn all(&self) -> impl Iterator<Item = u16> {
        self.rows().into_iter().flat_map(|(ports, _)| ports.iter().copied())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ports_find_their_service() {
        let ports = Ports { tvs: vec![2445, 12_445], ..Ports::default() };
        for (port, service) in [(12_445, Some(Service::Tvs)), (6972, Some(Service::Https)), (80, None)] {
            assert_eq!(ports.expected(port), service, "{port}");
        }
        assert_eq!(ports.all().count(), 8);
        assert!(ports.all().all(|port| ports.expected(port).is_some()));
    }
}

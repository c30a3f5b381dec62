//! What a phone's configuration says (domain.md 5.3, 6).
//!
//! In: the plain body of a `.cnf.xml` file. Out: [`ConfigFacts`]: the servers that it names and the modes that it sets, and
//! nothing else. Passwords and other secrets are passed over, not kept. Nothing is expanded: entities that the document
//! defines itself stay unread, and everything that is kept has a bound.

use std::borrow::Cow;

use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};

use crate::event::Service;

/// What a configuration says of servers and security.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct ConfigFacts {
    /// The Trust Verification Services, in the order of their priorities.
    pub tvs: Vec<TvsMember>,
    /// The members of the `CallManager` group, in the order of their priorities.
    pub call_managers: Vec<CallManagerMember>,
    /// `deviceSecurityMode`: 1 none, 2 authenticated, 3 encrypted (domain.md 4.5).
    pub device_security_mode: Option<String>,
    /// `transportLayerProtocol`: 1 TCP, 2 UDP, 3 TLS; 4 is seen too (domain.md 4.5).
    pub transport_layer_protocol: Option<String>,
    /// `deviceProtocol`: `SIP` or `SCCP`.
    pub device_protocol: Option<String>,
    /// The firmware that it should run.
    pub load_information: Option<String>,
    /// Whether the configuration is whole; `false` is the short form that is served in clear where encryption is on
    /// (domain.md 2.7).
    pub full_config: Option<bool>,
    /// Whether the phone is to ask for an encrypted configuration.
    pub encrypted_config: Option<bool>,
    /// MD5 of the phone's certificate, as CUCM writes it.
    pub certificate_hash: Option<String>,
    /// Hosts of URLs that begin with `https:`, with their ports, each once.
    pub secured_hosts: Vec<(String, u16)>,
    /// The document ended before its end, or is not well-formed behind some point: only what stands before was read.
    pub damaged: bool,
}

/// A Trust Verification Service that the phone may ask.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct TvsMember {
    /// The lower the earlier it is asked.
    pub priority: Option<u8>,
    /// Address or name.
    pub address: String,
    /// TCP port.
    pub port: u16,
}

/// A server that the phone may register with.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct CallManagerMember {
    /// The lower the earlier it is tried.
    pub priority: Option<u8>,
    /// Its name in CUCM.
    pub name: Option<String>,
    /// Address or name on the network.
    pub address: Option<String>,
}

/// Longer values are none.
const LONGEST_VALUE: usize = 256;
/// Members of a group, and hosts of URLs, at most. CUCM's groups have three.
const MOST_MEMBERS: usize = 16;
/// Elements inside each other at most; real documents have eight.
const DEEPEST: usize = 32;

/// Elements that matter, or whose inside does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Element {
    Tvs,
    CallManagerGroup,
    Member,
    CallManager,
    Address,
    Port,
    Name,
    ProcessNodeName,
    SecurityMode,
    Transport,
    Protocol,
    Load,
    FullConfig,
    EncryptedConfig,
    CertificateHash,
    Url,
    Other,
}

impl Element {
    #[inline]
    fn of(name: &[u8]) -> Self {
        match name {
            b"TVS" => Self::Tvs,
            b"callManagerGroup" => Self::CallManagerGroup,
            b"member" => Self::Member,
            b"callManager" => Self::CallManager,
            b"address" => Self::Address,
            b"port" => Self::Port,
            b"name" => Self::Name,
            b"processNodeName" => Self::ProcessNodeName,
            b"deviceSecurityMode" => Self::SecurityMode,
            b"transportLayerProtocol" => Self::Transport,
            b"deviceProtocol" => Self::Protocol,
            b"loadInformation" => Self::Load,
            b"fullConfig" => Self::FullConfig,
            b"encrConfig" => Self::EncryptedConfig,
            b"certHash" => Self::CertificateHash,
            _ if name.ends_with(b"URL") || name == b"url" => Self::Url,
            _ => Self::Other,
        }
    }

    /// Whether its text is read.
    const fn is_leaf(self) -> bool {
        !matches!(self, Self::Tvs | Self::CallManagerGroup | Self::Member | Self::CallManager | Self::Other)
    }
}

impl ConfigFacts {
    /// Reads the plain body of a configuration; `None` where it is none, for instance because it is encrypted.
    pub fn parse(body: &[u8]) -> Option<Self> {
        let body = body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body);
        let text = body.trim_ascii_start();
        if text.first() != Some(&b'<') {
            return None;
        }
        // What is valid is told so much faster than what is not is replaced.
        let text = str::from_utf8(text).map_or_else(|_| String::from_utf8_lossy(text), Cow::Borrowed);
        let mut reading = Reading::default();
        let mut reader = Reader::from_str(&text);
        let config = reader.config_mut();
        config.check_end_names = false;
        config.allow_unmatched_ends = true;
        config.allow_dangling_amp = true;
        let mut is_config = false;
        loop {
            // Between elements stand line breaks only: what nobody reads need not become an event.
            reader.config_mut().trim_text_start = !reading.reads;
            match reader.read_event() {
                Ok(Event::Start(element)) => {
                    if !is_config {
                        // `XMLDefault.cnf.xml` has `Default` (domain.md 4.2).
                        if !matches!(element.name().as_ref(), "device" | "Default") {
                            return None;
                        }
                        is_config = true;
                    }
                    reading.start(&element);
                    if !reading.reads {
                        pass_over_others(&mut reader);
                    }
                }
                Ok(Event::Text(text)) if reading.reads => reading.text(&text.xml10_content()),
                Ok(Event::CData(text)) if reading.reads => reading.text(&text.xml10_content()),
                Ok(Event::GeneralRef(reference)) if reading.reads => {
                    if let Ok(Some(character)) = reference.resolve_char_ref() {
                        reading.text(character.encode_utf8(&mut [0; 4]));
                    } else if let Some(text) = quick_xml::escape::resolve_predefined_entity(&reference.into_inner()) {
                        reading.text(text);
                    }
                }
                Ok(Event::End(_)) => {
                    reading.end();
                    // What follows the root is no part of the document.
                    if is_config && reading.path.is_empty() {
                        break;
                    }
                    pass_over_others(&mut reader);
                }
                Ok(Event::Eof) => {
                    reading.facts.damaged = !reading.path.is_empty() || reading.too_deep > 0;
                    break;
                }
                Err(_) => {
                    reading.facts.damaged = true;
                    break;
                }
                Ok(_) => {}
            }
        }
        is_config.then(|| reading.finish())
    }
}

/// Passes over elements of no interest. Only where the reader has just told of markup: there it has begun nothing else.
fn pass_over_others(reader: &mut Reader<&[u8]>) {
    while let Some(behind) = behind_other(reader.get_ref()) {
        *reader.get_mut() = behind;
    }
}

/// What follows an element of no interest that has a name, no attributes, and nothing but text inside. Most elements are such: to
/// pass over them saves most events.
fn behind_other(bytes: &[u8]) -> Option<&[u8]> {
    let rest = bytes.trim_ascii_start().strip_prefix(b"<")?;
    let (name, inside) = rest.split_at_checked(memchr::memchr(b'>', rest)?)?;
    let is_plain = name.first()?.is_ascii_alphabetic() && name.iter().all(|&byte| byte > b' ' && byte != b'/');
    if !is_plain || Element::of(name) != Element::Other {
        return None;
    }
    let end = inside.get(memchr::memchr(b'<', inside)?..)?;
    if !end.starts_with(b"</") {
        return None;
    }
    end.get(memchr::memchr(b'>', end)? + 1..)
}

#[derive(Debug, Default)]
struct Reading {
    facts: ConfigFacts,
    path: Vec<Element>,
    /// Elements opened below the deepest that are followed.
    too_deep: usize,
    /// Whether text belongs to a value.
    reads: bool,
    value: String,
    tvs: TvsMember,
    call_manager: CallManagerMember,
}

impl Reading {
    fn start(&mut self, element: &BytesStart<'_>) {
        self.reads = false;
        if self.path.len() >= DEEPEST {
            self.too_deep += 1;
            return;
        }
        let kind = Element::of(element.name().as_ref().as_bytes());
        if kind == Element::Member {
            let priority = element.try_get_attribute("priority").ok().flatten();
            let priority = priority.and_then(|attribute| attribute.value.trim().parse().ok());
            self.tvs = TvsMember { priority, ..TvsMember::default() };
            self.call_manager = CallManagerMember { priority, ..CallManagerMember::default() };
        }
        self.reads = kind.is_leaf();
        self.value.clear();
        self.path.push(kind);
    }

    fn text(&mut self, text: &str) {
        if self.value.len() + text.len() > LONGEST_VALUE {
            self.reads = false;
            self.value.clear();
        } else {
            self.value.push_str(text);
        }
    }

    fn end(&mut self) {
        if self.too_deep > 0 {
            self.too_deep -= 1;
            return;
        }
        let Some(element) = self.path.pop() else { return };
        if std::mem::take(&mut self.reads) {
            self.leaf(element);
        } else if element == Element::Member {
            self.member();
        }
    }

    fn leaf(&mut self, element: Element) {
        let value = self.value.trim();
        if value.is_empty() {
            return;
        }
        let text = || Some(value.to_owned());
        let truth = || match value {
            "true" => Some(true),
            "false" => Some(false),
            _ => None,
        };
        let parent = self.path.last();
        let top = self.path.len() == 1;
        match element {
            Element::Address if parent == Some(&Element::Member) => value.clone_into(&mut self.tvs.address),
            Element::Port if parent == Some(&Element::Member) => self.tvs.port = value.parse().unwrap_or(0),
            Element::Name if parent == Some(&Element::CallManager) => self.call_manager.name = text(),
            Element::ProcessNodeName if parent == Some(&Element::CallManager) => self.call_manager.address = text(),
            Element::SecurityMode if top => self.facts.device_security_mode = text(),
            Element::Transport => self.facts.transport_layer_protocol = text(),
            Element::Protocol if top => self.facts.device_protocol = text(),
            Element::Load if top => self.facts.load_information = text(),
            Element::FullConfig if top => self.facts.full_config = truth(),
            Element::EncryptedConfig if top => self.facts.encrypted_config = truth(),
            Element::CertificateHash if top => self.facts.certificate_hash = text(),
            Element::Url => {
                let host = secured_host(value);
                let hosts = &mut self.facts.secured_hosts;
                if let Some(host) = host.filter(|host| hosts.len() < MOST_MEMBERS && !hosts.contains(host)) {
                    hosts.push(host);
                }
            }
            _ => {}
        }
    }

    /// A member ends: of the TVS servers, of the group, or of something else.
    fn member(&mut self) {
        let tvs = std::mem::take(&mut self.tvs);
        let call_manager = std::mem::take(&mut self.call_manager);
        if self.path.contains(&Element::Tvs) {
            if !tvs.address.is_empty() && self.facts.tvs.len() < MOST_MEMBERS {
                let port = if tvs.port == 0 { Service::Tvs.usual_port() } else { tvs.port };
                self.facts.tvs.push(TvsMember { port, ..tvs });
            }
        } else if self.path.contains(&Element::CallManagerGroup)
            && (call_manager.name.is_some() || call_manager.address.is_some())
            && self.facts.call_managers.len() < MOST_MEMBERS
        {
            self.facts.call_managers.push(call_manager);
        }
    }

    fn finish(mut self) -> ConfigFacts {
        // Members without a priority come last, in the order of the document.
        self.facts.tvs.sort_by_key(|member| member.priority.unwrap_or(u8::MAX));
        self.facts.call_managers.sort_by_key(|member| member.priority.unwrap_or(u8::MAX));
        self.facts
    }
}

/// Host and port of an `https:` URL; what stands before an `@` is a secret and not kept (RFC 3986 3.2.1).
fn secured_host(url: &str) -> Option<(String, u16)> {
    let rest = url.strip_prefix("https://").or_else(|| url.strip_prefix("HTTPS://"))?;
    let authority = rest.split(['/', '?', '#']).next()?;
    let authority = authority.rsplit('@').next()?;
    let (host, port) = match authority.rsplit_once(':') {
        Some((host, port)) if !port.contains(']') => (host, port.parse().ok()?),
        _ => (authority, 443),
    };
    let host = host.trim_start_matches('[').trim_end_matches(']');
    (!host.is_empty()).then(|| (host.to_owned(), port))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const DOCUMENT: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<device xsi:type="axl:XIPPhone" ctiid="50">
<fullConfig>true</fullConfig>
<deviceProtocol>SIP</deviceProtocol>
<sshPassword>never-kept</sshPassword>
<devicePool>
<name>Default</name>
<callManagerGroup>
<name>Group</name>
<members>
<member priority="1"><callManager><name>sub</name><ports><sipPort>5060</sipPort></ports>
<processNodeName>14.48.44.81</processNodeName></callManager></member>
<member priority="0"><callManager><name>pub &amp; more</name><processNodeName>14.48.44.80</processNodeName></callManager></member>
</members>
</callManagerGroup>
<srstInfo><name>Disable</name><port1>2000</port1></srstInfo>
</devicePool>
<sipProfile><transportLayerProtocol>4</transportLayerProtocol><port>5060</port></sipProfile>
<TVS><members>
<member priority="1"><port>2446</port><address>2001:db8::81</address></member>
<member priority="0"><port></port><address>14.48.44.80</address></member>
</members></TVS>
<!-- <deviceSecurityMode>3</deviceSecurityMode> -->
<deviceSecurityMode>1</deviceSecurityMode>
<loadInformation>SCCP75.9-1-1SR1S</loadInformation>
<addOnModules><addOnModule idx="1"><loadInformation>B015.1-0-4</loadInformation></addOnModule></addOnModules>
<encrConfig>false</encrConfig>
<certHash></certHash>
<authenticationURL>http://14.48.44.80:8080/a</authenticationURL>
<secureAuthenticationURL>https://14.48.44.80:8443/a</secureAuthenticationURL>
<secureDirectoryURL>https://user:never-kept@14.48.44.80:8443/b</secureDirectoryURL>
<phoneService><url><![CDATA[https://[2001:db8::80]/x?a=1&b=2]]></url></phoneService>
</device>
"#;

    #[test]
    fn servers_and_modes() {
        let facts = ConfigFacts::parse(DOCUMENT.as_bytes()).unwrap();
        let tvs: Vec<_> = facts.tvs.iter().map(|tvs| (tvs.priority, tvs.address.as_str(), tvs.port)).collect();
        assert_eq!(tvs, [(Some(0), "14.48.44.80", 2445), (Some(1), "2001:db8::81", 2446)]);
        let members: Vec<_> =
            facts.call_managers.iter().map(|member| (member.name.as_deref(), member.address.as_deref())).collect();
        assert_eq!(members, [(Some("pub & more"), Some("14.48.44.80")), (Some("sub"), Some("14.48.44.81"))]);
        assert_eq!(facts.device_security_mode.as_deref(), Some("1"));
        assert_eq!(facts.transport_layer_protocol.as_deref(), Some("4"));
        assert_eq!(facts.device_protocol.as_deref(), Some("SIP"));
        assert_eq!(facts.load_information.as_deref(), Some("SCCP75.9-1-1SR1S"), "not that of the add-on module");
        assert_eq!((facts.full_config, facts.encrypted_config), (Some(true), Some(false)));
        assert_eq!(facts.certificate_hash, None);
        assert_eq!(facts.secured_hosts, [("14.48.44.80".to_owned(), 8443), ("2001:db8::80".to_owned(), 443)]);
        assert!(!facts.damaged);
        assert!(!format!("{facts:?}").contains("never-kept"));
    }

    #[test]
    fn what_is_no_configuration() {
        assert_eq!(ConfigFacts::parse(b""), None);
        assert_eq!(ConfigFacts::parse(&[0x9c, 0x13, 0x44]), None, "encrypted");
        assert_eq!(ConfigFacts::parse(b"<CiscoIPPhoneText/>"), None);
        assert_eq!(ConfigFacts::parse(b"<tones><device><fullConfig>true</fullConfig></device></tones>"), None);
        assert!(ConfigFacts::parse(b"\xef\xbb\xbf\r\n<Default><x/></Default>").is_some());
    }

    #[test]
    fn what_follows_the_root_is_no_part_of_the_document() {
        let facts = ConfigFacts::parse(DOCUMENT.as_bytes());
        for behind in ["\n\n", "<device><fullConfig>false</fullConfig></device>", "<", "</device>"] {
            assert_eq!(ConfigFacts::parse(format!("{DOCUMENT}{behind}").as_bytes()), facts);
        }
    }

    #[test]
    fn what_stands_before_the_damage_is_read() {
        let cut = DOCUMENT.find("<loadInformation>").unwrap();
        for damage in ["", "<", "<<<", "</x", "<![CDATA[", "<a b=\"", "\u{0}<!DOCTYPE x ["] {
            let facts = ConfigFacts::parse(format!("{}{damage}", DOCUMENT.get(..cut).unwrap()).as_bytes()).unwrap();
            assert!(facts.damaged, "{damage:?}");
            assert_eq!(facts.tvs.len(), 2);
        }
    }

    #[test]
    fn entities_are_not_expanded_and_depth_is_bounded() {
        let bomb = "<!DOCTYPE d [<!ENTITY a \"xxxxxxxx\"><!ENTITY b \"&a;&a;&a;&a;\">]><device>\
                    <loadInformation>&b;&b;</loadInformation><deviceProtocol>SIP</deviceProtocol></device>";
        let facts = ConfigFacts::parse(bomb.as_bytes()).unwrap();
        assert_eq!((facts.load_information, facts.device_protocol.as_deref()), (None, Some("SIP")));
        let deep = format!(
            "<device>{}<fullConfig>true</fullConfig>{}<encrConfig>true</encrConfig></device>",
            "<a>".repeat(100_000),
            "</a>".repeat(100_000)
        );
        let facts = ConfigFacts::parse(deep.as_bytes()).unwrap();
        assert_eq!((facts.full_config, facts.encrypted_config), (None, Some(true)));
        let long = format!("<device><loadInformation>{}</loadInformation></device>", "x".repeat(100_000));
        assert_eq!(ConfigFacts::parse(long.as_bytes()).unwrap().load_information, None);
    }

    proptest! {
        #[test]
        fn what_is_passed_over_changes_nothing(
            parts in prop::collection::vec(
                prop::sample::select(vec![
                    "<a>", "</a>", "<member priority=\"1\">", "</member>", "<TVS>", "</TVS>", "<address>", "</address>",
                    "<fullConfig>", "</fullConfig>", "<b/>", "true", "10.0.0.1", " & ", "&amp;", "<![CDATA[<]]>", "ü", "\n", ">", "<?p?>",
                ]),
                0..40,
            ),
        ) {
            let plain = format!("<device>{}", parts.concat());
            // With a comment inside, no element has nothing but text inside.
            let commented: String = parts
                .iter()
                .map(|part| if part.starts_with('<') && part.ends_with('>') { format!("{part}<!---->") } else { (*part).to_owned() })
                .collect();
            prop_assert_eq!(
                ConfigFacts::parse(plain.as_bytes()),
                ConfigFacts::parse(format!("<device><!---->{commented}").as_bytes())
            );
        }

        #[test]
        fn any_damage_is_survived(
            at in any::<prop::sample::Index>(),
            garbage in prop::collection::vec(any::<u8>(), 0..20),
            removed in 0usize..50,
        ) {
            let mut document = DOCUMENT.as_bytes().to_vec();
            let at = at.index(document.len());
            let end = (at + removed).min(document.len());
            document.splice(at..end, garbage);
            if let Some(facts) = ConfigFacts::parse(&document) {
                prop_assert!(facts.tvs.len() <= 2 && facts.call_managers.len() <= 2);
            }
        }
    }
}

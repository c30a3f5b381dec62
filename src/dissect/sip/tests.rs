//! Requests as phones send them (domain.md 4.6), whole and in pieces.

use proptest::prelude::*;

use super::super::certificates::CertificateCache;
use super::super::content::{ContentLimits, ContentStore};
use super::super::reader::{ConnectionFacts, Piece, Shared, StreamReader};
use super::SipStreams;
use crate::capture::{FrameId, Moment, Span};
use crate::event::{Event, Holding, Identity, ListAlarm, Side};
use crate::packet::Datagram;

const ITL: &str = "1B A1 C9 07 E9 9E 4D 3C 53 9D C8 14 24 AF 6C 9F 7D CE 4D 6D ";

fn alarm(itl: &str, ctl: &str) -> String {
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<x-cisco-alarm>\n<Alarm Name=\"DeviceTLInfo\">\n<ParameterList>\n\
         <String name=\"DeviceName\">SEP0011215A1AE3</String>\n<String name=\"IPv4Address\">14.48.44.202</String>\n\
         <String name=\"IPv6Address\"></String>\n<String name=\"CTL_Signature\">{ctl}</String>\n\
         <String name=\"CTL_TFTP_Server\">N/A</String>\n<String name=\"ITL_Signature\">{itl}</String>\n\
         <String name=\"ITL_TFTP_Server\">cucm.example</String>\n<String name=\"StatusCode\">3</String>\n\
         </ParameterList>\n</Alarm>\n</x-cisco-alarm>\n"
    )
}

fn refer(kind: &str, body: &str) -> String {
    format!(
        "REFER sip:14.48.44.80 SIP/2.0\r\nVia: SIP/2.0/TCP 14.48.44.202:51778;branch=z9hG4bK20eb83bf\r\n\
         From: \"2222\" <sip:2222@14.48.44.202>;tag=c80084aa\r\nTo: <sip:14.48.44.80>\r\nCall-ID: c80084aa@14.48.44.202\r\n\
         CSeq: 1000 REFER\r\nUser-Agent: Cisco-CP7821/12.1.1\r\nExpires: 10\r\nMax-Forwards: 70\r\n\
         Contact: <sip:04984998@14.48.44.202:51778;transport=tcp>;+u.sip!devicename.ccm.cisco.com=\"SEP0011215A1AE3\"\r\n\
         Require: norefersub\r\nContent-Id: <5098d8fa@14.48.44.202>\r\nContent-Length: {}\r\nContent-Type: {kind}\r\n\
         Content-Disposition: session;handling=required\r\n\r\n{body}",
        body.len()
    )
}

fn register() -> String {
    "REGISTER sip:14.48.44.80 SIP/2.0\r\nVia: SIP/2.0/TCP 14.48.44.202:51778;branch=z9hG4bK66da98ae\r\n\
     From: <sip:2222@14.48.44.80>;tag=c80084aa\r\nTo: <sip:2222@14.48.44.80>\r\nCSeq: 113 REGISTER\r\n\
     User-Agent: Cisco-CP7821/12.1.1\r\n\
     Contact: <sip:04984998@14.48.44.202:51778;transport=tcp>;+sip.instance=\"<urn:uuid:00000000-0000-0000-0000-0011215a1ae3>\"\
     ;+u.sip!devicename.ccm.cisco.com=\"SEP0011215A1AE3\";+u.sip!model.ccm.cisco.com=\"621\"\r\n\
     Reason: SIP;cause=200;text=\"cisco-alarm:23 Name=SEP0011215A1AE3 ActiveLoad=sip78xx.12-1-1-12.loads \
     InactiveLoad=sip78xx.10-3-1-12.loads Last=reset-restart\"\r\nExpires: 3600\r\nContent-Length: 0\r\n\r\n"
        .to_owned()
}

fn moment(number: u64) -> Moment {
    Moment { frame: FrameId { source: 0, number }, ..Moment::default() }
}

/// What a connection tells whose client sends these pieces.
fn stream(pieces: &[Piece<'_>], from_the_middle: bool) -> Vec<Event> {
    let mut streams = SipStreams::new("14.48.44.202:51778".parse().unwrap(), "14.48.44.80:5060".parse().unwrap());
    let mut events = Vec::new();
    let (mut certificates, mut store) = (CertificateCache::default(), ContentStore::new(ContentLimits::default()));
    let mut shared = Shared {
        certificates: &mut certificates,
        store: &mut store,
        events: &mut events,
        facts: ConnectionFacts::default(),
    };
    if from_the_middle {
        streams.begin_in_the_middle(Side::Client);
    }
    for (number, piece) in (1..).zip(pieces) {
        streams.piece(Side::Client, *piece, moment(number), &mut shared);
    }
    streams.conclude(&ConnectionFacts::default(), Span::default(), &mut shared);
    events
}

fn reports(events: &[Event]) -> Vec<&ListAlarm> {
    fn report(event: &Event) -> Option<&ListAlarm> {
        if let Event::ListAlarm(report) = event { Some(report) } else { None }
    }
    events.iter().filter_map(report).collect()
}

fn identities(events: &[Event]) -> Vec<&Identity> {
    fn identity(event: &Event) -> Option<&Identity> {
        if let Event::Identity(identity) = event { Some(identity) } else { None }
    }
    events.iter().filter_map(identity).collect()
}

fn over_udp(message: &[u8], missing: usize) -> Vec<Event> {
    let mut events = Vec::new();
    let (src, dst) = ("14.48.44.202:49999".parse().unwrap(), "14.48.44.80:5060".parse().unwrap());
    super::datagram(&Datagram { src, dst, payload: message, missing, hardware: None }, moment(7), &mut events);
    events
}

#[track_caller]
fn assert_holds(report: &ListAlarm, itl: &str) {
    assert_eq!(report.itl, Some(Holding::List(itl.parse().unwrap())));
    assert_eq!(report.device.as_deref(), Some("SEP0011215A1AE3"));
}

#[test]
fn the_lists_that_a_phone_holds() {
    let message = refer("application/x-cisco-alarm+xml", &alarm(ITL, "Not Installed"));
    for events in [over_udp(message.as_bytes(), 0), stream(&[Piece::Data(message.as_bytes())], false)] {
        let reports = reports(&events);
        assert_eq!(reports.len(), 1);
        assert_holds(reports[0], ITL);
        assert_eq!(reports[0].ctl, Some(Holding::Nothing));
        assert_eq!(reports[0].itl_tftp_server.as_deref(), Some("cucm.example"));
        assert_eq!(reports[0].ctl_tftp_server, None);
        assert_eq!(reports[0].status_code.as_deref(), Some("3"));
        assert_eq!(reports[0].server.to_string(), "14.48.44.80:5060");
    }
}

#[test]
fn who_registers() {
    for events in [over_udp(register().as_bytes(), 0), stream(&[Piece::Data(register().as_bytes())], false)] {
        let [identity] = identities(&events)[..] else { panic!("{events:?}") };
        assert_eq!(identity.device.as_deref(), Some("SEP0011215A1AE3"));
        assert_eq!(identity.model.as_deref(), Some("CP-7821"));
        assert_eq!(identity.software.as_deref(), Some("sip78xx.12-1-1-12"));
        assert_eq!(identity.address, Some("14.48.44.202".parse().unwrap()));
    }
}

#[test]
fn a_registration_that_says_less() {
    let cut =
        register().replace("+u.sip!devicename.ccm.cisco.com", "x").replace("User-Agent: Cisco-CP7821/12.1.1\r\n", "");
    let events = over_udp(cut.as_bytes(), 0);
    let [identity] = identities(&events)[..] else { panic!("{events:?}") };
    assert_eq!(identity.device.as_deref(), Some("SEP0011215A1AE3"), "from the instance");
    assert_eq!(identity.model.as_deref(), Some("CP-7821"), "from the number");
    let less = cut.replace("+sip.instance", "y");
    let events = over_udp(less.as_bytes(), 0);
    assert_eq!(identities(&events)[0].device.as_deref(), Some("SEP0011215A1AE3"), "from the reason");
    assert!(over_udp(less.replace(" Name=", " N=").as_bytes(), 0).is_empty());
}

#[test]
fn several_requests_in_one_stream() {
    let other = ITL.replace("1B", "2B");
    let text = [
        "\r\n\r\n".to_owned(),
        refer("application/x-cisco-alarm+xml", &alarm(ITL, "Not Installed")),
        "SIP/2.0 200 OK\r\nContent-Length: 5\r\n\r\nREFER".to_owned(),
        "\r\n".to_owned(),
        refer("application/x-cisco-alarm+xml", &alarm(&other, "N/A")),
        register(),
    ]
    .concat();
    let events = stream(&[Piece::Data(text.as_bytes())], false);
    assert_eq!(reports(&events).len(), 2);
    assert_holds(reports(&events)[0], ITL);
    assert_holds(reports(&events)[1], &other);
    assert_eq!(reports(&events)[1].ctl, None, "not known is not the same as none");
    assert_eq!(identities(&events).len(), 1);
}

#[test]
fn a_gap_hides_the_request_it_is_in_and_no_other() {
    let first = refer("application/x-cisco-alarm+xml", &alarm(ITL, "Not Installed"));
    let (start, end) = first.split_at(1000);
    let next = register();
    let end = end.get(10..).unwrap();
    let events = stream(
        &[Piece::Data(start.as_bytes()), Piece::Gap(10), Piece::Data(end.as_bytes()), Piece::Data(next.as_bytes())],
        false,
    );
    assert!(reports(&events).is_empty());
    assert_eq!(identities(&events).len(), 1);
}

#[test]
fn copies_that_differ_are_not_believed() {
    let message = refer("application/x-cisco-alarm+xml", &alarm(ITL, "Not Installed"));
    let (start, end) = message.as_bytes().split_at(1100);
    assert!(stream(&[Piece::Data(start), Piece::Conflict(1000), Piece::Data(end)], false).is_empty());
}

#[test]
fn from_the_middle_of_a_message() {
    let message = refer("application/x-cisco-alarm+xml", &alarm(ITL, "Not Installed"));
    let (_, end) = message.as_bytes().split_at(700);
    let events = stream(&[Piece::Data(end), Piece::Data(message.as_bytes())], true);
    assert_eq!(reports(&events).len(), 1);
}

#[test]
fn compact_fields_and_a_body_of_several_parts() {
    let body = format!(
        "--uniqueBoundary\r\nContent-Type: application/x-cisco-remotecc-request+xml\r\n\r\n<x-cisco-remotecc-request/>\r\n\
         --uniqueBoundary\r\nContent-Type: application/x-cisco-alarm+xml\r\n\r\n{}\r\n--uniqueBoundary--\r\n",
        alarm(ITL, "Not Installed")
    );
    let message =
        format!("REFER sip:a SIP/2.0\r\nc: multipart/mixed;boundary=uniqueBoundary\r\nl: {}\r\n\r\n{body}", body.len());
    assert_holds(reports(&over_udp(message.as_bytes(), 0))[0], ITL);
    assert_holds(reports(&stream(&[Piece::Data(message.as_bytes())], false))[0], ITL);
}

#[test]
fn other_alarms_tell_nothing() {
    let other = alarm(ITL, "Not Installed").replace("DeviceTLInfo", "LastOutOfServiceInformation");
    assert!(over_udp(refer("application/x-cisco-alarm+xml", &other).as_bytes(), 0).is_empty());
    let both = format!("{}{}", other.replace("</x-cisco-alarm>", ""), alarm(ITL, "Not Installed"));
    assert_eq!(reports(&over_udp(refer("application/x-cisco-alarm+xml", &both).as_bytes(), 0)).len(), 1);
}

#[test]
fn a_datagram_cut_by_the_snap_length() {
    let message = refer("application/x-cisco-alarm+xml", &alarm(ITL, "Not Installed"));
    for kept in 0..message.len() {
        let events = over_udp(&message.as_bytes()[..kept], message.len() - kept);
        assert!(events.is_empty(), "{kept} bytes: {events:?}");
    }
}

#[test]
fn checksums_that_are_none() {
    for text in ["", "1B A1", "N/A", "installed", &format!("{ITL} 00"), &ITL.replace('C', "&#67;&#67;")] {
        let events = over_udp(refer("application/x-cisco-alarm+xml", &alarm(text, "?")).as_bytes(), 0);
        assert_eq!(reports(&events)[0].itl, None, "{text}");
    }
    let escaped = ITL.replace("1B", "&#49;B");
    let events = over_udp(refer("application/x-cisco-alarm+xml", &alarm(&escaped, "?")).as_bytes(), 0);
    assert_holds(reports(&events)[0], ITL);
}

proptest! {
    #[test]
    fn cut_anywhere_the_stream_says_the_same(cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..30)) {
        let text = [
            refer("application/x-cisco-alarm+xml", &alarm(ITL, "Not Installed")),
            "\r\n\r\n".to_owned(),
            "NOTIFY sip:a SIP/2.0\r\nContent-Length: 20\r\n\r\n01234567890123456789".to_owned(),
            register(),
            refer("application/x-cisco-alarm+xml", &alarm(ITL, "Not Installed")),
        ].concat();
        let mut at: Vec<usize> = cuts.iter().map(|cut| cut.index(text.len())).chain([0, text.len()]).collect();
        at.sort_unstable();
        let pieces: Vec<Piece<'_>> = at.windows(2).map(|pair| Piece::Data(&text.as_bytes()[pair[0]..pair[1]])).collect();
        let events = stream(&pieces, false);
        prop_assert_eq!(reports(&events).len(), 2);
        prop_assert_eq!(identities(&events).len(), 1);
        for report in reports(&events) {
            prop_assert_eq!(report.itl, Some(Holding::List(ITL.parse().unwrap())));
        }
    }

    #[test]
    fn any_bytes_do_no_harm(
        pieces in prop::collection::vec((prop::collection::vec(any::<u8>(), 0..60), any::<bool>()), 0..20),
        head in prop::sample::select(vec!["", "REFER sip:a SIP/2.0\r\n", "REFER sip:a SIP/2.0\r\nl:40\r\nc:multipart/x\r\n\r\n<x-cisco-alarm><Alarm Name=\"DeviceTLInfo\"><"]),
    ) {
        let mut all = vec![Piece::Data(head.as_bytes())];
        all.extend(pieces.iter().map(|(bytes, gap)| if *gap { Piece::Gap(bytes.len() as u64) } else { Piece::Data(bytes) }));
        stream(&all, false);
        let datagram: Vec<u8> = [head.as_bytes(), &pieces.iter().flat_map(|(bytes, _)| bytes.clone()).collect::<Vec<_>>()].concat();
        over_udp(&datagram, 0);
    }
}

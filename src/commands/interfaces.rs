//! `itlscope interfaces`: what can be captured from.

use clap::ValueEnum;

use super::Exit;
#[cfg(feature = "live")]
use crate::{
    capture::live::{self, Interface},
    escape,
};

const EXAMPLES: &str = "\
Examples:
  itlscope interfaces
      Names, addresses and what each interface is
  sudo itlscope interfaces --format json
      The same for a program; link types can only be told by who may capture";

/// List the interfaces that 'watch -i' can capture from
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Args {
    /// How to print them
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// For people, one a line
    Text,
    /// One JSON object a line
    Json,
}

#[cfg(not(feature = "live"))]
pub(super) fn run(args: &Args) -> anyhow::Result<Exit> {
    let Args { format: _ } = args;
    anyhow::bail!("interfaces: this itlscope was built without live capture")
}

#[cfg(feature = "live")]
pub(super) fn run(args: &Args) -> anyhow::Result<Exit> {
    use std::io::Write;

    let known = live::interfaces().map_err(|reason| anyhow::anyhow!("the interfaces cannot be listed: {reason}"))?;
    let mut out = std::io::stdout().lock();
    match args.format {
        Format::Text => {
            for line in lines(&known) {
                writeln!(out, "{line}")?;
            }
        }
        Format::Json => {
            for interface in &known {
                escape::json(&mut out, &InterfaceView::from(interface))?;
                writeln!(out)?;
            }
        }
    }
    Ok(Exit::Clean)
}

/// An interface, as JSON.
#[cfg(feature = "live")]
#[derive(serde::Serialize)]
struct InterfaceView<'a> {
    schema: &'static str,
    name: &'a str,
    description: Option<&'a str>,
    addresses: &'a [std::net::IpAddr],
    up: bool,
    running: bool,
    loopback: bool,
    link_type: Option<u32>,
}

#[cfg(feature = "live")]
impl<'a> From<&'a Interface> for InterfaceView<'a> {
    fn from(interface: &'a Interface) -> Self {
        let Interface { name, description, addresses, up, running, loopback } = interface;
        Self {
            schema: "itlscope.interface/1",
            name,
            description: description.as_deref(),
            addresses,
            up: *up,
            running: *running,
            loopback: *loopback,
            link_type: live::link_type_of(name).map(|link| link.0),
        }
    }
}

/// The interfaces, one a line.
#[cfg(feature = "live")]
pub(super) fn lines(interfaces: &[Interface]) -> Vec<String> {
    let widest = interfaces.iter().map(|interface| interface.name.chars().count()).max().unwrap_or_default();
    let line = |interface: &Interface| {
        let Interface { name, description, addresses, up, running, loopback } = interface;
        let mut facts = vec![match (up, running) {
            (true, true) => "up".to_owned(),
            (true, false) => "up, not connected".to_owned(),
            (false, _) => "down".to_owned(),
        }];
        facts.extend(loopback.then(|| "loopback".to_owned()));
        facts.extend(addresses.iter().map(ToString::to_string));
        facts.extend(description.clone());
        let line = format!("{name:widest$}  {}", facts.join(", "));
        escape::line(&line).into_owned()
    };
    interfaces.iter().map(line).collect()
}

#[cfg(feature = "live")]
#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_interface_in_a_line() {
        let interface = Interface {
            name: "span0".to_owned(),
            description: Some("Nexus\u{1b}[2J".to_owned()),
            addresses: vec!["10.1.0.5".parse().unwrap()],
            up: true,
            running: false,
            loopback: false,
        };
        assert_eq!(lines(&[interface]), ["span0  up, not connected, 10.1.0.5, Nexus\\x1b[2J"]);
    }
}

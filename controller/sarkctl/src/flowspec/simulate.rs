//! `simulate`: which rule a packet would hit, and why that one.

use std::io::{self, Write as _};
use std::path::PathBuf;

use sark_compiler::{SimulatedPolicy, SimulatedRule, Simulation, simulate};
use sark_flowspec::{Fragment, Packet, parse_tcp_flags};
use serde::Serialize;

use crate::cli::Context;
use crate::exit::{Exit, Failure, Outcome};
use crate::offline::Inputs;
use crate::output::{Format, Out, style};
use crate::render;
use crate::table::{Cell, Table};

/// See [`super::Command::Simulate`].
#[derive(Debug, clap::Args)]
pub struct SimulateArgs {
    /// Such as `tcp 10.20.3.4:51000 > 160.79.104.10:443` or `icmp 192.0.2.1 > 192.0.2.2 type 8`
    packet: String,
    /// Policies; of a directory its *.yaml and *.yml; `-` is standard input; may be repeated
    #[arg(short, long = "file", required = true, value_name = "FILE|DIR")]
    files: Vec<PathBuf>,
    /// Octets of the IP packet, header included [default: headers alone]
    #[arg(long, value_name = "OCTETS")]
    len: Option<u16>,
    /// DSCP, 0 to 63
    #[arg(long, value_name = "VALUE", default_value_t = 0, value_parser = clap::value_parser!(u8).range(0..=63))]
    dscp: u8,
    /// TCP flags, such as `syn,ack`, `none` or `0x12` [default: syn]
    #[arg(long, value_name = "FLAGS", value_parser = flags)]
    flags: Option<u16>,
    /// Fragmentation: none, dont, first, middle or last
    #[arg(long, value_name = "WHICH", default_value = "none", value_parser = fragment)]
    fragment: Fragment,
    /// IPv6 flow label
    #[arg(long, value_name = "LABEL", value_parser = clap::value_parser!(u32).range(0..=0xf_ffff))]
    flow_label: Option<u32>,
    #[command(flatten)]
    inputs: Inputs,
}

#[derive(Debug, Serialize)]
struct Answer<'a> {
    packet: &'a str,
    #[serde(flatten)]
    simulation: &'a Simulation,
}

/// `simulate`.
pub fn run(arguments: &SimulateArgs, context: &mut Context) -> Outcome {
    let packet = packet(arguments)?;
    let compiled = arguments.inputs.load()?.compile(&arguments.files)?;
    if !compiled.refused.is_empty() {
        if context.out.format == Format::Table {
            render::refusals(&mut context.out, &compiled.refused)?;
        } else {
            context.out.data(&compiled.refused, |_| Ok(()))?;
        }
        return Ok(Exit::Refused);
    }
    let simulation = simulate(&compiled, &packet);
    let answer = Answer { packet: &arguments.packet, simulation: &simulation };
    context.out.data(&answer, |out| print(out, &answer))?;
    Ok(Exit::Done)
}

fn packet(arguments: &SimulateArgs) -> Result<Packet, Failure> {
    let mut packet = Packet::parse(&arguments.packet).map_err(|error| {
        Failure::usage(format!("`{}` is no packet: {error}", arguments.packet))
            .next("such as 'tcp 10.20.3.4:51000 > 160.79.104.10:443'; quote it, or the shell takes the `>`")
    })?;
    packet.dscp = arguments.dscp;
    packet.fragment = arguments.fragment;
    if let Some(length) = arguments.len {
        packet.length = length;
    }
    if let Some(flags) = arguments.flags {
        if packet.tcp_flags.is_none() {
            return Err(Failure::usage("--flags is for TCP packets"));
        }
        packet.tcp_flags = Some(flags);
    }
    if let Some(label) = arguments.flow_label {
        if packet.flow_label.is_none() {
            return Err(Failure::usage("--flow-label is for IPv6 packets"));
        }
        packet.flow_label = Some(label);
    }
    if packet.fragment.offset {
        // Only the first fragment has the header of TCP, UDP or ICMP.
        packet.source_port = None;
        packet.destination_port = None;
        packet.icmp_type = None;
        packet.icmp_code = None;
        packet.tcp_flags = None;
    }
    Ok(packet)
}

fn print(out: &mut Out, answer: &Answer<'_>) -> io::Result<()> {
    let simulation = answer.simulation;
    let outcome = out.paint(style::HEAD, &simulation.outcome);
    writeln!(out, "{}\n{outcome}", answer.packet)?;
    rules(out, &simulation.matches)?;
    if let Some(order) = &simulation.order {
        let first = out.paint(style::HEAD, "why first");
        writeln!(out, "\n{first}  {order}")?;
    }
    policies(out, &simulation.intended)?;
    if !simulation.agrees {
        let wrong = out.paint(style::ERROR, "the routers do not do what the priorities mean");
        writeln!(out, "\n{wrong}: this is a defect of the compiler, please report it")?;
    }
    Ok(())
}

fn rules(out: &mut Out, matches: &[SimulatedRule]) -> io::Result<()> {
    if matches.is_empty() {
        return Ok(());
    }
    writeln!(out)?;
    let mut table = Table::new(["ORDER", "MATCH", "ACTION", "POLICY"]);
    for (index, rule) in matches.iter().enumerate() {
        let (colour, order) = match index {
            0 => (style::ADD, "1 wins".to_owned()),
            _ => (style::QUIET, (index + 1).to_string()),
        };
        table.row([
            Cell::new(colour, order),
            Cell::rule(&rule.matches),
            render::planned(&rule.actions).into(),
            render::policy(&rule.policy, &rule.origin).into(),
        ]);
    }
    table.print(out)
}

fn policies(out: &mut Out, intended: &[SimulatedPolicy]) -> io::Result<()> {
    if intended.is_empty() {
        return Ok(());
    }
    writeln!(out)?;
    let mut table = Table::new(["PRIORITY", "POLICY", "MEANS TO"]);
    for policy in intended {
        let place = if policy.line == 0 {
            String::new()
        } else {
            format!(" ({}:{})", policy.file, policy.line)
        };
        table.row([
            policy
                .priority
                .map_or_else(|| "guard".to_owned(), |priority| priority.to_string())
                .into(),
            format!("{}{place}", policy.policy).into(),
            render::planned(&policy.actions).into(),
        ]);
    }
    table.print(out)
}

fn flags(text: &str) -> Result<u16, sark_flowspec::TextError> {
    parse_tcp_flags(text)
}

fn fragment(text: &str) -> Result<Fragment, sark_flowspec::TextError> {
    text.parse()
}

//! `encode` and `decode`: one rule, or a stream of them.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Write as _};
use std::os::fd::AsFd as _;

use sark_flowspec::{Afi, Nlri};
use serde::Serialize;

use crate::cli::Context;
use crate::exit::{Exit, Failure, Outcome};
use crate::output::{Format, Out, style};

/// A rule of the longest NLRI has fewer letters, as text and as hex.
const LONGEST_LINE: u64 = 1 << 17;

/// What a person who typed something else gets to see.
const EXAMPLE: &str = "a rule is such as `dst 192.0.2.0/24 proto =6 dport =443`, its octets such as \
    `0d0120cb007158038106059101bb`; IPv6 rules need --afi ipv6";

/// See [`super::Command::Encode`].
#[derive(Debug, clap::Args)]
pub struct EncodeArgs {
    /// Such as `dst 192.0.2.0/24 proto =6 dport =443|>=8000&<=8100`
    text: Option<String>,
    /// Address family
    #[arg(long, value_enum, default_value_t)]
    afi: Family,
    /// Encode the one form that is announced: shortest widths, items sorted and merged
    #[arg(long)]
    canonical: bool,
}

/// See [`super::Command::Decode`].
#[derive(Debug, clap::Args)]
pub struct DecodeArgs {
    /// Such as `0d0120cb007158038106059101bb`
    hex: Option<String>,
    /// Address family
    #[arg(long, value_enum, default_value_t)]
    afi: Family,
}

/// Address family.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Family {
    /// RFC 8955
    #[default]
    Ipv4,
    /// RFC 8956
    Ipv6,
}

impl From<Family> for Afi {
    fn from(family: Family) -> Self {
        match family {
            Family::Ipv4 => Self::Ipv4,
            Family::Ipv6 => Self::Ipv6,
        }
    }
}

#[derive(Debug, Serialize)]
struct Rule {
    afi: Afi,
    #[serde(rename = "match")]
    text: String,
    nlri: String,
    octets: usize,
    canonical: bool,
}

/// What a line of input was, wrong.
#[derive(Debug, thiserror::Error)]
enum LineError {
    #[error(transparent)]
    Text(#[from] sark_flowspec::TextError),
    #[error(transparent)]
    Octets(#[from] sark_flowspec::DecodeError),
    #[error("`{0}` is not a hex digit")]
    Digit(char),
    #[error("the number of hex digits is odd")]
    Odd,
    #[error("it is not UTF-8 text")]
    NotText,
    #[error("it is longer than {LONGEST_LINE} octets")]
    TooLong,
}

impl LineError {
    /// With the text and a caret under the place, when there is one.
    fn pointed_at(self, text: &str) -> String {
        let Self::Text(error) = &self else { return self.to_string() };
        let before = text.get(..error.at()).unwrap_or_default().chars().count();
        format!("{error}\n  {text}\n  {:before$}^", "")
    }
}

/// `encode`.
pub fn encode(arguments: &EncodeArgs, context: &mut Context) -> Outcome {
    let afi = arguments.afi.into();
    let read = |text: &str| -> Result<Nlri, LineError> {
        let nlri = Nlri::parse(afi, text)?;
        Ok(if arguments.canonical { nlri.canonical() } else { nlri })
    };
    let show = |nlri: &Nlri, line: &mut String| hex(&nlri.encode(), line);
    each(arguments.text.as_deref(), &mut context.out, read, show)
}

/// `decode`.
pub fn decode(arguments: &DecodeArgs, context: &mut Context) -> Outcome {
    let afi = arguments.afi.into();
    let read = |text: &str| -> Result<Nlri, LineError> { Ok(Nlri::decode(afi, &octets(text)?)?) };
    let show = |nlri: &Nlri, line: &mut String| line.push_str(&nlri.to_string());
    each(arguments.hex.as_deref(), &mut context.out, read, show)
}

fn each(
    argument: Option<&str>,
    out: &mut Out,
    read: impl Fn(&str) -> Result<Nlri, LineError>,
    show: impl Fn(&Nlri, &mut String),
) -> Outcome {
    match argument {
        Some(text) if text != "-" => {
            let nlri = read(text).map_err(|error| {
                let pointed = error.pointed_at(text);
                Failure::usage(pointed).next(EXAMPLE)
            })?;
            out.data(&rule(&nlri), |out| {
                let mut line = String::new();
                show(&nlri, &mut line);
                writeln!(out, "{line}")
            })?;
            Ok(Exit::Done)
        }
        _ => {
            // A handle of its own, since `Stdin` does not tell whether its buffer is empty.
            let stdin = io::stdin().as_fd().try_clone_to_owned()?;
            stream(BufReader::new(File::from(stdin)), out, read, show)
        }
    }
}

fn stream(
    mut input: BufReader<impl Read>,
    out: &mut Out,
    read: impl Fn(&str) -> Result<Nlri, LineError>,
    show: impl Fn(&Nlri, &mut String),
) -> Outcome {
    let mut exit = Exit::Done;
    let mut line = Vec::new();
    let mut text = String::new();
    for number in 1_u64.. {
        if input.buffer().is_empty() {
            // Reading may wait: for a person, or for a program that waits for this answer.
            out.flush()?;
        }
        let mut result = match next_line(&mut input, &mut line) {
            Ok(None) => break,
            Ok(Some(result)) => result,
            Err(error) => return Err(Failure::failed(error).next("nothing; standard input broke")),
        }
        .and_then(|()| std::str::from_utf8(&line).map_err(|_| LineError::NotText));
        if let Ok(rule) = &mut result {
            *rule = rule.trim();
            if rule.is_empty() || rule.starts_with('#') {
                continue;
            }
        }
        match result.and_then(&read) {
            Ok(nlri) => {
                text.clear();
                print(out.format, &nlri, &show, &mut text)?;
                out.write_all(text.as_bytes())?;
            }
            Err(error) => {
                exit = Exit::Usage;
                use style::ERROR;
                anstream::eprintln!("{ERROR}error:{ERROR:#} line {number}: {error}");
            }
        }
        if out.is_closed() {
            break;
        }
    }
    Ok(exit)
}

fn print(
    format: Format,
    nlri: &Nlri,
    show: impl Fn(&Nlri, &mut String),
    text: &mut String,
) -> Result<(), Failure> {
    match format {
        Format::Table => {
            show(nlri, text);
            text.push('\n');
        }
        Format::Json => {
            text.push_str(&serde_json::to_string(&rule(nlri)).map_err(Failure::failed)?);
            text.push('\n');
        }
        // Items of one list.
        Format::Yaml => {
            text.push_str(&serde_saphyr::to_string(&[rule(nlri)]).map_err(Failure::failed)?);
        }
    }
    Ok(())
}

fn rule(nlri: &Nlri) -> Rule {
    let octets = nlri.encode();
    let mut digits = String::with_capacity(2 * octets.len());
    hex(&octets, &mut digits);
    Rule {
        afi: nlri.afi(),
        text: nlri.to_string(),
        nlri: digits,
        octets: octets.len(),
        canonical: nlri.canonical() == *nlri,
    }
}

/// `None` at the end. A line that is too long is read to its end and dropped.
fn next_line(
    input: &mut impl BufRead,
    line: &mut Vec<u8>,
) -> io::Result<Option<Result<(), LineError>>> {
    line.clear();
    let mut too_long = false;
    loop {
        let read = input.by_ref().take(LONGEST_LINE).read_until(b'\n', line)?;
        if read == 0 && line.is_empty() && !too_long {
            return Ok(None);
        }
        if read == 0 || line.last() == Some(&b'\n') {
            return Ok(Some(if too_long { Err(LineError::TooLong) } else { Ok(()) }));
        }
        if line.len() as u64 >= LONGEST_LINE {
            too_long = true;
            line.clear();
        }
    }
}

fn hex(octets: &[u8], digits: &mut String) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    for octet in octets {
        digits.push(char::from(DIGITS[usize::from(octet >> 4)]));
        digits.push(char::from(DIGITS[usize::from(octet & 15)]));
    }
}

fn octets(text: &str) -> Result<Vec<u8>, LineError> {
    let text = text.trim();
    let text = text.strip_prefix("0x").unwrap_or(text);
    let mut octets = Vec::with_capacity(text.len() / 2);
    let mut half = None;
    for letter in text.chars().filter(|letter| !letter.is_ascii_whitespace()) {
        // A hex digit is below 16.
        let digit = letter.to_digit(16).ok_or(LineError::Digit(letter))? as u8;
        half = match half {
            None => Some(digit << 4),
            Some(high) => {
                octets.push(high | digit);
                None
            }
        };
    }
    if half.is_some() { Err(LineError::Odd) } else { Ok(octets) }
}

#[cfg(test)]
mod tests {
    use super::{LONGEST_LINE, LineError, hex, next_line, octets};

    #[test]
    fn hex_digits_go_both_ways() {
        let mut digits = String::new();
        hex(&[0x0d, 0x01, 0xff], &mut digits);
        assert_eq!(digits, "0d01ff");
        assert_eq!(octets(" 0x0D 01 fF ").unwrap(), [0x0d, 0x01, 0xff]);
        assert!(matches!(octets("0d0"), Err(LineError::Odd)));
        assert!(matches!(octets("0dxx"), Err(LineError::Digit('x'))));
    }

    #[test]
    fn lines_end_where_they_end_and_long_ones_are_dropped() {
        let mut text = b"one\n".to_vec();
        text.resize(text.len() + LONGEST_LINE as usize * 2 + 3, b'x');
        text.extend(b"\nlast");
        let mut input = text.as_slice();
        let mut line = Vec::new();
        assert!(matches!(next_line(&mut input, &mut line), Ok(Some(Ok(())))));
        assert_eq!(line, b"one\n");
        assert!(matches!(next_line(&mut input, &mut line), Ok(Some(Err(LineError::TooLong)))));
        assert!(matches!(next_line(&mut input, &mut line), Ok(Some(Ok(())))));
        assert_eq!(line, b"last");
        assert!(matches!(next_line(&mut input, &mut line), Ok(None)));
    }
}

//! Requests to TVS out of the lines of its log.
//!
//! In: its lines, one after another. Out: [`TvsRequest`]s, each with the line on which it begins. It refuses to take "cannot
//! find" for an answer before the answer was sent: another cache may know the certificate.

use super::statement::{TvsAnswer, TvsRequest};
use super::table::TvsLine;

/// More roles than a certificate can have.
const MOST_ROLES: usize = 32;

/// What goes on in the log.
#[derive(Debug, Default)]
pub(super) struct Requests {
    open: Option<Open>,
}

#[derive(Debug)]
struct Open {
    line: usize,
    request: TvsRequest,
    is_missed: bool,
}

impl Requests {
    /// Takes a line; a request that ended is given back.
    pub(super) fn line(&mut self, number: usize, line: TvsLine) -> Option<(usize, TvsRequest)> {
        match line {
            TvsLine::Phone(_) => return None,
            TvsLine::Answered => return self.end(true),
            TvsLine::Request => {
                let before = self.end(false);
                self.open(number);
                return before;
            }
            TvsLine::Subject(subject) => {
                let before = if self.open.as_ref().is_some_and(|open| open.request.subject.is_some()) {
                    self.end(false)
                } else {
                    None
                };
                self.open(number).request.subject = Some(subject);
                return before;
            }
            TvsLine::Issuer(issuer) => _ = self.open(number).request.issuer.get_or_insert(issuer),
            TvsLine::Serial(serial) => _ = self.open(number).request.serial.get_or_insert(serial),
            TvsLine::Found => self.open(number).request.answer = TvsAnswer::Known,
            TvsLine::NotFound => self.open(number).is_missed = true,
            TvsLine::Role(role) => {
                let roles = &mut self.open(number).request.roles;
                if roles.len() < MOST_ROLES {
                    roles.push(role);
                }
            }
        }
        None
    }

    fn open(&mut self, line: usize) -> &mut Open {
        self.open.get_or_insert_with(|| Open {
            line,
            is_missed: false,
            request: TvsRequest {
                subject: None,
                issuer: None,
                serial: None,
                answer: TvsAnswer::Open,
                roles: Vec::new(),
            },
        })
    }

    /// Ends the request in progress; `answered` where its answer was sent.
    pub(super) fn end(&mut self, answered: bool) -> Option<(usize, TvsRequest)> {
        let Open { line, mut request, is_missed } = self.open.take()?;
        if answered && is_missed && request.answer == TvsAnswer::Open {
            request.answer = TvsAnswer::NotFound;
        }
        let says_something = request.subject.is_some()
            || request.issuer.is_some()
            || request.serial.is_some()
            || request.answer != TvsAnswer::Open;
        says_something.then_some((line, request))
    }
}

impl std::fmt::Display for TvsRequest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("TVS was asked about ")?;
        match &self.serial {
            Some(serial) => write!(f, "the certificate {serial}")?,
            None => f.write_str("a certificate")?,
        }
        if let Some(issuer) = &self.issuer {
            write!(f, " issued by {issuer}")?;
        }
        if let Some(subject) = &self.subject {
            write!(f, " to {subject}")?;
        }
        match self.answer {
            TvsAnswer::Known => f.write_str(" and knows it"),
            TvsAnswer::NotFound => {
                f.write_str(" and does not know it: import that certificate (Phone-SAST-trust, CallManager-trust)")
            }
            TvsAnswer::Open => f.write_str("; the log does not say what it answered"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn requests(lines: Vec<TvsLine>) -> Vec<(usize, TvsRequest)> {
        let mut requests = Requests::default();
        let mut out: Vec<_> = (1..).zip(lines).filter_map(|(number, line)| requests.line(number, line)).collect();
        out.extend(requests.end(false));
        out
    }

    #[test]
    fn second_cache_may_know_what_the_first_does_not() {
        let lines = vec![TvsLine::Serial("83E9".to_owned()), TvsLine::NotFound, TvsLine::Found, TvsLine::Role(0)];
        let [(1, request)] = &requests(lines)[..] else { panic!() };
        assert_eq!((request.answer, request.roles.as_slice()), (TvsAnswer::Known, &[0_u16][..]));
    }

    #[test]
    fn not_found_needs_the_answer() {
        let missed = || vec![TvsLine::Request, TvsLine::Issuer("CN=a".to_owned()), TvsLine::NotFound];
        assert_eq!(requests(missed())[0].1.answer, TvsAnswer::Open);
        let answered = [missed(), vec![TvsLine::Answered]].concat();
        assert_eq!(requests(answered)[0].1.answer, TvsAnswer::NotFound);
    }

    #[test]
    fn requests_behind_each_other_are_apart() {
        let subject = |name: &str| TvsLine::Subject(name.to_owned());
        let lines = vec![subject("a"), TvsLine::Found, subject("b"), TvsLine::Request, TvsLine::Answered];
        let answers: Vec<_> = requests(lines).into_iter().map(|(line, request)| (line, request.answer)).collect();
        assert_eq!(answers, [(1, TvsAnswer::Known), (3, TvsAnswer::Open)]);
    }
}

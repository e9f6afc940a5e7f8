//! Several nodes of one router: asks them concurrently and merges their answers, notes and errors.

use std::fmt::Display;

use tokio::task::JoinSet;

use super::BackendError;
use super::exchange::{Failure, reworded};
use crate::domain::text::clean;
use crate::domain::{Digest, Observation, Order, Revision, SideTraffic, Split};

/// The result of one node, with its name.
pub(super) type Outcome<N, T> = (N, Result<T, Failure>);

/// The state that one node reports.
pub(super) trait Says {
    /// Its split.
    fn split(&self) -> Split;
    /// Its process; the counters of another process start from zero.
    fn process(&self) -> &str;
    /// Everything else of its state that makes up the revision.
    fn state(&self) -> String;
    /// Notes for people.
    fn notes(&self) -> &[String];
    /// Why its split is not certain.
    fn odd(&self) -> Option<&str> {
        None
    }
}

/// Runs all of `acts` at once. The results are in the order of the nodes.
pub(super) async fn at_once<T: Send + 'static>(
    acts: impl Iterator<Item = impl Future<Output = T> + Send + 'static>,
) -> Vec<T> {
    let mut tasks = JoinSet::new();
    for (at, act) in acts.enumerate() {
        tasks.spawn(async move { (at, act.await) });
    }
    let mut found = tasks.join_all().await;
    found.sort_by_key(|(at, _)| *at);
    found.into_iter().map(|(_, outcome)| outcome).collect()
}

/// The results of reading all nodes.
pub(super) struct Told<'a, N, T> {
    /// The states of the nodes that answered.
    pub(super) readings: Vec<(&'a N, &'a T)>,
    faults: Vec<&'a Failure>,
}

impl<'a, N: Display, T> Told<'a, N, T> {
    /// Sorts the results.
    pub(super) fn of(read: &'a [Outcome<N, T>]) -> Self {
        let readings = read.iter().filter_map(|(node, reading)| Some((node, reading.as_ref().ok()?)));
        let faults = read.iter().filter_map(|(_, reading)| reading.as_ref().err());
        Self { readings: readings.collect(), faults: faults.collect() }
    }

    /// The error for all nodes; `none` is the message if there is no node.
    pub(super) fn worst(&self, none: &str) -> BackendError {
        worst(self.faults.iter().map(|fault| &fault.error), none)
    }
}

impl<N: Display, T: Says> Told<'_, N, T> {
    /// Why the nodes do not show one common split. A node that does not answer may serve traffic; then the split is not
    /// certain.
    pub(super) fn mixed(&self) -> Option<String> {
        let (_, first) = self.readings.first()?;
        let mut parts = Vec::new();
        if self.readings.iter().any(|(_, reading)| reading.split() != first.split()) {
            parts.push(self.says());
        }
        parts.extend(self.readings.iter().filter_map(|(node, reading)| Some(format!("{node}: {}", reading.odd()?))));
        let silent = self.faults.iter().filter(|fault| !fault.is_gone);
        parts.extend(silent.map(|fault| format!("not read: {}", fault.error.detail())));
        (!parts.is_empty()).then(|| parts.join("; "))
    }

    fn says(&self) -> String {
        let says = self.readings.iter().map(|(node, reading)| format!("{node} says {}", reading.split()));
        says.collect::<Vec<_>>().join("; ")
    }

    /// The notes of all nodes. A node that refuses connections serves no traffic; a note names it after `down`.
    pub(super) fn notes(&self, noun: &str, down: &str) -> Vec<String> {
        let gone = self.faults.iter().filter(|fault| fault.is_gone);
        let mut all: Vec<String> = gone.map(|fault| format!("{down}: {}", fault.error.detail())).collect();
        let told: Vec<_> = self.readings.iter().map(|(node, it)| (node.to_string(), it.notes())).collect();
        all.extend(notes(&told, self.readings.len() + self.faults.len(), noun));
        all
    }

    /// With another process or another set of nodes, the counters start again.
    pub(super) fn epoch(&self) -> String {
        let parts = self.readings.iter().map(|(node, reading)| format!("{node}={}", reading.process()));
        parts.collect::<Vec<_>>().join(" ")
    }
}

/// The revision of all nodes: any change of a value, an order, a process or a node changes it.
pub(super) fn revision<N: Display, T: Says>(read: &[Outcome<N, T>]) -> Revision {
    let part = |(node, reading): &Outcome<N, T>| match reading {
        Ok(reading) => format!("{node} {} {}", reading.process(), reading.state()),
        Err(_) => format!("{node} -"),
    };
    Revision(Digest::of(read.iter().map(part)).as_str().chars().take(16).collect())
}

/// Whether `order` may go forward: every node answers, and is in the confirmed state or, by `is_ours`, already done.
pub(super) fn may_go_forward<N: Display, T: Says>(
    read: &[Outcome<N, T>],
    order: &Order,
    is_ours: impl Fn(&T) -> bool,
    none: &str,
    needs_all: &str,
) -> Result<(), BackendError> {
    let told = Told::of(read);
    if !told.faults.is_empty() {
        return Err(match told.worst(none) {
            BackendError::Unreachable(text) if read.len() > 1 => {
                BackendError::Unreachable(format!("{text}; {needs_all}"))
            }
            error => error,
        });
    }
    match &order.expected {
        Some(expected) if *expected != revision(read) && !told.readings.iter().all(|(_, reading)| is_ours(reading)) => {
            Err(BackendError::Conflict(format!("it is not as it was on the screen: {}", told.says())))
        }
        _ => Ok(()),
    }
}

/// The result of `order` for all nodes together.
pub(super) fn judged<N: Display>(order: &Order, sent: &[Outcome<N, ()>], none: &str) -> Result<(), BackendError> {
    let told = Told::of(sent);
    if told.readings.is_empty() {
        return Err(told.worst(none));
    }
    // Reason: a process that is down serves no traffic, so a rollback is complete without it. A note names it.
    let whole = told.faults.is_empty() || (!order.kind.is_forward() && told.faults.iter().all(|fault| fault.is_gone));
    if whole {
        return Ok(());
    }
    let moved: Vec<String> = told.readings.iter().map(|(node, ())| node.to_string()).collect();
    Err(BackendError::Unknown(format!("set on {}; not on {}", moved.join(", "), told.worst(none).detail())))
}

/// The observation with its texts cleaned.
pub(super) fn cleaned(mut seen: Observation) -> Observation {
    seen.notes.iter_mut().for_each(|note| *note = clean(note, 300));
    seen.mixed = seen.mixed.map(|mixed| clean(&mixed, 400));
    seen
}

/// The sum of the traffic of two nodes.
pub(super) fn add(mut all: SideTraffic, one: &SideTraffic) -> SideTraffic {
    for (sum, n) in all.by_class.iter_mut().zip(one.by_class) {
        *sum += n;
    }
    all.in_flight += one.in_flight;
    for &(us, n) in &one.latency_us {
        match all.latency_us.binary_search_by_key(&us, |cell| cell.0) {
            Ok(at) => all.latency_us[at].1 += n,
            Err(at) => all.latency_us.insert(at, (us, n)),
        }
    }
    all
}

/// Merges the notes of nodes, given as `(name, notes)`; there are `all` nodes. With one node its notes stay
/// unchanged. With more, a note of several nodes appears once, after the names of its nodes or after `every noun`.
fn notes<'a>(told: &[(String, &'a [String])], all: usize, noun: &str) -> Vec<String> {
    let mut grouped: Vec<(&'a str, Vec<&str>)> = Vec::new();
    for (name, notes) in told {
        for note in *notes {
            match grouped.iter_mut().find(|(known, _)| *known == note) {
                Some((_, names)) => names.push(name),
                None => grouped.push((note, vec![name])),
            }
        }
    }
    let line = |(note, names): (&str, Vec<&str>)| match names.len() {
        _ if all == 1 => note.to_owned(),
        n if n == all => format!("every {noun}: {note}"),
        _ => format!("{}: {note}", names.join(", ")),
    };
    grouped.into_iter().map(line).collect()
}

/// One error for all nodes, with the messages of all of them. Its kind is that of the first error after which the order
/// may have taken effect, or else that of the first error. `none` is the message if there is no node.
fn worst<'a>(errors: impl Iterator<Item = &'a BackendError>, none: &str) -> BackendError {
    let errors: Vec<&BackendError> = errors.collect();
    let told: Vec<&str> = errors.iter().map(|error| error.detail()).collect();
    match errors.iter().find(|error| error.may_have_happened()).or(errors.first()) {
        None => BackendError::Unreachable(none.to_owned()),
        Some(error) => reworded(error, told.join("; ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_have_happened_goes_before_what_did_not() {
        let [gone, silent] = [BackendError::Unreachable("a".into()), BackendError::Unknown("b".into())];
        assert_eq!(worst([&gone, &silent].into_iter(), "no"), BackendError::Unknown("a; b".into()));
        assert_eq!(worst([&gone].into_iter(), "no"), gone);
        assert_eq!(worst([].into_iter(), "no"), BackendError::Unreachable("no".into()));
    }

    #[test]
    fn the_same_note_of_several_stands_once() {
        let [a, b] = [vec!["x".to_owned(), "y".to_owned()], vec!["y".to_owned()]];
        let told = [("1".to_owned(), a.as_slice()), ("2".to_owned(), b.as_slice())];
        assert_eq!(notes(&told, 2, "node"), ["1: x", "every node: y"]);
        assert_eq!(notes(&told, 3, "node"), ["1: x", "1, 2: y"], "one is down and tells nothing");
        assert_eq!(notes(&told[..1], 1, "node"), ["x", "y"]);
        assert!(notes(&[], 2, "node").is_empty());
    }
}

//! What the answers come to: shares with their confidence intervals, distances, and the verdict on each limit.

use super::answer::Graded;
use super::spec::GoldenLimits;
use super::statistics::{Distances, figure, percent, wilson};
use crate::domain::Verdict;
use crate::gate::count;

/// A larger share of cases without an answer leaves no verdict but "failed" or "not yet".
const MAX_UNANSWERED: f64 = 0.01;
/// The worst answers kept for the evidence.
const WORST: usize = 20;

/// How the cases stand so far.
#[derive(Debug, Default)]
pub(super) struct Tally {
    pub(super) answered: u64,
    pub(super) unanswered: u64,
    /// Cases in a row without an answer.
    pub(super) silence: u32,
    right: u64,
    wrong: u64,
    agreeing: u64,
    differing: u64,
    distances: Distances,
    not_numbers: u64,
    /// The largest distances with what there is to say of them, largest first.
    worst: Vec<(f64, String)>,
}

/// What one limit comes to.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Judged {
    pub(super) verdict: Verdict,
    pub(super) value: Option<f64>,
    pub(super) limit: f64,
    pub(super) at_least: bool,
    pub(super) unit: &'static str,
    pub(super) note: String,
}

impl Tally {
    /// Counts a case that was answered; what is to be told of it at once.
    pub(super) fn add(&mut self, graded: &Graded, limits: &GoldenLimits) -> bool {
        self.answered += 1;
        self.silence = 0;
        let mut is_miss = false;
        let mut tally = |what: Option<bool>, yes: &mut u64, no: &mut u64| {
            *yes += u64::from(what == Some(true));
            *no += u64::from(what == Some(false));
            is_miss |= what == Some(false);
        };
        tally(graded.right, &mut self.right, &mut self.wrong);
        tally(graded.agrees, &mut self.agreeing, &mut self.differing);
        if limits.needs_numbers() {
            // A distance that is not finite was never written by us; it counts as none.
            if let Some(error) = graded.error.filter(|error| error.is_finite()) {
                self.distances.add(error);
                self.keep_worst(error, &graded.told);
                is_miss |= limits.max_error.is_some_and(|limit| error > limit);
            } else {
                self.not_numbers += 1;
                is_miss = true;
            }
        }
        is_miss
    }

    /// Counts a case that was not answered.
    pub(super) fn add_unanswered(&mut self) {
        self.unanswered += 1;
        self.silence += 1;
    }

    fn keep_worst(&mut self, error: f64, told: &str) {
        let at = self.worst.partition_point(|(known, _)| *known >= error);
        if error > 0.0 && at < WORST {
            self.worst.insert(at, (error, told.to_owned()));
            self.worst.truncate(WORST);
        }
    }

    /// The answers farthest from what was expected.
    pub(super) fn worst(&self) -> impl Iterator<Item = &str> {
        self.worst.iter().map(|(_, told)| told.as_str())
    }

    /// One line while it runs.
    pub(super) fn note(&self, limits: &GoldenLimits) -> String {
        let mut parts = Vec::new();
        if limits.min_accuracy.is_some() {
            parts.push(count(self.wrong, "miss"));
        }
        if limits.min_agreement.is_some() {
            parts.push(format!("{} unlike live", self.differing));
        }
        if limits.needs_numbers() {
            parts.push(format!("mean error {}", figure(self.distances.mean)));
        }
        if self.unanswered > 0 {
            parts.push(format!("{} unanswered", self.unanswered));
        }
        parts.join(", ")
    }

    /// The value of the first limit, so far.
    pub(super) fn first_value(&self, limits: &GoldenLimits) -> Option<f64> {
        let share = |yes: u64, no: u64| (yes + no > 0).then(|| yes as f64 / (yes + no) as f64);
        match limits {
            GoldenLimits { min_accuracy: Some(_), .. } => share(self.right, self.wrong),
            GoldenLimits { min_agreement: Some(_), .. } => share(self.agreeing, self.differing),
            GoldenLimits { max_mean_error: Some(_), .. } => self.distances.mean_so_far(),
            _ => self.distances.largest_so_far(),
        }
    }

    /// Each limit with what it comes to; `total` cases were to be asked, those that were not count as unanswered.
    pub(super) fn judge(&self, limits: &GoldenLimits, total: u64, min_cases: u64) -> Vec<Judged> {
        let few = |answered: u64| {
            let short = answered < min_cases.max(1);
            short.then(|| format!("only {answered} of {} answered", count(total, "case")))
        };
        let mut all = Vec::new();
        if let Some(limit) = limits.min_accuracy {
            let told = count(self.wrong, "miss");
            all.push(Share { yes: self.right, no: self.wrong, total }.judge(limit, &told, few));
        }
        if let Some(limit) = limits.min_agreement {
            let told = format!("{} unlike live", self.differing);
            all.push(Share { yes: self.agreeing, no: self.differing, total }.judge(limit, &told, few));
        }
        if let Some(limit) = limits.max_mean_error {
            let value = self.distances.mean_so_far();
            let note = self.distances.mean_note();
            all.push(self.judge_distance(value, limit, note, total, false, few));
        }
        if let Some(limit) = limits.max_error {
            let value = self.distances.largest_so_far();
            let note = format!("largest error {}", figure(self.distances.largest));
            all.push(self.judge_distance(value, limit, note, total, true, few));
        }
        all
    }

    /// `is_largest`: `value` is the largest error, which one more answer can only raise; otherwise it is the mean.
    fn judge_distance(
        &self,
        value: Option<f64>,
        limit: f64,
        note: String,
        total: u64,
        is_largest: bool,
        few: impl Fn(u64) -> Option<String>,
    ) -> Judged {
        let unanswered = total - self.answered.min(total);
        let too_many = unanswered as f64 / total.max(1) as f64 > MAX_UNANSWERED;
        let (verdict, note) = if let Some(few) = few(self.answered) {
            (Verdict::NotYet, few)
        } else if self.not_numbers > 0 {
            (Verdict::Failed, format!("{} not a number", count(self.not_numbers, "answer")))
        } else if value.is_some_and(|value| value > limit) && (is_largest || !too_many) {
            (Verdict::Failed, note)
        } else if too_many || (is_largest && unanswered > 0) {
            (Verdict::NotYet, format!("only {} of {} answered", self.answered, count(total, "case")))
        } else {
            (if value.is_some_and(|value| value <= limit) { Verdict::Passed } else { Verdict::NotYet }, note)
        };
        Judged { verdict, value, limit, at_least: false, unit: "", note }
    }
}

/// Cases that hold, that do not, and how many there should be.
struct Share {
    yes: u64,
    no: u64,
    total: u64,
}

impl Share {
    fn judge(&self, limit: f64, told: &str, few: impl Fn(u64) -> Option<String>) -> Judged {
        let (answered, total) = (self.yes + self.no, self.total);
        let unanswered = total - answered.min(total);
        let share = |cases: u64| cases as f64 / total.max(1) as f64;
        let missing = || format!("only {answered} of {} answered", count(total, "case"));
        let mut note = told.to_owned();
        if unanswered > 0 {
            note = format!("{note}, {unanswered} unanswered");
        }
        note = format!("{note}, {}", self.shown());
        let (verdict, note) = if let Some(few) = few(answered) {
            (Verdict::NotYet, few)
        } else if share(self.yes + unanswered) < limit {
            // Even if every case without an answer held, it would not be enough.
            (Verdict::Failed, note)
        } else if share(unanswered) > MAX_UNANSWERED {
            (Verdict::NotYet, format!("{}, {told}", missing()))
        } else if share(self.yes) < limit {
            // And not if none of them did.
            (Verdict::NotYet, format!("it hangs on {unanswered} unanswered, {told}"))
        } else {
            (Verdict::Passed, note)
        };
        let value = (answered > 0).then(|| self.yes as f64 / answered as f64);
        Judged { verdict, value, limit, at_least: true, unit: "ratio", note }
    }

    /// `99.4 % of 2000 (98.9 to 99.7)`: the share, and where it lies with a confidence of 95 %.
    fn shown(&self) -> String {
        let answered = self.yes + self.no;
        if answered == 0 {
            return "of 0".to_owned();
        }
        let (low, high) = wilson(self.yes, answered);
        let value = self.yes as f64 / answered as f64;
        format!("{} % of {answered} ({} to {})", percent(value), percent(low), percent(high))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limits() -> GoldenLimits {
        GoldenLimits { min_accuracy: Some(0.95), ..GoldenLimits::default() }
    }

    fn verdict(right: u64, wrong: u64, unanswered: u64) -> (Verdict, String) {
        let tally = Tally { right, wrong, unanswered, answered: right + wrong, ..Tally::default() };
        let judged = tally.judge(&limits(), right + wrong + unanswered, 50).remove(0);
        (judged.verdict, judged.note)
    }

    #[test]
    fn cases_without_an_answer_are_neither_right_nor_wrong() {
        use Verdict::{Failed, NotYet, Passed};
        assert_eq!(verdict(95, 5, 0), (Passed, "5 misses, 95.0 % of 100 (88.8 to 97.8)".into()));
        assert_eq!(verdict(94, 6, 0), (Failed, "6 misses, 94.0 % of 100 (87.5 to 97.2)".into()));
        assert_eq!(verdict(96, 3, 1), (Passed, "3 misses, 1 unanswered, 97.0 % of 99 (91.5 to 99.0)".into()));
        assert_eq!(verdict(12, 0, 38), (NotYet, "only 12 of 50 cases answered".into()));
        assert_eq!(verdict(0, 0, 100).0, NotYet);
        assert_eq!(verdict(98, 0, 2), (NotYet, "only 98 of 100 cases answered, 0 misses".into()));
        assert_eq!(verdict(94, 5, 1), (NotYet, "it hangs on 1 unanswered, 5 misses".into()));
        assert_eq!(verdict(80, 10, 10).0, Failed, "ten more right ones would not be enough");
    }

    #[test]
    fn a_share_is_shown_with_its_interval() {
        assert_eq!(Share { yes: 9999, no: 1, total: 10_000 }.shown(), "99.99 % of 10000 (99.9 to 99.998)");
        assert_eq!(Share { yes: 0, no: 4, total: 4 }.shown(), "0.0 % of 4 (0.0 to 49.0)");
    }

    fn measured(errors: &[Option<f64>], limits: GoldenLimits, unanswered: u64) -> Vec<Judged> {
        let mut tally = Tally { unanswered, ..Tally::default() };
        for error in errors {
            tally.add(&Graded { error: *error, ..Graded::default() }, &limits);
        }
        tally.judge(&limits, errors.len() as u64 + unanswered, 2)
    }

    #[test]
    fn distances_keep_their_limits_or_do_not() {
        let limits = GoldenLimits { max_mean_error: Some(0.5), max_error: Some(1.0), ..GoldenLimits::default() };
        let [mean, largest] = measured(&[Some(0.1), Some(0.7), Some(0.4)], limits, 0).try_into().unwrap();
        assert_eq!((mean.verdict, largest.verdict), (Verdict::Passed, Verdict::Passed));
        assert!((mean.value.unwrap() - 0.4).abs() < 1e-12 && !mean.at_least);
        assert_eq!(mean.note, "mean error 0.400 (0.0605 to 0.739) of 3");
        assert_eq!((largest.value, largest.note.as_str()), (Some(0.7), "largest error 0.700"));
        let judged = measured(&[Some(0.1), Some(1.1)], limits, 0);
        assert_eq!(judged.iter().map(|j| j.verdict).collect::<Vec<_>>(), [Verdict::Failed, Verdict::Failed]);
        let judged = measured(&[Some(0.0), Some(0.0), None], limits, 0);
        assert!(judged.iter().all(|j| j.verdict == Verdict::Failed && j.note == "1 answer not a number"), "{judged:?}");
        let judged = measured(&[Some(f64::NAN), Some(0.0)], limits, 0);
        assert!(judged.iter().all(|j| j.verdict == Verdict::Failed), "{judged:?}");
        let judged = measured(&[Some(0.1); 200], limits, 1);
        assert_eq!(judged.iter().map(|j| j.verdict).collect::<Vec<_>>(), [Verdict::Passed, Verdict::NotYet]);
        let judged = measured(&[Some(0.1)], limits, 0);
        assert!(judged.iter().all(|j| j.verdict == Verdict::NotYet), "too few: {judged:?}");
    }

    #[test]
    fn the_worst_are_kept() {
        let limits = GoldenLimits { max_mean_error: Some(9.0), ..GoldenLimits::default() };
        let mut tally = Tally::default();
        for number in 0..100_i32 {
            let graded =
                Graded { error: Some(f64::from(number * 37 % 100)), told: number.to_string(), ..Graded::default() };
            tally.add(&graded, &limits);
        }
        let errors: Vec<f64> = tally.worst.iter().map(|(error, _)| *error).collect();
        assert_eq!(errors, (80..100).rev().map(f64::from).collect::<Vec<_>>());
    }
}

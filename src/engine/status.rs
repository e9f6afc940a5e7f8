//! The snapshot: the state as the screen and the CLI see it.

mod gates;
mod way_back;

use std::sync::Arc;

use super::command::{Command, RefusalKind};
use super::consent::Consent;
use super::detail::Detail;
use super::guards::Hold;
use super::rollout::{Stage, Tracked};
use super::snapshot::{
    Blocked, DriverStatus, Fault, FaultKind, Latency, MAX_NOTES, MetricStatus, OrderStatus, Phase, SCHEMA_VERSION,
    SideStatus, Snapshot, Source, SplitStatus, Status, Step,
};
use super::state::State;
use super::watch::Serves;
use super::words;
use crate::domain::text::clean;
use crate::domain::{Move, Order, OrderState, Pair, Role, Side, Version};

impl State {
    /// Everything a screen or a script may know now.
    pub fn snapshot(&mut self) -> Snapshot {
        let events = self.world.rollout().events();
        let detail = self.detail();
        let history = self.world.sides.map(|_, side| side.history());
        Snapshot { status: self.status(), history, events, previews: std::collections::BTreeMap::new(), detail }
    }

    fn detail(&mut self) -> Detail {
        let under_way = matches!(self.world.rollout().stage, Stage::Moving | Stage::Switched);
        Detail {
            started: self.world.rollout().started.filter(|_| under_way),
            reached: if under_way { self.world.rollout().reached_at.clone() } else { Vec::new() },
            consent: self
                .world
                .rollout()
                .last
                .as_ref()
                .and_then(|last| Some(last.consent.as_ref()?.short().to_owned())),
            bake_s: seconds(self.world.service.plan.bake_ms),
            replicas: Pair::from_fn(|side| self.world.sides[side].replicas.statuses(self.world.now)),
            trails: self.gates.trails(),
            loads: self.loads(),
            rows: self.world.service.metrics.iter().flat_map(|it| &it.rows).map(|row| row.name.clone()).collect(),
            logs: Arc::default(),
        }
    }

    /// The status document.
    pub fn status(&self) -> Status {
        let world = &self.world;
        let consent = self.consent();
        let blocked = consent.blocked();
        let is_stale = |it: &Blocked| it.command == Command::Promote && it.kind == RefusalKind::Stale;
        Status {
            schema_version: SCHEMA_VERSION,
            time: world.now.wall,
            service: world.service.name.clone(),
            environment: world.service.environment.clone(),
            backend: self.backend.clone(),
            phase: self.phase(&consent),
            step: self.step(),
            digest: consent.digest().short().to_owned(),
            split: self.split_status(),
            candidate: world.candidate(),
            sides: Pair::from_fn(|side| self.side_status(side)),
            controller: world.controller().cloned(),
            front: world.service.front.as_ref().map(|_| world.front.status(world)),
            gates: consent.gates().map(|(spec, state)| self.gate_status(spec, state)).collect(),
            guards: self.guards.statuses(world),
            rollback: self.rollback_status(),
            stale: blocked.iter().any(is_stale),
            blocked,
            paused: world.rollout().paused.as_ref().and_then(|pause| pause.why.clone()),
            last_order: self.order_status(),
            driver: DriverStatus {
                me: world.me.name.clone(),
                may_drive: world.may_drive(),
                read_only: world.access.is_read_only(),
                holder: world.holder.clone(),
            },
            faults: self.faults(),
            notes: self.notes(),
            data_age_s: self.data_age_ms().map(seconds),
            dropped: self.dropped,
            typed: self.typed(),
        }
    }

    fn typed(&self) -> Vec<Move> {
        let promote = self.world.service.plan.typed_promote.then_some(Move::Promote);
        [Some(Move::Switch), promote].into_iter().flatten().collect()
    }

    fn phase(&self, consent: &Consent<'_>) -> Phase {
        let unread = self.world.router.age_ms(self.world.now).is_none_or(|age| age > self.world.router_stale_ms());
        if unread || self.world.drift().is_some() {
            return Phase::Unknown;
        }
        if self.world.rollout().paused.is_some() && matches!(self.world.rollout().stage, Stage::Idle | Stage::Moving) {
            return Phase::Paused;
        }
        match self.world.rollout().stage {
            Stage::Idle if self.world.share().is_some_and(|share| share > 0) => Phase::Shifting,
            Stage::Idle => self.phase_before_the_first_step(consent),
            Stage::Moving => Phase::Shifting,
            Stage::Switched => Phase::Switched,
            Stage::Finalized => Phase::Finalized,
            Stage::Aborted => Phase::Aborted,
            Stage::RolledBack => Phase::RolledBack,
        }
    }

    fn phase_before_the_first_step(&self, consent: &Consent<'_>) -> Phase {
        if self.gates.are_busy() {
            Phase::Validating
        } else if consent.gates().all(|(gate, state)| !gate.required || state.lets_pass()) {
            Phase::Ready
        } else {
            Phase::Idle
        }
    }

    fn step(&self) -> Step {
        let (plan, steps) = (&self.world.service.plan, self.world.steps());
        let share = self.world.share().unwrap_or(0);
        // Reason: a controller may have two steps of one share, and says itself how many it has reached.
        let counted = || steps.iter().filter(|step| **step <= share).count();
        let index = self.world.plan_owner().map_or_else(counted, |controller| controller.reached.min(steps.len()));
        Step {
            index,
            of: steps.len(),
            target: index.checked_sub(1).and_then(|at| steps.get(at).copied()),
            next: self.world.next_share().or_else(|| steps.first().copied().filter(|_| self.world.share().is_none())),
            bake_left_s: self.world.bake_left_ms().map(seconds),
            waits: self.waits(),
            steps: steps.to_vec(),
            on_disconnect: plan.on_disconnect,
            auto: self.walk.is_on(),
            on_failure: plan.on_failure,
            tried: matches!(self.world.rollout().stage, Stage::Finalized | Stage::Aborted | Stage::RolledBack)
                && self.world.is_tried(),
        }
    }

    /// Why the bake does not go on, or the next unattended step does not come, besides what blocks it.
    fn waits(&self) -> Option<String> {
        let left = self.world.bake_left_ms().filter(|_| self.world.access.watches())?;
        let hold = || match self.guards.hold(&self.world)? {
            Hold::Breach(text) | Hold::NoData(text) => Some(text),
        };
        self.world.unwatched().or_else(|| if left == 0 { hold() } else { None })
    }

    fn split_status(&self) -> SplitStatus {
        let observed = self.world.router.split();
        SplitStatus {
            desired: self.world.rollout().desired.or(observed),
            observed,
            mixed: self.world.router.seen.as_ref().and_then(|(_, seen)| seen.mixed.clone()),
            drift: self.world.drift().is_some(),
            age_s: self.world.router.age_ms(self.world.now).map(seconds),
        }
    }

    fn role_of(&self, side: Side) -> Role {
        match (side == self.world.origin(), self.world.rollout().stage == Stage::Switched) {
            (true, false) | (false, true) => Role::Live,
            (true, true) => Role::Standby,
            (false, false) => Role::Candidate,
        }
    }

    fn side_status(&self, side: Side) -> SideStatus {
        let watch = &self.world.sides[side];
        let traffic = watch.traffic_stats.samples > 0;
        let stats = if traffic { &watch.traffic_stats } else { &watch.probe_stats };
        let version = self.version_of(side);
        let mut faults: Vec<String> = Vec::new();
        match watch.replicas.serves() {
            Serves::Disagree(text) => faults.push(text),
            Serves::Pending(why) if watch.replicas.is_met() => faults.push(format!("version unknown: {why}")),
            _ => {}
        }
        faults.extend(watch.replicas.probe_fault());
        faults.extend(self.world.service.metrics.iter().flat_map(|spec| watch.metrics.faults(spec, side)));
        SideStatus {
            role: self.role_of(side),
            version,
            ready: watch.replicas.ready(),
            replicas: watch.replicas.len() as u32,
            at_router: self.world.replicas_at_router(side),
            source: (stats.samples > 0).then_some(match traffic {
                true if watch.metrics.feeds(self.world.now, 0) => Source::Metrics,
                true => Source::Traffic,
                false => Source::Probes,
            }),
            latency_ms: Latency::from(stats),
            error_rate: stats.error_rate.filter(|_| !traffic || self.world.counts_errors(side)),
            rps: watch.rps(),
            samples: stats.samples,
            probe_ms: Latency::from(&watch.probe_stats),
            in_flight: watch.in_flight,
            metrics: self.metric_statuses(side).into_iter().collect(),
            age_s: watch.replicas.probe_age_ms(self.world.now).map(seconds),
            faults,
        }
    }

    fn metric_statuses(&self, side: Side) -> Vec<(String, MetricStatus)> {
        self.world
            .service
            .metrics
            .as_ref()
            .map_or_else(Vec::new, |spec| self.world.sides[side].metrics.statuses(spec, self.world.now))
    }

    fn version_of(&self, side: Side) -> Option<Version> {
        match self.world.sides[side].replicas.serves() {
            Serves::Known(version) => Some(version),
            Serves::Unsaid => self.world.router.seen.as_ref().and_then(|(_, seen)| seen.sides[side].version.clone()),
            Serves::Pending(_) | Serves::Disagree(_) => None,
        }
    }

    fn order_status(&self) -> Option<OrderStatus> {
        let last = self.world.rollout().last.as_ref()?;
        let (retries, late) = self.orders.progress_of(&last.order.id);
        let until = last.settled.unwrap_or(self.world.now);
        Some(OrderStatus {
            id: last.order.id.clone(),
            command: last.order.kind,
            state: last.state,
            by: last.by.name.clone(),
            from: last.order.from,
            target: last.order.target,
            toward: last.order.toward,
            at: last.at.wall,
            took_s: seconds(until.since_ms(last.at)),
            retries,
            late,
            progress: self.progress_of(last),
            detail: last.detail.clone(),
            fault: last.fault,
            cause: last.cause,
            why: last.why.clone(),
        })
    }

    /// What an order that was accepted waits for: what the system does now, and how long it may take.
    fn progress_of(&self, last: &Tracked) -> Option<String> {
        if last.state != OrderState::Accepted {
            return None;
        }
        let is_shown = self.world.router.seen.as_ref().is_some_and(|(_, seen)| last.order.is_shown_by(seen));
        if let Some(why) = self.world.users_wait_for(last.at, &last.order).filter(|_| is_shown) {
            return Some(why);
        }
        let controller = self.world.controller()?;
        let (waited, limit) =
            (seconds(self.world.now.since_ms(last.at)), seconds(last.settle_within_ms(&self.world.service.pace)));
        let does = words::controller(controller, self.world.now.wall);
        Some(format!("{does}; {} of at most {}", words::span(waited), words::span(limit)))
    }

    fn faults(&self) -> Vec<Fault> {
        let mut faults = Vec::new();
        let mut add = |kind, text: String| faults.push(Fault { kind, text });
        if self.world.is_undriven() {
            add(FaultKind::Driver, "NOBODY DRIVES, guards do not act: W takes over".into());
        }
        if let Some(text) = self.users_get_errors() {
            add(FaultKind::Users, text);
        }
        for fault in self.world.journal_broken.iter().chain(&self.world.journal_fault) {
            add(FaultKind::Journal, format!("journal: {fault}"));
        }
        if let Some(fault) = &self.world.router.fault {
            add(FaultKind::Router, format!("router: {}", fault.when_reading()));
        }
        if let (Some(drift), Some(desired)) = (self.world.drift(), self.world.rollout().desired) {
            add(FaultKind::Drift, format!("drift: router says {}, asked was {desired}", drift.observed));
        }
        if let Some(mixed) = self.world.router.seen.as_ref().and_then(|(_, seen)| seen.mixed.as_ref()) {
            add(FaultKind::Mixed, format!("router is mixed: {mixed}"));
        }
        if let Some(last) = self.world.rollout().last.as_ref().filter(|last| last.state == OrderState::Unknown) {
            add(FaultKind::Order, format!("order {} is UNKNOWN: it may have happened", last.order.id));
        }
        if let Some(text) = self.world.front.disagrees(&self.world) {
            add(FaultKind::Front, text);
        }
        for side in Side::BOTH {
            if let Serves::Disagree(text) = self.world.sides[side].replicas.serves() {
                add(FaultKind::Version, format!("{side}: {text}"));
            }
            if let Some(text) = self.world.sides[side].replicas.probe_fault() {
                add(FaultKind::Replica, format!("{side}: {text}"));
            }
            if let Some(text) = self.world.unready_at_router(side) {
                add(FaultKind::Replica, text);
            }
            if let Some(begun) = self.world.sides[side].begun_at_zero(self.world.now) {
                let text = format!(
                    "{side} is at 0 % and still gets requests: {begun} began there; sticky sessions keep users on it: \
                     put its servers into maintenance, or end the cookie"
                );
                add(FaultKind::Leak, text);
            }
        }
        faults
    }

    /// That users get errors now, and what helps: a side that gets traffic answers nothing.
    fn users_get_errors(&self) -> Option<String> {
        let split = self.world.router.split().filter(|_| self.world.router_is_fresh())?;
        let is_dead = |side: Side| {
            self.world.sides[side].replicas.ready() == Some(0) || self.world.unready_at_router(side).is_some()
        };
        let dead = Side::BOTH.into_iter().find(|side| split.share(*side) > 0 && is_dead(*side))?;
        let (share, other) = (split.share(dead), dead.other());
        let helps = match (is_dead(other), dead == self.world.origin()) {
            (true, _) => format!("{other} answers nothing either: start one of them"),
            (false, true) => format!("{other} answers: S switches to it"),
            (false, false) => format!("{other} answers: R then y rolls back to it"),
        };
        Some(format!("users get errors now: {dead} takes {share} % of the traffic and answers nothing; {helps}"))
    }

    fn notes(&self) -> Vec<String> {
        let told = self.world.router.seen.iter().flat_map(|(_, seen)| &seen.notes);
        let front = self.world.service.front.iter().map(|_| words::front(&self.world.front.status(&self.world)));
        front.chain(told.map(|note| clean(note, 300))).take(MAX_NOTES).collect()
    }

    fn data_age_ms(&self) -> Option<u64> {
        let mut oldest = self.world.router.age_ms(self.world.now)?;
        for side in Side::BOTH {
            oldest = oldest.max(self.world.sides[side].replicas.probe_age_ms(self.world.now)?);
        }
        Some(oldest)
    }

    /// Whether everything was looked at: the router (twice where it counts traffic: a rate needs two readings),
    /// every replica, every version.
    pub fn is_met(&self) -> bool {
        let counts = |seen: &crate::domain::Observation| seen.traffic.is_some();
        let router = match &self.world.router.seen {
            Some((_, seen)) if counts(seen) => self.world.sides.blue.rps().is_some(),
            Some(_) => true,
            None => self.world.router.fault.is_some(),
        };
        // Reason: a deviation counts as drift only after it lasted for a while.
        let settled = self.world.router.drift.is_none() || self.world.drift().is_some();
        let metrics = self.world.service.metrics.as_ref();
        let read = metrics.is_none_or(|spec| {
            Side::BOTH.iter().all(|&side| {
                let watch = &self.world.sides[side];
                watch.metrics.is_met(spec, side, watch.replicas.len())
            })
        });
        router && settled && read && Side::BOTH.iter().all(|side| self.world.sides[*side].replicas.is_met())
    }

    /// What `command` would ask of the router if it were asked for now, with the id it would get; `None` when it would
    /// ask nothing.
    pub fn order_preview(&self, command: &Command) -> Option<Order> {
        let target = self.consent().target(command)?;
        Some(self.orders.preview(&self.world, command.as_move()?, target))
    }
}

fn seconds(ms: u64) -> f64 {
    ms as f64 / 1000.0
}

//! How a deployment moves: `pending → building → deploying → deployed`, or out of that line into
//! `failed`, `superseded` or `cancelled`.
//!
//! States carry what is known in them, so that a `deployed` deployment without a bundle or a
//! `failed` one without a reason cannot be written down. Storing is the edge's business.

use crate::limits::BUILD_ATTEMPTS;
use hotplate_protocol::{Bundle, DeploymentError, DeploymentState, DeploymentTimings};

/// Where a deployment stands, with everything known there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Progress {
    /// Asked for.
    Pending,
    /// Taken up by a consumer, which the build service works for.
    Building(TakenUp),
    /// Built; uploading, then verifying.
    Deploying {
        /// When it was taken up.
        taken_up: TakenUp,
        /// What the build said.
        built: Built,
        /// Once uploaded.
        upload_ms: Option<u64>,
    },
    /// Answers at its address, for ever.
    Deployed {
        /// When it was taken up.
        taken_up: TakenUp,
        /// What the build said.
        built: Built,
        /// How long the upload took.
        upload_ms: u64,
        /// How long the question through the dispatch path took.
        verify_ms: u64,
        /// When.
        at: u64,
    },
    /// Ended without.
    Failed {
        /// Why.
        error: DeploymentError,
        /// When.
        at: u64,
    },
    /// A newer revision was asked for before this one was taken up.
    Superseded {
        /// When.
        at: u64,
    },
    /// Somebody asked to stop it.
    Cancelled {
        /// When.
        at: u64,
    },
}

/// A deployment was taken up by a consumer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TakenUp {
    /// When.
    pub at: u64,
    /// 1 for the first time; a consumer that dies leaves its deployment to the next one.
    pub attempt: u32,
}

/// What the build service built.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Built {
    /// Compile and link.
    pub build_ms: u64,
    /// What is shipped.
    pub bundle: Bundle,
}

/// What happens to a deployment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// A consumer took it up, or took it over from one whose lease ran out.
    TakenUp {
        /// When.
        at: u64,
    },
    /// The build service built it.
    Built(Built),
    /// The build service uploaded it.
    Uploaded {
        /// How long that took.
        upload_ms: u64,
    },
    /// It answered through the dispatch path.
    Verified {
        /// When.
        at: u64,
        /// How long that took.
        verify_ms: u64,
    },
    /// It will not be.
    Failed {
        /// When.
        at: u64,
        /// Why.
        error: DeploymentError,
    },
    /// A newer revision was asked for.
    Superseded {
        /// When.
        at: u64,
    },
    /// Somebody asked to stop it.
    Cancelled {
        /// When.
        at: u64,
    },
}

/// That event means nothing in that state.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a deployment that is {} does not take {event}", state.as_str())]
pub struct IllegalTransition {
    /// Where it stands.
    pub state: DeploymentState,
    /// What came.
    pub event: &'static str,
}

impl Event {
    const fn name(&self) -> &'static str {
        match self {
            Self::TakenUp { .. } => "taken_up",
            Self::Built(_) => "built",
            Self::Uploaded { .. } => "uploaded",
            Self::Verified { .. } => "verified",
            Self::Failed { .. } => "failed",
            Self::Superseded { .. } => "superseded",
            Self::Cancelled { .. } => "cancelled",
        }
    }
}

impl Progress {
    /// The bare state.
    pub const fn state(&self) -> DeploymentState {
        match self {
            Self::Pending => DeploymentState::Pending,
            Self::Building(_) => DeploymentState::Building,
            Self::Deploying { .. } => DeploymentState::Deploying,
            Self::Deployed { .. } => DeploymentState::Deployed,
            Self::Failed { .. } => DeploymentState::Failed,
            Self::Superseded { .. } => DeploymentState::Superseded,
            Self::Cancelled { .. } => DeploymentState::Cancelled,
        }
    }

    /// The state after `event`; an event that means nothing here changes nothing.
    pub fn apply(&self, event: Event) -> Result<Self, IllegalTransition> {
        let illegal = IllegalTransition {
            state: self.state(),
            event: event.name(),
        };
        if is_final(self.state()) {
            return Err(illegal);
        }
        match (self, event) {
            (_, Event::Failed { at, error }) => Ok(Self::Failed { error, at }),
            // Once it uploads it is too late: the script may answer already.
            (Self::Pending | Self::Building(_), Event::Cancelled { at }) => {
                Ok(Self::Cancelled { at })
            }
            (Self::Pending, Event::Superseded { at }) => Ok(Self::Superseded { at }),
            (Self::Pending, Event::TakenUp { at }) => {
                Ok(Self::Building(TakenUp { at, attempt: 1 }))
            }
            (
                Self::Building(before)
                | Self::Deploying {
                    taken_up: before, ..
                },
                Event::TakenUp { at },
            ) if before.attempt < BUILD_ATTEMPTS => Ok(Self::Building(TakenUp {
                at,
                attempt: before.attempt + 1,
            })),
            (Self::Building(taken_up), Event::Built(built)) => Ok(Self::Deploying {
                taken_up: *taken_up,
                built,
                upload_ms: None,
            }),
            (
                Self::Deploying {
                    taken_up,
                    built,
                    upload_ms: None,
                },
                Event::Uploaded { upload_ms },
            ) => Ok(Self::Deploying {
                taken_up: *taken_up,
                built: built.clone(),
                upload_ms: Some(upload_ms),
            }),
            (
                Self::Deploying {
                    taken_up,
                    built,
                    upload_ms: Some(upload_ms),
                },
                Event::Verified { at, verify_ms },
            ) => Ok(Self::Deployed {
                taken_up: *taken_up,
                built: built.clone(),
                upload_ms: *upload_ms,
                verify_ms,
                at,
            }),
            _ => Err(illegal),
        }
    }

    /// How long the steps took that have ended, for a deployment asked for at `created_at`.
    pub fn timings(&self, created_at: u64) -> DeploymentTimings {
        let since = |at: u64| Some(at.saturating_sub(created_at));
        match self {
            Self::Pending => DeploymentTimings::default(),
            Self::Building(taken_up) => DeploymentTimings {
                queued_ms: since(taken_up.at),
                ..DeploymentTimings::default()
            },
            Self::Deploying {
                taken_up,
                built,
                upload_ms,
            } => DeploymentTimings {
                queued_ms: since(taken_up.at),
                build_ms: Some(built.build_ms),
                upload_ms: *upload_ms,
                ..DeploymentTimings::default()
            },
            Self::Deployed {
                taken_up,
                built,
                upload_ms,
                verify_ms,
                at,
            } => DeploymentTimings {
                queued_ms: since(taken_up.at),
                build_ms: Some(built.build_ms),
                upload_ms: Some(*upload_ms),
                verify_ms: Some(*verify_ms),
                total_ms: since(*at),
            },
            Self::Failed { at, .. } | Self::Superseded { at } | Self::Cancelled { at } => {
                DeploymentTimings {
                    total_ms: since(*at),
                    ..DeploymentTimings::default()
                }
            }
        }
    }

    /// What it ships, once built.
    pub const fn bundle(&self) -> Option<&Bundle> {
        match self {
            Self::Deploying { built, .. } | Self::Deployed { built, .. } => Some(&built.bundle),
            Self::Pending
            | Self::Building(_)
            | Self::Failed { .. }
            | Self::Superseded { .. }
            | Self::Cancelled { .. } => None,
        }
    }
}

/// Whether a deployment in that state never moves again.
pub const fn is_final(state: DeploymentState) -> bool {
    match state {
        DeploymentState::Pending | DeploymentState::Building | DeploymentState::Deploying => false,
        DeploymentState::Deployed
        | DeploymentState::Failed
        | DeploymentState::Superseded
        | DeploymentState::Cancelled => true,
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use hotplate_protocol::Stage;
    use proptest::prelude::*;

    fn failed(at: u64) -> Event {
        let error = DeploymentError {
            stage: Stage::Building,
            code: "build_failed".to_owned(),
            message: String::new(),
            diagnostics: Vec::new(),
        };
        Event::Failed { at, error }
    }

    fn event() -> impl Strategy<Value = Event> {
        let built = |build_ms| {
            Event::Built(Built {
                build_ms,
                bundle: Bundle::default(),
            })
        };
        (0u64..7, 0u64..100).prop_map(move |(kind, at)| match kind {
            0 => Event::TakenUp { at },
            1 => built(at),
            2 => Event::Uploaded { upload_ms: at },
            3 => Event::Verified { at, verify_ms: 1 },
            4 => failed(at),
            5 => Event::Superseded { at },
            _ => Event::Cancelled { at },
        })
    }

    fn run(events: impl IntoIterator<Item = Event>) -> Progress {
        events.into_iter().fold(Progress::Pending, |state, event| {
            state.apply(event).unwrap_or(state)
        })
    }

    #[test]
    fn the_straight_line() {
        let built = Built {
            build_ms: 20,
            bundle: Bundle {
                bytes: 7,
                ..Bundle::default()
            },
        };
        let end = run([
            Event::TakenUp { at: 110 },
            Event::Built(built),
            Event::Uploaded { upload_ms: 30 },
            Event::Verified {
                at: 200,
                verify_ms: 5,
            },
        ]);
        assert_eq!(end.state(), DeploymentState::Deployed);
        assert_eq!(end.bundle().unwrap().bytes, 7);
        let timings = end.timings(100);
        assert_eq!(timings.queued_ms, Some(10));
        assert_eq!(timings.upload_ms, Some(30));
        assert_eq!(timings.total_ms, Some(100));
    }

    #[test]
    fn a_deployment_is_taken_over_so_often_only() {
        let mut state = Progress::Pending;
        for _ in 0..BUILD_ATTEMPTS {
            state = state.apply(Event::TakenUp { at: 1 }).unwrap();
        }
        assert!(state.apply(Event::TakenUp { at: 1 }).is_err());
    }

    #[test]
    fn it_is_cancelled_until_it_uploads() {
        let building = run([Event::TakenUp { at: 1 }]);
        for early in [Progress::Pending, building.clone()] {
            let end = early.apply(Event::Cancelled { at: 2 }).unwrap();
            assert_eq!(end.state(), DeploymentState::Cancelled);
        }
        let built = Built {
            build_ms: 1,
            bundle: Bundle::default(),
        };
        let late = building.apply(Event::Built(built)).unwrap();
        assert!(late.apply(Event::Cancelled { at: 2 }).is_err());
    }

    #[test]
    fn nothing_is_deployed_unverified() {
        let state = run([
            Event::TakenUp { at: 1 },
            Event::Built(Built {
                build_ms: 1,
                bundle: Bundle::default(),
            }),
        ]);
        assert!(
            state
                .apply(Event::Verified {
                    at: 2,
                    verify_ms: 1
                })
                .is_err()
        );
    }

    proptest! {
        #[test]
        fn a_final_state_is_never_left(events in proptest::collection::vec(event(), 0..12), next in event()) {
            let state = run(events);
            if is_final(state.state()) {
                prop_assert!(state.apply(next).is_err());
            }
        }

        #[test]
        fn every_path_reaches_a_final_state(events in proptest::collection::vec(event(), 0..12)) {
            let state = run(events);
            prop_assert!(is_final(state.state()) || is_final(state.apply(failed(1)).unwrap().state()));
        }

        #[test]
        fn deployed_has_all_its_timings(events in proptest::collection::vec(event(), 0..40)) {
            let state = run(events);
            if state.state() == DeploymentState::Deployed {
                let timings = state.timings(0);
                prop_assert!(timings.queued_ms.is_some() && timings.build_ms.is_some());
                prop_assert!(timings.upload_ms.is_some() && timings.total_ms.is_some());
                prop_assert!(state.bundle().is_some());
            }
        }
    }
}

//! Every limit of the platform, in one place. A limit that cannot be read here does not exist.

use crate::rate::Rate;

/// Longest app slug; with `--` and a deployment id it still fits a DNS label of 63.
pub const SLUG_CHARS: usize = 40;
/// Longest name of an app, in bytes.
pub const NAME_BYTES: usize = 200;
/// Longest message of a deployment, in bytes.
pub const MESSAGE_BYTES: usize = 1_000;
/// Longest `Idempotency-Key`, in bytes.
pub const IDEMPOTENCY_KEY_BYTES: usize = 255;

/// Longest host name, in bytes (RFC 1035, section 2.3.4, without the root's dot).
pub const HOST_BYTES: usize = 253;
/// Most hosts of its own that an app has.
pub const DOMAINS: usize = 50;
/// How soon a domain that is not active is looked at again, at first.
pub const DOMAIN_LOOK_MS: u64 = 60 * 1_000;
/// How long a claim is looked at again by itself.
pub const DOMAIN_PATIENCE_MS: u64 = 7 * 24 * 60 * 60 * 1_000;
/// Domains that one sweep looks at, and custom hostnames that it has removed.
pub const SWEEP_DOMAINS: u32 = 20;

/// Longest path in a tree, in bytes.
pub const PATH_BYTES: usize = 512;
/// Most segments of a path.
pub const PATH_DEPTH: usize = 32;

/// Largest file of a tree; the compiler takes no more either.
pub const FILE_BYTES: u64 = 10 * 1024 * 1024;
/// Most files in a tree.
pub const TREE_FILES: u64 = 10_000;
/// Largest tree.
pub const TREE_BYTES: u64 = 256 * 1024 * 1024;

/// Largest body of an edit: a large tree takes several edits.
pub const EDIT_BODY_BYTES: u64 = 32 * 1024 * 1024;
/// Largest archive that replaces a tree.
pub const ARCHIVE_BODY_BYTES: u64 = EDIT_BODY_BYTES;
/// What one may unpack to. The platform's isolates have 128 MB, in which archive and contents stand side by
/// side.
pub const ARCHIVE_BYTES: u64 = 48 * 1024 * 1024;
/// Most writes and deletes of one edit.
pub const EDIT_PATHS: usize = 5_000;
/// Largest body of every other call.
pub const BODY_BYTES: u64 = 64 * 1024;
/// Most hashes in one `BlobRequest`.
pub const BLOB_HASHES: usize = 1_000;

/// Largest source map that is kept: the largest value that KV takes.
pub const MAP_BYTES: u64 = 25 * 1024 * 1024;
/// Scripts of one stack trace whose maps are read.
pub const TRACED_SCRIPTS: usize = 16;

/// Entries of a list when the call does not say.
pub const PAGE_DEFAULT: u32 = 50;
/// Most entries of a list.
pub const PAGE_MAX: u32 = 100;

/// Most public values of an app.
pub const ENV_VALUES: usize = 100;
/// Longest name of one, in bytes.
pub const ENV_NAME_BYTES: usize = 64;
/// Names and values together; they travel in every page.
pub const ENV_BYTES: usize = 32 * 1024;

/// Most secrets of an app's server.
pub const SECRETS: usize = 64;
/// Longest value of one, in bytes; Cloudflare takes no longer ones.
pub const SECRET_BYTES: usize = 5 * 1024;

/// Updates kept for replay.
pub const REPLAY_UPDATES: usize = 500;
/// Bytes of updates kept for replay.
pub const REPLAY_BYTES: u64 = 8 * 1024 * 1024;
/// Largest message taken from a viewer.
pub const VIEWER_MESSAGE_BYTES: usize = 1024 * 1024;
/// Sockets that one room accepts. The platform takes 32,768 per object, but a room is one thread that writes
/// every update to each of them; `npm run bench:viewers` shows 2,000, and editors need some room beside them.
pub const ROOM_SOCKETS: usize = 2_500;
/// Updates that a viewer which never acknowledges any may be behind.
pub const SILENT_UPDATES: u64 = 5_000;
/// How long a viewer may stay behind what the log reaches before its socket is closed.
pub const BEHIND_MS: u64 = 5_000;
/// After so many updates the room looks who is behind; not after each, as that reads every attachment.
pub const PACE_UPDATES: u32 = 50;
/// Or after so many bytes of them.
pub const PACE_BYTES: u64 = 1024 * 1024;
/// Largest message taken from an editor; the platform closes a socket at 32 MiB, without a word. A larger
/// edit goes over HTTP, or is split.
pub const EDITOR_MESSAGE_BYTES: usize = 16 * 1024 * 1024;
/// Longest `request_id` of an edit, in bytes; it comes back with the answer.
pub const REQUEST_ID_BYTES: usize = 200;
/// Longest name of a custom event, in bytes.
pub const EVENT_NAME_BYTES: usize = 200;
/// What is kept of a viewer's `User-Agent`, in bytes; it stands in the socket's attachment, which takes 16 KiB.
pub const USER_AGENT_BYTES: usize = 512;
/// Editors that one room accepts.
pub const ROOM_EDITORS: usize = 50;

/// Entries of an app's log; each is one row of the room's storage.
pub const LOG_ENTRIES: u64 = 1_000;
/// What is kept of one text of a report (a line's arguments together, a message, a stack), in bytes.
pub const LOG_TEXT_BYTES: usize = 8 * 1024;
/// Console lines and errors that one viewer may report: so many at once, then one each `interval_ms`.
/// A loop that logs fills neither the log nor the bill: a row written costs money.
pub const VIEWER_REPORTS: Rate = Rate {
    burst: 60,
    interval_ms: 100,
};
/// The same for all viewers of a room together: strangers open public previews.
pub const ROOM_REPORTS: Rate = Rate {
    burst: 500,
    interval_ms: 50,
};
/// Custom events that one viewer may send: enough for a pointer's moves. They are not stored.
pub const VIEWER_EVENTS: Rate = Rate {
    burst: 400,
    interval_ms: 5,
};
/// Viewers whose reports on one update are counted; each costs a row written.
pub const COUNTED_VIEWERS: u32 = 100;

/// Most packages that one app names.
pub const VENDOR_DEPENDENCIES: usize = 500;
/// Most packages of one installation, those that packages ask for included.
pub const VENDOR_PACKAGES: u64 = 3_000;
/// Most files and folders of one installation; the largest icon sets have some 45,000.
pub const VENDOR_FILES: u64 = 250_000;
/// Largest installation, unpacked.
pub const VENDOR_BYTES: u64 = 512 * 1024 * 1024;
/// Longest installation.
pub const VENDOR_INSTALL_MS: u64 = 120_000;
/// Largest vendor chunk; a value of Workers KV takes 25 MiB.
pub const VENDOR_CHUNK_BYTES: usize = 24 * 1024 * 1024;

/// How long a queue consumer may be silent before another takes its deployment over.
pub const LEASE_MS: u64 = 60_000;
/// How old a lease is before a sign of life renews it.
pub const RENEW_MS: u64 = 1_000;
/// How long the build service may be silent; it gives a sign of life far more often.
pub const SILENCE_MS: u64 = 15_000;
/// How long a new deployment may think about the question that verifies it.
pub const VERIFY_MS: u64 = 10_000;
/// Pause before an interrupted deployment is tried again, times the attempts so far.
pub const RETRY_MS: u64 = 1_000;
/// Deployments of one app that may wait; a newer revision takes the place of older ones.
pub const WAITING_OF_APP: u64 = 5;
/// Deployments that may wait on the whole platform.
pub const WAITING: u64 = 1_000;
/// When to ask again after too many waited, in seconds.
pub const WAITING_RETRY_SECONDS: u32 = 5;
/// How old a waiting deployment is before the sweep sends its message again.
pub const STALE_MS: u64 = 30_000;
/// Deployments that one sweep puts back, and those it retires.
pub const SWEEP_DEPLOYMENTS: u32 = 100;
/// Scripts that one sweep removes: each is a call of a rate-limited API.
pub const SWEEP_REMOVALS: u32 = 50;
/// How long the script of a deployment that ended otherwise is left alone: its upload may be under way.
pub const REMOVAL_DELAY_MS: u64 = 600_000;
/// How long a removal that failed waits for the next try.
pub const REMOVAL_RETRY_MS: u64 = 300_000;

/// How long a host's script may be remembered; a switch of production shows everywhere after that.
pub const ROUTE_MS: u64 = 250;
/// Hosts that an isolate remembers.
pub const ROUTES: usize = 10_000;
/// CPU time of an app's Worker per request.
pub const APP_CPU_MS: u32 = 1_000;
/// Requests that an app's Worker may make to answer one.
pub const APP_SUBREQUESTS: u32 = 100;
/// How often an exception of an app's Worker is written down for its owner.
pub const APP_ERROR_MS: u64 = 10_000;
/// Characters of an exception that are written down.
pub const APP_ERROR_CHARS: usize = 1_000;

/// Most assets of a deployment; the platform takes no more on every plan.
pub const ASSETS: usize = 20_000;
/// How often a deployment is taken up before it fails for good.
pub const BUILD_ATTEMPTS: u32 = 3;
/// How often a new deployment is asked through the dispatch path before it fails.
pub const VERIFY_ATTEMPTS: u32 = 3;
/// Events of one deployment that are stored; later log lines are dropped, states never.
pub const DEPLOYMENT_EVENTS: u32 = 1_000;

//! Every limit of the platform, in one place. A limit that cannot be read here does not exist.

/// Longest app slug; with `--` and a deployment id it still fits a DNS label of 63.
pub const SLUG_CHARS: usize = 40;
/// Longest name of an app, in bytes.
pub const NAME_BYTES: usize = 200;
/// Longest message of a deployment, in bytes.
pub const MESSAGE_BYTES: usize = 1_000;
/// Longest `Idempotency-Key`, in bytes.
pub const IDEMPOTENCY_KEY_BYTES: usize = 255;

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
/// Most writes and deletes of one edit.
pub const EDIT_PATHS: usize = 5_000;
/// Largest body of every other call.
pub const BODY_BYTES: u64 = 64 * 1024;
/// Most hashes in one `BlobRequest`.
pub const BLOB_HASHES: usize = 1_000;

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

/// How long a queue consumer may be silent before another takes its deployment over.
pub const LEASE_MS: u64 = 60_000;
/// How often a deployment is taken up before it fails for good.
pub const BUILD_ATTEMPTS: u32 = 3;
/// How often a new deployment is asked through the dispatch path before it fails.
pub const VERIFY_ATTEMPTS: u32 = 3;
/// Events of one deployment that are stored; later log lines are dropped, states never.
pub const DEPLOYMENT_EVENTS: u32 = 1_000;

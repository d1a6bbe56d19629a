//! Who is told of calls: their method, path, status and time; never their tokens or bodies.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// One call that was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Call<'a> {
    /// `PUT`, ….
    pub method: &'a str,
    /// Under the account, without the query.
    pub path: &'a str,
    /// `None` when no answer came.
    pub status: Option<u16>,
    /// From the first byte sent to the last one received.
    pub elapsed: Duration,
}

impl fmt::Display for Call<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}: ", self.method, self.path)?;
        match self.status {
            Some(status) => write!(f, "{status}")?,
            None => write!(f, "no answer")?,
        }
        write!(f, " in {} ms", self.elapsed.as_millis())
    }
}

type Listener = Arc<dyn Fn(Call<'_>) + Send + Sync>;

/// Nobody, or a function.
#[derive(Clone, Default)]
pub(crate) struct Observer(Option<Listener>);

impl Observer {
    pub(crate) fn new(observe: impl Fn(Call<'_>) + Send + Sync + 'static) -> Self {
        Self(Some(Arc::new(observe)))
    }

    pub(crate) fn tell(&self, call: Call<'_>) {
        if let Some(observe) = &self.0 {
            observe(call);
        }
    }
}

impl fmt::Debug for Observer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Observer")
    }
}

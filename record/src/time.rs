//! Time as a value.

/// Microseconds since 1970-01-01T00:00:00Z.
pub type Micros = i64;

/// The present, in microseconds UTC. Called at the edges only; everything below takes the time as an argument.
#[must_use]
pub fn now() -> Micros {
    jiff::Timestamp::now().as_microsecond()
}

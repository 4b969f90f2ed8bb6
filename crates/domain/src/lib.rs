//! Facts and rules of billing, without I/O.
//!
//! Everything here is a value or a pure function: no async, no SQL, no HTTP, no clock and no
//! randomness. Whoever needs the present moment or random bytes is handed them. Modules are
//! declared in reading order: values first, then what we know, then what follows from it.

pub mod money;
pub mod time;
pub mod ids;
pub mod access;
pub mod catalogue;
pub mod delivery;
pub mod mirror;
pub mod apply;
pub mod entitlement;
pub mod period;
pub mod usage;

//! Facts and rules of billing, without I/O.
//!
//! Everything here is a value or a pure function: no async, no SQL, no HTTP, no clock and no
//! randomness. Whoever needs the present moment or random bytes is handed them. Modules are
//! declared in reading order: values first, then what we know, then what follows from it.

pub mod access;
pub mod apply;
pub mod catalogue;
pub mod delivery;
pub mod entitlement;
pub mod ids;
pub mod mirror;
pub mod money;
pub mod period;
pub mod usage;
pub mod time;

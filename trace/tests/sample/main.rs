//! Reading samples: every form, whole, cut, bent and made up.

#[cfg(test)]
#[path = "../../fuzz/bodies/mod.rs"]
mod bodies;
#[cfg(test)]
mod cut;
#[cfg(test)]
mod fuzz;
#[cfg(test)]
mod packed;
#[cfg(test)]
mod sql;
#[cfg(test)]
mod support;
#[cfg(test)]
mod text;

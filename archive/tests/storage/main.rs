//! Stories, tables and faults of the archive's storage: what is acknowledged stays, what is not leaves no trace.

#[cfg(test)]
mod commit;
#[cfg(test)]
mod find;
#[cfg(test)]
mod full_disk;
#[cfg(test)]
mod given;
#[cfg(test)]
mod isolation;
#[cfg(test)]
mod kill;
#[cfg(test)]
mod recovery;
#[cfg(test)]
mod scrub;
#[cfg(test)]
mod support;

//! Stories of the whole archive against a real key service: what a hospital sends is found and given back, and nobody
//! else's.

#[cfg(test)]
mod away;
#[cfg(test)]
mod brute;
#[cfg(test)]
mod find;
#[cfg(test)]
mod limits;
#[cfg(test)]
mod pages;
#[cfg(test)]
mod receive;
#[cfg(test)]
mod resources;
#[cfg(test)]
mod store;
#[cfg(test)]
mod tls;
#[cfg(test)]
mod world;

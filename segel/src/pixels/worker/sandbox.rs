//! The closed room: what a process gives up before it reads the first byte of a stranger's frame.

use rustix::process::{DumpableBehavior, Resource, Rlimit, Signal};
use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen as Width, SeccompCmpOp as Is, SeccompCondition, SeccompFilter,
    SeccompRule,
};
use std::collections::BTreeMap;
use std::io;

/// Closes the room around this process, with this much address space. There is no way back.
pub fn enter(memory_bytes_max: u64, cpu_seconds_max: u64) -> io::Result<()> {
    // A worker whose archive is gone has nobody to work for. It is the death of the thread that started it which counts.
    rustix::process::set_parent_process_death_signal(Some(Signal::KILL))?;
    close_inherited()?;
    rustix::process::chdir("/")?;
    rustix::process::set_dumpable_behavior(DumpableBehavior::NotDumpable)?;
    let limit =
        |resource, most| rustix::process::setrlimit(resource, Rlimit { current: Some(most), maximum: Some(most) });
    limit(Resource::Core, 0)?;
    limit(Resource::Fsize, 0)?;
    limit(Resource::Cpu, cpu_seconds_max)?;
    limit(Resource::As, memory_bytes_max)?;
    limit(Resource::Data, memory_bytes_max)?;
    let program = program().map_err(io::Error::other)?;
    // No descriptor may come to be from here on: the highest that may is below the lowest there is.
    limit(Resource::Nofile, 0)?;
    // Sets no-new-privileges first, which a process without rights needs in order to set a filter.
    seccompiler::apply_filter_all_threads(&program).map_err(io::Error::other)
}

/// Closes what a careless ancestor left open beside standard input, output and error.
fn close_inherited() -> io::Result<()> {
    let open: Vec<i32> = std::fs::read_dir("/proc/self/fd")?
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
        .filter(|descriptor| *descriptor > 2)
        .collect();
    for descriptor in open {
        // The folder's own descriptor was among them, and is closed.
        if std::fs::symlink_metadata(format!("/proc/self/fd/{descriptor}")).is_err() {
            continue;
        }
        #[expect(
            unsafe_code,
            reason = "nothing in this process owns a descriptor above 2: it is at its very beginning"
        )]
        // SAFETY: no object of this process refers to these; the folder's own has been closed with its iterator.
        unsafe {
            rustix::io::close(descriptor);
        }
    }
    Ok(())
}

/// The system calls that decoding needs. Any other ends the process at once.
fn program() -> Result<BpfProgram, seccompiler::BackendError> {
    let always = Vec::new;
    let argument = |index, is, value| SeccompCondition::new(index, Width::Dword, is, value);
    let when =
        |conditions: Vec<SeccompCondition>| Ok::<_, seccompiler::BackendError>(vec![SeccompRule::new(conditions)?]);
    let number = |value: i32| u64::from(value.unsigned_abs());
    let without = |index, bit: i32| argument(index, Is::MaskedEq(number(bit)), 0);
    let own = number(rustix::process::getpid().as_raw_nonzero().get());
    let rules: BTreeMap<i64, Vec<SeccompRule>> = BTreeMap::from([
        // Standard input is the socket to the archive; output and error lead nowhere.
        (libc::SYS_read, when(vec![argument(0, Is::Eq, 0)?])?),
        (libc::SYS_write, when(vec![argument(0, Is::Le, 2)?])?),
        // Memory, of no file, and never to be executed.
        (
            libc::SYS_mmap,
            when(vec![
                without(2, libc::PROT_EXEC)?,
                argument(3, Is::MaskedEq(number(libc::MAP_ANONYMOUS)), number(libc::MAP_ANONYMOUS))?,
            ])?,
        ),
        (libc::SYS_mprotect, when(vec![without(2, libc::PROT_EXEC)?])?),
        (libc::SYS_munmap, always()),
        (libc::SYS_mremap, always()),
        (libc::SYS_madvise, always()),
        (libc::SYS_brk, always()),
        // What the run-time libraries do to themselves.
        (libc::SYS_prctl, when(vec![argument(0, Is::Eq, number(libc::PR_SET_VMA))?])?),
        (libc::SYS_futex, always()),
        (libc::SYS_clock_gettime, always()),
        (libc::SYS_getrandom, always()),
        (libc::SYS_sched_yield, always()),
        (libc::SYS_rt_sigaction, always()),
        (libc::SYS_rt_sigprocmask, always()),
        (libc::SYS_rt_sigreturn, always()),
        (libc::SYS_sigaltstack, always()),
        // abort() asks for its own numbers and signals itself.
        (libc::SYS_getpid, always()),
        (libc::SYS_gettid, always()),
        (libc::SYS_tgkill, when(vec![argument(0, Is::Eq, own)?, argument(2, Is::Eq, number(libc::SIGABRT))?])?),
        (libc::SYS_exit, always()),
        (libc::SYS_exit_group, always()),
    ]);
    let architecture = std::env::consts::ARCH.try_into()?;
    SeccompFilter::new(rules, SeccompAction::KillProcess, SeccompAction::Allow, architecture)?.try_into()
}

#[cfg(test)]
mod tests;

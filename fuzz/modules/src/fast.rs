//! The fast tier beside the interpreter (`--winch`).

use crate::ours::Ran;
use crate::report::Report;

#[cfg(feature = "winch")]
pub(crate) type Fast = Option<strongroom_vm::WinchEngine>;
/// There is none.
#[cfg(not(feature = "winch"))]
pub(crate) struct Fast;

/// The engine, if it is wanted.
#[cfg(feature = "winch")]
pub(crate) fn engine(wanted: bool) -> Fast {
    wanted.then(|| strongroom_vm::WinchEngine::new().expect("a machine that has it"))
}

/// Runs the module there, and reports what differs.
#[cfg(feature = "winch")]
pub(crate) fn compare(engine: &Fast, ran: &Ran, report: &mut Report) {
    use strongroom_vm::{Engine as _, EngineError, guard};
    let Some(engine) = engine else { return };
    let loaded = guard::caught(|| engine.load(&ran.prepared)).and_then(|loaded| loaded);
    let loaded = match loaded {
        Ok(loaded) => loaded,
        Err(EngineError::Tier(text)) => return report.not_compiled(ran.number, &text),
        // A panic of the compiler's: the interpreter goes on, but somebody should know.
        Err(fault) => return report.fault(ran.number, &format!("compiling: {fault}")),
    };
    report.compiled();
    match crate::ours::calls(engine, &loaded.module) {
        Ok((line, _)) if line == ran.line => {}
        Ok((line, _)) => report.differs(ran.number, &ran.line, &line),
        Err(fault) => report.fault(ran.number, &format!("the fast tier: {fault}")),
    }
}

#[cfg(not(feature = "winch"))]
pub(crate) fn engine(_: bool) -> Fast {
    Fast
}

#[cfg(not(feature = "winch"))]
pub(crate) fn compare(_: &Fast, _: &Ran, _: &mut Report) {}

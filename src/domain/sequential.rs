//! Two sides compared while somebody looks all the time.
//!
//! A test made for one look raises false alarms when it is asked every second. These are always valid: over the whole
//! of a comparison, however often it is looked at and whenever it is stopped, the chance that a side is ever called
//! worse by more than it is stays below `alpha`.
//!
//! Both rest on mixtures of likelihood ratios, which under the hypothesis to be refuted are supermartingales that
//! start at 1 and so (Ville) ever reach `1/alpha` with a chance of at most `alpha`: Howard and Ramdas, "Sequential
//! estimation of quantiles" (arXiv 1906.09712); Lindon et al., "Rapid Regression Detection in Software Deployments
//! through Sequential Testing" (arXiv 2205.14762).

mod errors;
mod quantile;

pub use errors::ErrorRatio;
pub use quantile::quantile_excess;

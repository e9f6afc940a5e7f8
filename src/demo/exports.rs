//! The metrics of the demo's model servers, in the Prometheus text format.

use super::accelerator::Gauges;

/// The content type of that format.
pub(crate) const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// The metrics as text.
pub(crate) fn text(gauges: &Gauges) -> String {
    let Gauges { waiting, images, busy_s } = gauges;
    format!(
        "# HELP digits_queue Requests that wait for a worker.\n\
         # TYPE digits_queue gauge\n\
         digits_queue {waiting}\n\
         # HELP digits_images_total Images served.\n\
         # TYPE digits_images_total counter\n\
         digits_images_total {images}\n\
         # HELP digits_busy_seconds_total Time at work, summed over the workers.\n\
         # TYPE digits_busy_seconds_total counter\n\
         digits_busy_seconds_total {busy_s:.6}\n"
    )
}

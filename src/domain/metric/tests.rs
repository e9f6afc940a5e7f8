use super::*;

fn row(take: Take) -> MetricRow {
    MetricRow { name: "row".into(), take, unit: Unit::Count, scale: 1.0 }
}

fn series() -> Series {
    Series { names: vec!["x".into()], labels: Vec::new() }
}

fn gauge_part(values: &[f64]) -> Part {
    let max = values.iter().copied().fold(f64::MIN, f64::max);
    Part::Gauge { sum: values.iter().sum(), max, n: values.len() as u32 }
}

#[test]
fn absent_is_not_zero_and_not_yet_is_neither() {
    let row = row(Take::Rate { of: series() });
    assert_eq!(row.merge([].iter()), Merged::Missing);
    assert_eq!(row.merge([Part::Missing, Part::Missing].iter()), Merged::Missing);
    assert_eq!(row.merge([Part::Missing, Part::NotYet].iter()), Merged::NotYet);
    assert_eq!(row.merge([Part::Rate(0.0), Part::NotYet].iter()), Merged::Value(0.0, None));
}

#[test]
fn gauges_are_added_averaged_or_the_largest_counts() {
    let parts = [gauge_part(&[0.2, 0.4]), gauge_part(&[0.9])];
    let of = |merge| match row(Take::Gauge { of: series(), merge }).merge(parts.iter()) {
        Merged::Value(value, None) => (value * 1000.0).round() as i64,
        other => panic!("{other:?}"),
    };
    assert_eq!([of(Merge::Sum), of(Merge::Mean), of(Merge::Max)], [1500, 500, 900]);
}

#[test]
fn a_mean_is_of_all_requests_and_none_without_any() {
    let row = MetricRow { scale: 1000.0, ..row(Take::Ratio { of: series(), per: series() }) };
    let parts = [Part::Ratio { of: 1.0, per: 1.0 }, Part::Ratio { of: 1.0, per: 99.0 }];
    assert_eq!(row.merge(parts.iter()), Merged::Value(20.0, None));
    assert_eq!(row.merge([Part::Ratio { of: 0.0, per: 0.0 }].iter()), Merged::NotYet);
}

#[test]
fn a_quantile_is_of_all_replicas_with_the_bounds_of_its_bucket() {
    let row = MetricRow { scale: 1000.0, ..row(Take::Quantile { of: series(), q: 0.9 }) };
    let fast = Part::Buckets(vec![(0.1, 100.0), (0.2, 0.0)]);
    let slow = Part::Buckets(vec![(0.1, 0.0), (0.2, 100.0)]);
    let Merged::Value(value, Some([low, high])) = row.merge([fast, slow].iter()) else { panic!("no value") };
    assert!((value - 180.0).abs() < 1e-6 && (low - 100.0).abs() < 1e-6 && (high - 200.0).abs() < 1e-6, "{value}");
    let endless = Part::Buckets(vec![(0.1, 1.0), (f64::INFINITY, 99.0)]);
    assert_eq!(row.merge([endless].iter()), Merged::Value(100.0, Some([100.0, 100.0])));
    assert_eq!(row.merge([Part::Buckets(vec![(0.1, 0.0)])].iter()), Merged::NotYet);
}

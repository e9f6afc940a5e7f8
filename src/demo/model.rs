//! The classifiers: 64 pixels in, a digit and ten scores out.
//!
//! Blue is a multinomial logistic regression, green a perceptron with one hidden layer. Here both are a stack of
//! dense layers with ReLU between them and softmax at the end.

use serde::Deserialize;

use crate::domain::Side;

/// Pixels of an image: 8 rows of 8.
pub(crate) const PIXELS: usize = 64;
/// The number of digits.
pub(crate) const CLASSES: usize = 10;

const SIDE: usize = 8;
const BLUE: &str = include_str!("../../assets/demo/blue.json");
const GREEN: &str = include_str!("../../assets/demo/green.json");

/// An image, row by row, each pixel from 0 to [`Model::pixel_max`].
pub type Image = [f32; PIXELS];

/// A trained classifier.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Model {
    /// Its name: `digits-lr`.
    pub name: String,
    /// The version its server reports: `v1`.
    pub version: String,
    /// The highest pixel value. Images are divided by it.
    pub pixel_max: f32,
    /// The results measured by the training script.
    pub golden: Recorded,
    layers: Vec<Layer>,
}

/// Results on the golden set, measured by the training script.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Recorded {
    /// Cases in the golden set.
    pub cases: usize,
    /// Right answers.
    pub right: usize,
    /// Right answers when every image is transposed first.
    pub right_transposed: usize,
}

/// A dense layer.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Layer {
    /// One row per output.
    weights: Vec<Vec<f32>>,
    bias: Vec<f32>,
}

/// The model's output for an image.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Prediction {
    /// The most likely digit.
    pub digit: u8,
    /// The probability of each digit; they sum to 1.
    pub scores: [f32; CLASSES],
}

fn bad(why: &str) -> String {
    format!("model weights cannot be used: {why}; run assets/demo/train.py and build again")
}

impl Model {
    /// The model that `side` serves in the demo.
    ///
    /// # Errors
    /// The embedded weights are damaged: a fault of the build.
    pub fn of(side: Side) -> Result<Self, String> {
        Self::parse(match side {
            Side::Blue => BLUE,
            Side::Green => GREEN,
        })
    }

    /// A model from the training script's JSON.
    ///
    /// # Errors
    /// The text is not JSON of that form, or the layers do not lead from 64 pixels to 10 digits.
    pub fn parse(json: &str) -> Result<Self, String> {
        let model: Self = serde_json::from_str(json).map_err(|e| bad(&e.to_string()))?;
        let mut width = PIXELS;
        for (i, layer) in model.layers.iter().enumerate() {
            if layer.weights.len() != layer.bias.len() || layer.weights.iter().any(|row| row.len() != width) {
                return Err(bad(&format!("layer {i} does not take {width} values")));
            }
            width = layer.bias.len();
        }
        if width != CLASSES || model.layers.is_empty() {
            return Err(bad(&format!("the last layer gives {width} values, not {CLASSES}")));
        }
        Ok(model)
    }

    /// The digit in `image`, with a score for each.
    pub fn predict(&self, image: &Image) -> Prediction {
        let mut values: Vec<f32> = image.iter().map(|pixel| pixel / self.pixel_max).collect();
        for (i, layer) in self.layers.iter().enumerate() {
            values = layer.apply(&values);
            if i + 1 < self.layers.len() {
                for value in &mut values {
                    *value = value.max(0.0);
                }
            }
        }
        let mut scores = [0.0; CLASSES];
        let top = values.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        for (score, value) in scores.iter_mut().zip(&values) {
            *score = (value - top).exp();
        }
        let sum: f32 = scores.iter().sum();
        for score in &mut scores {
            *score /= sum;
        }
        let digit = values.iter().position(|&value| value >= top).unwrap_or(0);
        Prediction { digit: digit as u8, scores }
    }
}

impl Layer {
    fn apply(&self, values: &[f32]) -> Vec<f32> {
        let dot = |row: &Vec<f32>| row.iter().zip(values).map(|(w, v)| w * v).sum::<f32>();
        self.weights.iter().zip(&self.bias).map(|(row, bias)| dot(row) + bias).collect()
    }
}

/// Swaps rows and columns, as a feature pipeline does that fills images column by column.
pub fn transposed(image: &Image) -> Image {
    std::array::from_fn(|i| image[i % SIDE * SIDE + i / SIDE])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn transposing_swaps_rows_and_columns() {
        let image: Image = std::array::from_fn(|i| i as f32);
        let other = transposed(&image);
        assert_eq!((other[1], other[8]), (8.0, 1.0));
        assert_eq!(transposed(&other).map(f32::to_bits), image.map(f32::to_bits));
    }

    #[test]
    fn scores_are_probabilities_even_of_absurd_images() {
        for side in Side::BOTH {
            let model = Model::of(side).unwrap();
            for image in [[0.0; PIXELS], [16.0; PIXELS], [1e30; PIXELS]] {
                let Prediction { digit, scores } = model.predict(&image);
                assert!(digit < 10);
                assert!((scores.iter().sum::<f32>() - 1.0).abs() < 1e-4, "{side}: {scores:?}");
            }
        }
    }

    #[test]
    fn damaged_weights_are_told() {
        for (from, to) in [("\"layers\"", "\"layer\""), ("\"bias\":[", "\"bias\":[0.5,"), ("]]", "]")] {
            let text = BLUE.replacen(from, to, 1);
            let error = Model::parse(&text).unwrap_err();
            assert!(error.contains("train.py"), "{error}");
        }
        let empty = r#"{"name":"x","version":"v","pixel_max":16,"golden":{"cases":1,"right":1,"right_transposed":0},"layers":[]}"#;
        assert!(Model::parse(empty).unwrap_err().contains("gives 64 values"));
    }
}

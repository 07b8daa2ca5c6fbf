/// How a variable gets its first value; the value depends on the session's seed and the variable's name only.
public struct Initializer: Hashable, Sendable {
  package indirect enum Form: Hashable, Sendable {
    case constant(Double)
    case uniform(low: Double, high: Double)
    case normal(mean: Double, deviation: Double)
    case truncatedNormal(mean: Double, deviation: Double)
    case varianceScaling(scale: Double, mode: FanMode, distribution: Distribution)
    case orthogonal(gain: Double)
    case identity(gain: Double)
    case array(NDArray)
    /// Different initialisers along the last axis, each for a number of columns.
    case columns([Column])
    /// Different initialisers for the blocks a variable has names for; `columns` once the variable is declared.
    case blocks([NamedBlock], otherwise: Initializer)
    /// An `array` once the variable is declared.
    case function(ElementFunction)
    /// Another's values, but for zeros in one row (an index of the leading axis).
    case zeroing(row: Int, of: Initializer)
  }

  package struct Column: Hashable, Sendable {
    package var width: Int
    package var initializer: Initializer
  }

  package struct NamedBlock: Hashable, Sendable {
    package var name: String
    package var initializer: Initializer
  }

  /// The count a variance is divided by.
  public enum FanMode: String, Hashable, Sendable {
    /// The values that enter one output: inputs times the receptive field.
    case fanIn = "fan_in"
    /// The values one input enters: outputs times the receptive field.
    case fanOut = "fan_out"
    /// The mean of both.
    case fanAverage = "fan_avg"
  }

  /// What is drawn from.
  public enum Distribution: String, Hashable, Sendable {
    /// Uniform around 0, its bounds such that the variance is as asked.
    case uniform
    /// Gaussian around 0.
    case normal
    /// Gaussian around 0, redrawn until within two deviations.
    case truncatedNormal = "truncated_normal"
  }

  package let form: Form

  package init(_ form: Form) { self.form = form }

  /// Whether the first value is data someone gave, rather than a place to start from.
  package var isGiven: Bool {
    switch form {
    case .array, .function: true
    case .columns(let columns): columns.allSatisfy { $0.initializer.isGiven }
    case .zeroing(_, let other): other.isGiven
    default: false
    }
  }

  /// All 0.
  public static let zeros = constant(0)
  /// All 1.
  public static let ones = constant(1)

  /// The same number everywhere.
  public static func constant(_ value: Double) -> Initializer { Initializer(.constant(value)) }

  /// Uniform on `low..<high`.
  public static func uniform(_ low: Double = -0.05, _ high: Double = 0.05) -> Initializer {
    Initializer(.uniform(low: low, high: high))
  }

  /// Gaussian.
  public static func normal(mean: Double = 0, deviation: Double = 0.05) -> Initializer {
    Initializer(.normal(mean: mean, deviation: deviation))
  }

  /// Gaussian, redrawn until within two deviations of the mean (so its spread is 0.8796 `deviation`).
  public static func truncatedNormal(mean: Double = 0, deviation: Double = 0.05) -> Initializer {
    Initializer(.truncatedNormal(mean: mean, deviation: deviation))
  }

  /// Variance `scale / fan`; the truncated normal's deviation is corrected for the truncation.
  ///
  /// Fans are counted as Keras does: for shape `[…receptive, in, out]`, `in` and `out` times the receptive field; for a
  /// vector both are its length. A fan below 1 counts as 1. Within `blocks` and `columns` they are those of the block.
  public static func varianceScaling(scale: Double, mode: FanMode, distribution: Distribution) -> Initializer
  {
    Initializer(.varianceScaling(scale: scale, mode: mode, distribution: distribution))
  }

  /// Glorot & Bengio, AISTATS 2010, equation 16: uniform with limit √(6 / (in + out)).
  public static let glorotUniform = varianceScaling(scale: 1, mode: .fanAverage, distribution: .uniform)
  /// Glorot & Bengio's variance, 2 / (in + out), by a truncated Gaussian.
  public static let glorotNormal = varianceScaling(
    scale: 1, mode: .fanAverage, distribution: .truncatedNormal)
  /// He et al., ICCV 2015, equation 10: variance 2 / in, uniform.
  public static let heUniform = varianceScaling(scale: 2, mode: .fanIn, distribution: .uniform)
  /// He et al., ICCV 2015, equation 10: variance 2 / in, by a truncated Gaussian.
  public static let heNormal = varianceScaling(scale: 2, mode: .fanIn, distribution: .truncatedNormal)

  /// LeCun, Bottou, Orr & Müller, "Efficient BackProp" (1998), equation 16: variance 1 / in, uniform.
  public static let lecunUniform = varianceScaling(scale: 1, mode: .fanIn, distribution: .uniform)
  /// LeCun et al.'s variance, 1 / in, by a truncated Gaussian; Klambauer et al., NeurIPS 2017, for SELU.
  public static let lecunNormal = varianceScaling(scale: 1, mode: .fanIn, distribution: .truncatedNormal)

  /// Orthonormal rows or columns (whichever are fewer) times `gain`; Saxe et al., ICLR 2014.
  ///
  /// The last axis is the columns, all others together the rows.
  public static func orthogonal(gain: Double = 1) -> Initializer { Initializer(.orthogonal(gain: gain)) }

  /// `gain` on the diagonal of a matrix, 0 elsewhere; not square, the longer side ends in zeros.
  ///
  /// Le, Jaitly & Hinton, "A Simple Way to Initialize Recurrent Networks of Rectified Linear Units" (2015), section 3.
  public static func identity(gain: Double = 1) -> Initializer { Initializer(.identity(gain: gain)) }

  /// These elements; shape and type must be the variable's.
  public static func array(_ array: NDArray) -> Initializer { Initializer(Form.array(array)) }

  /// The same values, but for zeros in one row (an index of the leading axis).
  package func zeroing(row: Int) -> Initializer { Initializer(.zeroing(row: row, of: self)) }

  /// Different initialisers for consecutive blocks of the last axis, each drawn as an array of its own width.
  public static func columns(_ blocks: [(width: Int, initializer: Initializer)]) -> Initializer {
    Initializer(Form.columns(blocks.map { Column(width: $0.width, initializer: $0.initializer) }))
  }
}

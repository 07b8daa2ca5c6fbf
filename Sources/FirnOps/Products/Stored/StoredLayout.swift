internal import CFirnKernels
import FirnGraph

/// How the numbers of a stored kernel lie in its buffer: the scales, if there are any, then the numbers, one after the
/// other, in whole words of 32 bits.
struct StoredLayout: Sendable {
  /// In which order numbers lie.
  enum Form: String, Sendable, CaseIterable {
    /// As in the array.
    case flat
    /// Of a matrix [k, n] in panels of 32 columns, as `pack` lays them, zeros beyond n.
    case panels
    /// Of a matrix [n, k] that is read transposed, likewise.
    case turnedPanels = "turned_panels"
  }

  let storage: FrozenStorage
  /// How many scales there are.
  let scales: Int
  let runs: FirnRuns

  /// - Parameter channel: the axis along which there is a scale for each position; of numbers with scales alone.
  init(_ storage: FrozenStorage, _ form: Form, shape: [Int], channel: Int?) {
    self.storage = storage
    scales = channel.map { shape[$0] } ?? 0
    switch form {
    case .flat:
      guard let channel else {
        runs = FirnRuns(length: shape.reduce(1, *))
        return
      }
      let (outer, inner) = (shape[..<channel].reduce(1, *), shape[(channel + 1)...].reduce(1, *))
      runs =
        inner == 1
        ? FirnRuns(outer: outer, length: shape[channel], scaleElement: 1)
        : FirnRuns(outer: outer, middle: shape[channel], length: inner, scaleMiddle: 1)
    case .panels, .turnedPanels:
      let (k, n) = form == .panels ? (shape[0], shape[1]) : (shape[1], shape[0])
      let isOfColumns = channel == (form == .panels ? 1 : 0)
      let panels = Pack.panels(of: n)
      runs =
        isOfColumns
        ? FirnRuns(outer: panels, middle: k, length: Pack.width, scaleOuter: Pack.width, scaleElement: 1)
        : FirnRuns(outer: panels, middle: k, length: Pack.width, scaleMiddle: channel == nil ? 0 : 1)
    }
  }

  /// Scales of panels of columns fill the last panel.
  var paddedScales: Int { runs.scale_outer > 0 ? runs.outer * Pack.width : scales }

  /// Words of 32 bits that scales and numbers take.
  var words: Int {
    let bytes = (runs.outer * runs.middle * runs.length).saturatingProduct(storage.byteCount)
    return paddedScales.saturatingSum(bytes / 4 + (bytes % 4 == 0 ? 0 : 1))
  }

  /// Where scales begin, and where numbers do.
  func parts(of words: UnsafePointer<Int32>) -> (scales: UnsafePointer<Float>, numbers: UnsafeRawPointer) {
    let raw = UnsafeRawPointer(words)
    return (raw.assumingMemoryBound(to: Float.self), raw + paddedScales * 4)
  }

  /// Of some of the outer runs, and of some of the middle ones.
  func runs(outer: Int? = nil, middle: Int? = nil) -> FirnRuns {
    var part = runs
    part.outer = outer ?? runs.outer
    part.middle = middle ?? runs.middle
    return part
  }

  /// One run by itself, which has one scale or none.
  func row(of length: Int) -> FirnRuns { FirnRuns(length: length) }

  var type: FirnStored {
    switch storage {
    case .bfloat16: FIRN_BF16
    case .float16: FIRN_F16
    case .int8: FIRN_I8
    }
  }
}

extension FirnRuns {
  fileprivate init(
    outer: Int = 1, middle: Int = 1, length: Int, scaleOuter: Int = 0, scaleMiddle: Int = 0,
    scaleElement: Int = 0
  ) {
    self.init(
      outer: outer, middle: middle, length: length, scale_outer: scaleOuter, scale_middle: scaleMiddle,
      scale_element: scaleElement)
  }

  /// The number of the scale of a number.
  func scale(_ outer: Int, _ middle: Int, _ element: Int) -> Int {
    outer * scale_outer + middle * scale_middle + element * scale_element
  }
}

extension Attributes {
  /// The type that is named, and the axis of scales where it has some.
  func storage() throws(FirnError) -> (FrozenStorage, channel: Int?) {
    let name = try string("storage")
    guard let storage = FrozenStorage(name) else {
      throw FirnError(
        .parse, "`\(name)` is no type that kernels are stored in",
        remedy: "write " + FrozenStorage.allCases.map { "`\($0)`" }.joined(separator: ", "))
    }
    let channel = try int("channel")
    guard (channel >= 0) == storage.isScaled else {
      throw FirnError(
        .parse, storage.isScaled ? "`\(storage)` has scales along an axis" : "`\(storage)` has no scales",
        remedy: storage.isScaled ? "name the axis" : "write channel = -1")
    }
    return (storage, channel < 0 ? nil : channel)
  }
}

internal import FirnGraph

/// The matrices of Winograd's minimal filtering F(m, 3): y = A ((G k) ∘ (B d)), of d with m + 2 elements.
///
/// In two dimensions each stands on either side. Of a tile of two the points are 0, 1, -1 and ∞; a tile of four has 2 and -2
/// besides.
///
/// Source: Lavin and Gray, "Fast algorithms for convolutional neural networks", 2016, sections 4.1 to 4.3.
struct WinogradTransform: Sendable {
  let tile: Int
  /// B: (m + 2) × (m + 2).
  let input: [[Double]]
  /// G: (m + 2) × 3.
  let kernel: [[Double]]
  /// A: m × (m + 2).
  let output: [[Double]]

  init(_ tile: WinogradTile) {
    self.tile = tile.rawValue
    switch tile {
    case .two:
      input = [[1, 0, -1, 0], [0, 1, 1, 0], [0, -1, 1, 0], [0, 1, 0, -1]]
      kernel = [[1, 0, 0], [0.5, 0.5, 0.5], [0.5, -0.5, 0.5], [0, 0, 1]]
      output = [[1, 1, 1, 0], [0, 1, -1, -1]]
    case .four:
      input = [
        [4, 0, -5, 0, 1, 0], [0, -4, -4, 1, 1, 0], [0, 4, -4, -1, 1, 0], [0, -2, -1, 2, 1, 0],
        [0, 2, -1, -2, 1, 0], [0, 4, 0, -5, 0, 1],
      ]
      kernel = [
        [1.0 / 4, 0, 0], [-1.0 / 6, -1.0 / 6, -1.0 / 6], [-1.0 / 6, 1.0 / 6, -1.0 / 6],
        [1.0 / 24, 1.0 / 12, 1.0 / 6], [1.0 / 24, -1.0 / 12, 1.0 / 6], [0, 0, 1],
      ]
      output = [[1, 1, 1, 1, 1, 0], [0, 1, -1, 2, -2, 0], [0, 1, 1, 4, 4, 0], [0, 1, -1, 8, -8, 1]]
    }
  }

  /// Elements of an image that a tile sees along an axis.
  var span: Int { tile + 2 }
  var places: Int { span * span }

  /// For each place the taps that it is made of, as numbers in 0..<9, and their factors.
  var kernelTerms: [[(tap: Int, factor: Double)]] {
    (0..<places).map { place in
      let (down, across) = (kernel[place / span], kernel[place % span])
      return (0..<9).compactMap { tap in
        let factor = down[tap / 3] * across[tap % 3]
        return factor == 0 ? nil : (tap, factor)
      }
    }
  }

  /// Additions and multiplications along one axis of what is not 0, a multiply-add as two.
  private func work(_ matrix: [[Double]]) -> Int {
    matrix.reduce(0) { sum, row in
      sum + row.reduce(0) { $0 + ($1 == 0 ? 0 : abs($1) == 1 ? 1 : 2) } - 1
    }
  }

  /// Arithmetic of transforming one tile of one channel, and of transforming one feature back.
  var inputWork: Int { work(input) * 2 * span }
  var outputWork: Int { work(output) * (span + tile) }
  var kernelWork: Int { kernelTerms.reduce(0) { $0 + 2 * $1.count } }

  /// For each element (i, j) of an image's tile, result (a, b) and place (s, t), in this order, A_as A_bt B_si B_tj: by it a
  /// transformed kernel becomes one of (m + 2)² taps and m² results.
  var spread: [Double] {
    var factors: [Double] = []
    for i in 0..<span {
      for j in 0..<span {
        for a in 0..<tile {
          for b in 0..<tile {
            for s in 0..<span {
              for t in 0..<span { factors.append(output[a][s] * output[b][t] * input[s][i] * input[t][j]) }
            }
          }
        }
      }
    }
    return factors
  }
}

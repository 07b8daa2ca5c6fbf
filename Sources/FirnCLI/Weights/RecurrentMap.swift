internal import FirnFormats
internal import FirnGraph

/// The map of a recurrent network as `--map` gives it: `pytorch-lstm,layers=2,bidirectional:rnn.=encoder`.
///
/// Before the colon stands the network, for files say little of it: a layout and a cell, and what is not as usual. Behind it, what
/// stands before the weights' names in the file, and the layer's scope. Keras, which has a layer of its own for each, may have several
/// beginnings: `keras-lstm,layers=2:lstm/,lstm_1/=encoder`.
struct RecurrentMap {
  private enum Layout: String, CaseIterable {
    case pyTorch = "pytorch"
    case keras
    case kerasCuDNN = "keras-cudnn"
    case tensorFlow1 = "tensorflow1"
  }

  private enum Cell: String, CaseIterable { case rnn, lstm, gru }

  /// What may follow the cell.
  private static let options = [
    "layers=2", "bidirectional", "biases=none", "biases=separate", "peepholes", "projection", "reset-before",
    "forget-bias=0",
  ]

  /// What such a map begins with, up to the colon or the first option.
  static let names = Layout.allCases.flatMap { layout in
    Cell.allCases.compactMap { cell in
      layout == .kerasCuDNN && cell == .rnn ? nil : "\(layout.rawValue)-\(cell.rawValue)"
    }
  }

  let map: NameMap

  /// Whether `text` means to be one, well made or not.
  static func isMeant(by text: String) -> Bool {
    let head = text.prefix { $0 != ":" && $0 != "," && $0 != "/" && $0 != "." && $0 != "=" }
    return names.contains(String(head))
      || text.contains(":") && Layout.allCases.contains { head.hasPrefix($0.rawValue + "-") }
  }

  /// - Throws: `UsageError` for a cell, an option or a place that is none.
  init(_ text: String, command: String) throws(UsageError) {
    func fault(_ message: String, _ remedy: String) -> UsageError {
      UsageError("firn \(command)", "'\(text)': \(message)", remedy: remedy)
    }
    let halves = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
    var words = halves[0].split(separator: ",", omittingEmptySubsequences: false).map { String($0) }
    let name = words.removeFirst()
    guard Self.names.contains(name), let dash = name.lastIndex(of: "-"),
      let layout = Layout(rawValue: String(name[..<dash])),
      let cell = Cell(rawValue: String(name[name.index(after: dash)...]))
    else {
      throw fault(
        "'\(name)' is no layout and cell",
        NearestNames(to: name, among: Self.names, limit: 1).question
          ?? "write \(Self.names.joined(separator: ", "))")
    }
    let places =
      halves.dropFirst().first?.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false) ?? []
    guard places.count == 2, !places[1].isEmpty else {
      throw fault(
        "it does not say where the weights are, and where they go",
        "write \(halves[0]):rnn.=encoder for `rnn.weight_ih_l0` and the scope `encoder`")
    }

    var (layers, forgetBias) = (1, 1.0)
    var flags: Set<String> = []
    var biases = RecurrentNetwork.Biases.joint
    for word in words {
      let sides = word.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map {
        String($0)
      }
      switch (sides[0], sides.dropFirst().first) {
      case ("layers", let value?):
        // More than a person would stack; a file has no more names than it has bytes.
        guard let count = Int(value), 1...1000 ~= count else {
          throw fault("'\(value)' is no number of layers", "write layers=2")
        }
        layers = count
      case ("biases", "none"?): biases = .none
      case ("biases", "separate"?): biases = .separate
      case ("forget-bias", let value?) where layout == .tensorFlow1 && cell == .lstm:
        guard let number = Double(value), number.isFinite else {
          throw fault("'\(value)' is no bias", "write forget-bias=0")
        }
        forgetBias = number
      case ("bidirectional", nil),
        ("peepholes", nil) where cell == .lstm, ("projection", nil) where cell == .lstm,
        ("reset-before", nil) where cell == .gru && layout == .keras:
        flags.insert(word)
      default:
        throw fault(
          "'\(word)' says nothing of \(name)",
          NearestNames(to: word, among: Self.options, limit: 1).question
            ?? "options are \(Self.options.joined(separator: ", "))")
      }
    }
    let network = RecurrentNetwork(
      cell == .rnn
        ? .simple
        : cell == .lstm
          ? .lstm : .gru(resetAfter: layout != .tensorFlow1 && !flags.contains("reset-before")),
      layers: layers, isBidirectional: flags.contains("bidirectional"),
      hasPeepholes: flags.contains("peepholes"),
      hasProjection: flags.contains("projection"), biases: biases)
    let (from, scope) = (String(places[0]), String(places[1]))
    let prefixes = from.split(separator: ",", omittingEmptySubsequences: false).map { String($0) }
    map =
      switch layout {
      case .pyTorch: .pyTorchRNN(network, from: from, into: scope)
      case .keras: .kerasRNN(network, from: prefixes, into: scope)
      case .kerasCuDNN: .kerasCuDNNRNN(network, from: prefixes, into: scope)
      case .tensorFlow1: .tensorFlow1RNN(network, forgetBias: forgetBias, from: from, into: scope)
      }
  }
}

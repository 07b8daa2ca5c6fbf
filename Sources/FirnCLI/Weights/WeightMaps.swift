internal import FirnFormats
internal import FirnGraph

/// The maps of names that `--map` gives, one after the other.
struct WeightMaps {
  static let option = ArgumentParser.Option(
    name: "map", value: .text(placeholder: "MAP"),
    help:
      "a map of names, \(ready.map(\.name).joined(separator: ", ")); that of a recurrent network: pytorch-lstm,layers=2:rnn.=encoder; or a prefix: old/=new/",
    repeats: true)

  private static let ready: [(name: String, map: NameMap)] = [
    ("pytorch", .pyTorch), ("torchvision-resnet", .torchvisionResNet),
    ("torchvision-vgg", .torchvisionVGG()), ("torchvision-mobilenetv2", .torchvisionMobileNetV2),
    ("weight-norm", .weightNorm), ("keras", .keras), ("tensorflow1", .tensorFlow1),
  ]

  /// Names of the ready maps, and what those of recurrent networks begin with.
  static var names: [String] { ready.map(\.name) + RecurrentMap.names }

  private let maps: [NameMap]

  var isEmpty: Bool { maps.isEmpty }

  /// - Throws: `UsageError` for what is neither a known name nor a prefix nor a recurrent network.
  init(_ arguments: ParsedArguments) throws(UsageError) {
    var maps: [NameMap] = []
    for text in arguments.texts("map") {
      let sides = text.split(separator: "=", omittingEmptySubsequences: false).map(String.init)
      if RecurrentMap.isMeant(by: text) {
        maps.append(try RecurrentMap(text, command: arguments.command ?? "weights").map)
      } else if sides.count == 2 {
        maps.append(.prefix(sides[0], sides[1]))
      } else if let map = Self.ready.first(where: { $0.name == text })?.map {
        maps.append(map)
      } else {
        let names = Self.names
        throw UsageError(
          "firn \(arguments.command ?? "weights")", "'\(text)' is no map",
          remedy: NearestNames(to: text, among: names, limit: 1).question
            ?? "write \(Self.ready.map(\.name).joined(separator: ", ")), old/=new/ or pytorch-lstm:rnn.=encoder"
        )
      }
    }
    self.maps = maps
  }

  /// All, one after the other.
  var joined: NameMap { maps.dropFirst().reduce(maps.first ?? .identity) { $0.then($1) } }

  /// The weights under their new names, and the names the maps leave out.
  func callAsFunction(_ weights: Weights) throws(FirnError) -> (weights: Weights, ignored: [String]) {
    var (result, ignored) = (weights, [String]())
    for map in maps {
      let (mapped, left) = try result.mapped(by: map)
      result = mapped
      ignored += left
    }
    return (result, ignored)
  }
}
